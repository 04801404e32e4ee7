//! Reading everything, at once where it can be.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::aws::{Aws, AwsError, AwsErrorKind};
use super::connect::{Connector, Purpose, Session};
use super::iam::{IamRead, IamScope, quotas};
use super::ledger::KeyState;
use super::postgres::Catalogs;
use super::trace::part;
use super::{Ledger, Live, ReadCost, ReadError, iam, ledger, postgres};
use crate::address::{Address, Name};
use crate::model::{DatabaseState, Object, Quotas, World};

/// Clusters that are read at a time.
const CLUSTERS: usize = 16;

/// What has to be read besides the bulk.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// Whose marks are ours.
    pub workspace: Name,
    /// IAM users that somebody asks for.
    pub iam_users: BTreeSet<Name>,
    /// IAM roles that somebody asks for.
    pub iam_roles: BTreeSet<Name>,
    /// IAM users whose access keys we manage.
    pub keys_of: BTreeSet<Name>,
    /// Login roles that somebody asks for.
    pub roles: BTreeSet<Name>,
    /// Databases to look into, if they exist, besides those that are ours.
    pub databases: BTreeSet<Name>,
    /// Look into these alone.
    pub only_databases: Option<BTreeSet<Name>>,
    /// Look into none.
    pub shallow: bool,
    /// The admin, where somebody else may read.
    pub admin: Option<String>,
    /// The admin database, whose session reads the shared catalogs.
    pub admin_database: String,
    /// How many tenant databases are open at a time.
    pub parallelism: usize,
}

/// A cluster to read.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The AWS account, the same for all.
    pub aws: &'a Aws,
    /// The way in.
    pub connector: &'a Connector,
    /// What for.
    pub request: &'a ReadRequest,
}

/// Reads IAM, the shared catalogs, the ledger, and every database asked for.
///
/// # Errors
/// The admin database or IAM cannot be read. A tenant's database that cannot is a gap.
pub async fn read(aws: &Aws, connector: &Connector, request: &ReadRequest) -> Result<Live, ReadError> {
    let source = Source {
        aws,
        connector,
        request,
    };
    read_all(&[source]).await?.remove(0)
}

/// The same for several clusters, at the same time. IAM is one for all of them, and read once: each gets what it asks for
/// and what nobody asks for. A cluster that cannot be read is an error of its own.
///
/// # Errors
/// IAM cannot be read.
pub async fn read_all(sources: &[Source<'_>]) -> Result<Vec<Result<Live, ReadError>>, ReadError> {
    let Some(aws) = sources.first().map(|source| source.aws) else {
        return Ok(Vec::new());
    };
    let calls_before = aws.calls();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let each = (sources.iter().enumerate()).map(|(place, source)| {
        let sender = sender.clone();
        read_postgres(source, move |scope| drop(sender.send((place, scope))))
    });
    let clusters = stream::iter(each.collect::<Vec<_>>()).buffered(CLUSTERS);
    drop(sender);
    // Pages of IAM and connections to databases are what a reading waits for: it waits for both at once.
    let pages = iam::Pages::begin(aws);
    let account = async {
        let mut scopes = BTreeMap::new();
        while let Some((place, scope)) = receiver.recv().await {
            scopes.insert(place, scope);
        }
        let read = part("reading IAM", iam::read_each(aws, scopes.values(), pages)).await?;
        Ok::<_, ReadError>(scopes.into_keys().zip(read).collect::<BTreeMap<_, _>>())
    };
    let clusters = async { Ok(clusters.collect::<Vec<_>>().await) };
    let (mut iam, mut lives): (_, Vec<Result<Live, ReadError>>) = tokio::try_join!(account, clusters)?;
    let mut quotas = None;
    for (place, (source, live)) in sources.iter().zip(&mut lives).enumerate() {
        let Ok(live) = live else { continue };
        if let Some(iam) = iam.remove(&place) {
            add_iam(live, iam);
        }
        if lacks_identities(source.request, live) {
            if quotas.is_none() {
                quotas = Some(read_quotas(aws, &mut live.notes).await?);
            }
            live.quotas = quotas.unwrap_or_default();
        }
    }
    // Calls are the account's, so they are counted once.
    if let Some(live) = lives.iter_mut().flatten().next() {
        live.cost.aws_calls = aws.calls() - calls_before;
    }
    Ok(lives)
}

/// Everything but IAM; `ask` is told what is wanted of that as soon as it is known, or dropped.
async fn read_postgres(source: &Source<'_>, ask: impl FnOnce(IamScope)) -> Result<Live, ReadError> {
    let Source {
        connector, request, ..
    } = source;
    let shared = async {
        let session = connector.connect(&request.admin_database, Purpose::Read).await?;
        let (catalogs, ledger) = read_shared(&session, request.admin.as_deref()).await?;
        let leaving = leaving_roles(request, &ledger);
        let dependents = if leaving.is_empty() {
            Vec::new()
        } else {
            postgres::read_dependents(&session, &leaving).await?
        };
        Ok::<_, ReadError>((catalogs, ledger, dependents))
    };
    let (catalogs, ledger, dependents) = part("reading the shared catalogs", shared).await?;
    ask(iam_scope(request, &ledger));
    let mut live = merge(catalogs, ledger);
    live.dependents = dependents;
    let databases = databases(request, &live);
    live.cost.connections = 1 + databases.len();
    let share = live.server.share(request.parallelism);
    if share < request.parallelism {
        live.notes.push(format!(
            "The server has {} connections left: this takes {share} at a time instead of {}, and leaves the others free.",
            live.server.free_connections, request.parallelism
        ));
    }
    let looking = look_inside(connector, share, databases);
    let inside = part("looking into the databases", looking).await;
    add_inside(&mut live, inside);
    Ok(live)
}

/// The shared catalogs and the ledger.
pub(super) async fn read_shared(
    session: &Session,
    admin: Option<&str>,
) -> Result<(Catalogs, Ledger), ReadError> {
    let mut catalogs = postgres::read_catalogs(session, admin).await?;
    let ledger = ledger::read(session, &catalogs.server.power.admin).await?;
    if ledger.exists {
        let rows = postgres::rows(session, include_str!("sql/ledger_grants.sql")).await?;
        postgres::add_ledger_grants(rows, &session.database, &mut catalogs.world);
    }
    Ok((catalogs, ledger))
}

/// Whether a user or role is asked for that is not there, so that a plan may make it.
fn lacks_identities(request: &ReadRequest, live: &Live) -> bool {
    let lacks = |address: Address| !live.world.contains(&address);
    let mut users = request.iam_users.iter().cloned();
    let mut roles = request.iam_roles.iter().cloned();
    users.any(|name| lacks(Address::IamUser { name })) || roles.any(|name| lacks(Address::IamRole { name }))
}

/// Who may not read the account's figures goes without the warning they would give.
async fn read_quotas(aws: &Aws, notes: &mut Vec<String>) -> Result<Quotas, AwsError> {
    match quotas::read(aws).await {
        Err(error) if error.kind() == AwsErrorKind::Denied => {
            notes.push(format!(
                "Whether the account has room for new users and roles was not checked: {error}."
            ));
            Ok(Quotas::default())
        }
        read => read,
    }
}

/// The roles that are ours, and that nobody asks for.
fn leaving_roles(request: &ReadRequest, ledger: &Ledger) -> Vec<Name> {
    let ours = ledger.addresses(&request.workspace);
    ours.filter_map(|address| match address {
        Address::Role { name } if !request.roles.contains(name) => Some(name.clone()),
        _ => None,
    })
    .collect()
}

/// What is asked for, and what the ledger knows besides: where IAM cannot be read whole, those who left the file are
/// found by name alone.
fn iam_scope(request: &ReadRequest, ledger: &Ledger) -> IamScope {
    let mut scope = IamScope {
        workspace: request.workspace.clone(),
        users: request.iam_users.clone(),
        roles: request.iam_roles.clone(),
        keys_of: keys_of(request, ledger),
    };
    for address in ledger.addresses(&request.workspace) {
        match address {
            Address::IamUser { name } if !request.iam_users.contains(name) => {
                scope.users.insert(name.clone());
                scope.keys_of.insert(name.clone());
            }
            Address::IamRole { name } => {
                scope.roles.insert(name.clone());
            }
            _ => {}
        }
    }
    scope
}

/// A user whose keys the ledger knows, or whose key a crash left in question, is one whose keys are read.
fn keys_of(request: &ReadRequest, ledger: &Ledger) -> BTreeSet<Name> {
    let known = ledger
        .keys
        .values()
        .filter(|key| key.workspace == request.workspace)
        .map(|key| key.user.clone());
    let open = ledger.open.iter().filter_map(|step| match &step.address {
        Address::IamAccessKey { user, .. } if step.workspace == request.workspace => Some(user.clone()),
        _ => None,
    });
    request.keys_of.iter().cloned().chain(known).chain(open).collect()
}

fn databases(request: &ReadRequest, live: &Live) -> Vec<Name> {
    if request.shallow {
        return Vec::new();
    }
    let ours = live.databases_of(&request.workspace);
    live.world
        .databases()
        .filter(|(_, database)| database.state == DatabaseState::Open)
        .map(|(name, _)| name.clone())
        .filter(|name| match &request.only_databases {
            Some(only) => only.contains(name),
            None => ours.contains(name) || request.databases.contains(name),
        })
        .collect()
}

/// What the ledger knows of roles and databases joins what the catalogs say.
pub(super) fn merge(catalogs: Catalogs, ledger: Ledger) -> Live {
    let Catalogs {
        server,
        world,
        oids,
        memberships,
        locales,
        sessions,
    } = catalogs;
    let admin = server.power.admin.clone();
    let marks = ledger.marks(&oids, |name| {
        world
            .database(name)
            .is_some_and(|database| database.state == DatabaseState::Closed && database.owner == admin)
    });
    let world = world.into_objects();
    let mut world: World = world
        .map(|(address, object)| (ledger.shared(address), object))
        .collect();
    remember(&mut world, &ledger, &oids);
    Live {
        world,
        marks,
        ledger,
        server,
        memberships,
        dependents: Vec::new(),
        locales,
        sessions,
        attachments: BTreeMap::new(),
        case_variants: Vec::new(),
        recent: BTreeMap::new(),
        quotas: Quotas::default(),
        notes: Vec::new(),
        opened: BTreeSet::new(),
        gaps: BTreeMap::new(),
        cost: ReadCost::default(),
    }
}

/// IAM joins them.
fn add_iam(live: &mut Live, iam: IamRead) {
    let Live { world, ledger, .. } = live;
    world.extend(iam.objects.into_iter().map(|(address, object)| {
        let address = match address {
            Address::IamAccessKey { user, id: Some(id) } if is_ours(ledger, &id) => {
                Address::IamAccessKey { user, id: None }
            }
            other => other,
        };
        (ledger.shared(address), object)
    }));
    let marks = iam.marks.into_iter();
    live.marks
        .extend(marks.map(|(address, mark)| (ledger.shared(address), mark)));
    live.attachments = iam.attachments;
    live.case_variants = iam.case_variants;
    live.recent = iam.recent;
    live.notes.extend(iam.notes);
    live.gaps.extend(iam.gaps);
}

fn is_ours(ledger: &Ledger, id: &str) -> bool {
    ledger
        .keys
        .get(id)
        .is_some_and(|key| key.state == KeyState::HandedOver)
}

/// Deletion policies and passwords: what no catalog shows.
fn remember(world: &mut World, ledger: &Ledger, oids: &BTreeMap<Address, u32>) {
    for (address, remembered) in ledger.objects.values().flatten() {
        if remembered.oid != oids.get(address).copied() {
            continue;
        }
        match world.get_mut(address) {
            Some(Object::Role(role)) => role.password = remembered.password,
            Some(Object::Database(database)) => database.deletion_policy = remembered.deletion_policy,
            _ => {}
        }
    }
}

/// By database, what is in it.
type Inside = Vec<(Name, Result<Vec<(Address, Object)>, ReadError>)>;

/// One connection a database, `parallelism` at a time. One that cannot be opened is a gap.
async fn look_inside(connector: &Connector, parallelism: usize, databases: Vec<Name>) -> Inside {
    connector.reading.expect(databases.len());
    stream::iter(databases)
        .map(|database| async move {
            let read = async {
                let session = connector.connect(&database, Purpose::Read).await?;
                postgres::read_inside(&session).await
            };
            let read = read.await;
            connector.reading.looked_into_one();
            (database, read)
        })
        .buffer_unordered(parallelism.max(1))
        .collect()
        .await
}

fn add_inside(live: &mut Live, found: Inside) {
    let ledger = &live.ledger;
    let mut all = Vec::new();
    for (database, result) in found {
        match result {
            Ok(objects) => {
                live.opened.insert(database);
                let objects = objects.into_iter();
                all.extend(objects.map(|(address, object)| (ledger.shared(address), object)));
            }
            Err(error) => {
                live.gaps
                    .insert(Address::Database { name: database }, error.to_string());
            }
        }
    }
    live.world.extend(all);
}
