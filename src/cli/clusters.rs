//! The clusters of a run: which ones, opened and read side by side. One that cannot be reached is a gap, and stops no other;
//! where it is the only one of the file, it is the end of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures_util::{StreamExt as _, stream};

use super::exit::Failure;
use super::session::{self, Checked, Opening, Session};
use super::ui::Ui;
use super::{FileArgs, progress, validate};
use crate::address::TenantId;
use crate::config::{Cluster, Config};
use crate::desired::{Desired, clusters, lint};
use crate::diag::{Diagnostics, LocatedDiagnostic, SourceMap, suggestion};
use crate::diff::{self, Member as Surveyed, Others};
use crate::live::aws::Aws;
use crate::live::{self, Live, Source};

/// Clusters that are looked up at a time.
const AT_A_TIME: usize = 16;

/// What of the file a run is about.
pub(super) struct Selection<'a> {
    pub files: &'a FileArgs,
    /// By `--cluster`; all, if there are none.
    pub clusters: &'a [String],
    /// By `--tenant`; all, if there are none.
    pub tenants: &'a [String],
    pub opening: Opening<'a>,
}

/// The clusters of a run, in the order of their names.
pub(super) struct Clusters {
    pub members: Vec<Member>,
    /// Whether the file has more than one.
    pub several: bool,
    /// Warnings about the file.
    pub notices: Vec<LocatedDiagnostic>,
    /// The cluster of each tenant of the file, under every name that it had.
    places: BTreeMap<TenantId, String>,
    /// All clusters of the file.
    names: Vec<String>,
}

/// One of them.
pub(super) struct Member {
    /// Its block in the file.
    pub cluster: Cluster,
    /// The ownership mark.
    pub workspace: String,
    /// The tenants that the file has on it.
    pub tenants: Vec<TenantId>,
    /// A way in, as long as nothing is wrong with it.
    pub session: Option<Session>,
    /// What lives there, once it was read.
    pub live: Option<Live>,
    /// Why it takes no part any more.
    pub lost: Option<String>,
    resource_id: Option<String>,
}

/// Loads and checks the file, and finds the clusters that are asked for.
pub(super) async fn open(selection: &Selection<'_>, ui: &Ui) -> Result<Clusters, Failure> {
    let Checked {
        config,
        notices,
        sources,
    } = session::check(selection.opening.directory, selection.files, ui)?;
    let names: Vec<String> = config.clusters.keys().cloned().collect();
    let places = clusters::places(&config);
    let chosen = choose(&names, &places, selection)?;
    let parts = clusters::split(config).into_iter().filter_map(|part| {
        let cluster = part.only_cluster()?.clone();
        chosen.contains(&cluster.name).then_some((part, cluster))
    });
    let parts: Vec<(Config, Cluster)> = parts.collect();
    let mut clusters = Clusters {
        members: Vec::new(),
        several: names.len() > 1,
        notices,
        places,
        names,
    };
    let aws = accounts(&parts).await;
    let how = selection.opening;
    let opened = parts
        .iter()
        .zip(aws)
        .map(|((part, cluster), aws)| session::open(part, cluster, &sources, aws, how, ui));
    let opened = stream::iter(opened.collect::<Vec<_>>()).buffered(AT_A_TIME);
    let opened: Vec<_> = opened.collect().await;
    let wrong = opened
        .iter()
        .any(|session| matches!(session, Err(Failure::Shown)));
    for ((part, cluster), session) in parts.into_iter().zip(opened) {
        let place = clusters.members.len();
        clusters.members.push(Member {
            cluster,
            workspace: part.workspace,
            tenants: part.tenants.into_keys().collect(),
            session: None,
            live: None,
            lost: None,
            resource_id: None,
        });
        match session {
            Ok(session) => {
                let member = &mut clusters.members[place];
                member.resource_id = Some(session.desired.facts.resource_id.clone());
                member.session = Some(session);
            }
            // The file is wrong about this cluster: nothing is done on any.
            Err(Failure::Shown) => {}
            Err(failure) if wrong => failure.show(ui),
            Err(failure) => clusters.lose(place, failure, ui)?,
        }
    }
    if wrong {
        return Err(Failure::Shown);
    }
    clusters.refuse_twins(&sources, ui)?;
    Ok(clusters)
}

/// The session of one cluster: the one that is named, that of a tenant of the file, or that of the only cluster.
pub(super) async fn open_one(
    directory: &Path,
    files: &FileArgs,
    cluster: Option<&str>,
    tenant: Option<&str>,
    ui: &Ui,
) -> Result<Session, Failure> {
    let loaded = validate::load_files(directory, files);
    let config = loaded.draft();
    let of_tenant = tenant.and_then(|tenant| {
        let cluster = config.cluster_of(config.tenants.get(&TenantId::new(tenant))?)?;
        Some(cluster.name.as_str())
    });
    let chosen = cluster.or(of_tenant);
    if chosen.is_none() && config.clusters.len() > 1 {
        let names: Vec<_> = config.clusters.keys().map(String::as_str).collect();
        return Err(Failure::Said(format!(
            "which cluster? Pass --cluster with one of {}",
            names.join(", ")
        )));
    }
    let chosen: Vec<String> = chosen.map(str::to_owned).into_iter().collect();
    let selection = Selection {
        files,
        clusters: &chosen,
        tenants: &[],
        opening: Opening {
            directory,
            reader: None,
            parallelism: 1,
            shallow: true,
        },
    };
    let mut clusters = open(&selection, ui).await?;
    let session = clusters.members.pop().and_then(|member| member.session);
    // What is in the way of the only one was said.
    session.ok_or(Failure::Shown)
}

/// One AWS identity for all, in the region of each.
async fn accounts(parts: &[(Config, Cluster)]) -> Vec<Aws> {
    // Where every cluster has its region, nothing has to be asked about the environment's.
    let named = parts.iter().all(|(_, cluster)| cluster.region.is_some());
    let first = parts.first().and_then(|(_, cluster)| cluster.region.as_deref());
    let aws = Aws::load(first.filter(|_| named), None).await;
    let regions = parts.iter().map(|(_, cluster)| cluster.region.as_deref());
    regions.map(|region| aws.in_region(region)).collect()
}

/// The names of the clusters that are asked for.
fn choose(
    names: &[String],
    places: &BTreeMap<TenantId, String>,
    selection: &Selection<'_>,
) -> Result<BTreeSet<String>, Failure> {
    let mut chosen: BTreeSet<String> = BTreeSet::new();
    for name in selection.clusters {
        chosen.insert(named(names, name)?.to_owned());
    }
    if chosen.is_empty() {
        chosen.extend(names.iter().cloned());
    }
    let mut of_tenants = BTreeSet::new();
    for tenant in selection.tenants {
        match places.get(&TenantId::new(tenant)) {
            Some(place) if chosen.contains(place) => {
                of_tenants.insert(place.clone());
            }
            Some(place) => {
                return Err(Failure::Said(format!(
                    "tenant \"{tenant}\" is on cluster \"{place}\", which --cluster leaves out"
                )));
            }
            // One that has left the file may be on any.
            None => return Ok(chosen),
        }
    }
    Ok(if of_tenants.is_empty() { chosen } else { of_tenants })
}

/// A cluster of the file by its name.
pub(super) fn named<'n>(names: &'n [String], name: &str) -> Result<&'n str, Failure> {
    if let Some(name) = names.iter().find(|known| *known == name) {
        return Ok(name);
    }
    let meant = suggestion(name, names.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
    Err(Failure::Said(format!(
        "the file has no cluster \"{name}\"{meant}. Its clusters are {}",
        names.join(", ")
    )))
}

impl Clusters {
    /// The name to show with what is about a member, where there are several.
    pub(super) fn label(&self, place: usize) -> Option<String> {
        self.several.then(|| self.members[place].cluster.name.clone())
    }

    /// Goes on without a cluster, where there are others; says why.
    pub(super) fn lose(&mut self, place: usize, failure: Failure, ui: &Ui) -> Result<(), Failure> {
        if !self.several {
            return Err(failure);
        }
        let member = &mut self.members[place];
        member.lost = Some(failure.to_string());
        let failure = failure.within(&format!("cluster {}", member.cluster.name));
        failure.show(ui);
        Ok(())
    }

    /// Why each cluster takes no part any more.
    pub(super) fn lost(&self) -> Vec<Option<String>> {
        self.members.iter().map(|member| member.lost.clone()).collect()
    }

    /// Those that take part, with their places.
    pub(super) fn taking_part(&self) -> impl Iterator<Item = (usize, &Member, &Session)> {
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| member.lost.is_none())
            .filter_map(|(place, member)| Some((place, member, member.session.as_ref()?)))
    }

    /// Two blocks about one cluster would each take the tenants of the other for its own that left.
    fn refuse_twins(&self, sources: &SourceMap, ui: &Ui) -> Result<(), Failure> {
        let mut seen: BTreeMap<&str, &Cluster> = BTreeMap::new();
        let mut diagnostics = Diagnostics::default();
        for member in &self.members {
            let Some(id) = &member.resource_id else { continue };
            if let Some(first) = seen.insert(id, &member.cluster) {
                diagnostics.push(lint::twice(first, &member.cluster));
            }
        }
        if diagnostics.is_empty() {
            return Ok(());
        }
        ui.diagnose(&diagnostics, sources);
        Err(Failure::Shown)
    }

    /// Reads all that take part, IAM once for all of them.
    pub(super) async fn read(&mut self, ui: &Ui) -> Result<(), Failure> {
        let (places, lives) = {
            let taking_part: Vec<_> = self.taking_part().collect();
            let sources: Vec<_> = taking_part
                .iter()
                .map(|(_, _, session)| session.source())
                .collect();
            let targets = taking_part.iter().map(|(_, _, session)| &session.target);
            let reading = live::read_all(&sources);
            let lives = progress::reading(ui, &targets.collect::<Vec<_>>(), reading).await?;
            let places: Vec<_> = taking_part.iter().map(|(place, _, _)| *place).collect();
            (places, lives)
        };
        let (mut aws_calls, mut connections) = (0, 0);
        for (place, live) in places.into_iter().zip(lives) {
            match live {
                Ok(live) => {
                    for note in &live.notes {
                        ui.note(note);
                    }
                    aws_calls += live.cost.aws_calls;
                    connections += live.cost.connections;
                    self.members[place].live = Some(live);
                }
                Err(error) => {
                    let failure = match &self.members[place].session {
                        Some(session) => session.placed(error),
                        None => error.into(),
                    };
                    self.lose(place, failure, ui)?;
                }
            }
        }
        tracing::info!(aws_calls, connections, "read");
        self.look_around();
        Ok(())
    }

    /// Tells each cluster what is on the others.
    fn look_around(&mut self) {
        let known: BTreeMap<&str, &str> = (self.members.iter())
            .filter_map(|member| Some((member.cluster.name.as_str(), member.resource_id.as_deref()?)))
            .collect();
        let read: BTreeSet<&str> = (self.members.iter())
            .filter(|member| member.live.is_some())
            .map(|member| member.cluster.name.as_str())
            .collect();
        let names = || self.names.iter();
        let others = Others {
            places: self.places.clone(),
            by_resource: (known.iter())
                .map(|(name, id)| ((*id).to_owned(), (*name).to_owned()))
                .collect(),
            unknown: names()
                .filter(|name| !known.contains_key(name.as_str()))
                .cloned()
                .collect(),
            unread: names()
                .filter(|name| !read.contains(name.as_str()))
                .cloned()
                .collect(),
            several: self.several,
        };
        let surveyed: Vec<Surveyed<'_>> = (self.members.iter())
            .filter_map(|member| {
                Some(Surveyed {
                    name: &member.cluster.name,
                    desired: &member.session.as_ref()?.desired,
                    live: member.live.as_ref()?,
                })
            })
            .collect();
        let elsewhere = diff::elsewhere(&surveyed, &others);
        let read = self.members.iter_mut().filter(|member| member.live.is_some());
        let sessions = read.filter_map(|member| member.session.as_mut());
        for (session, elsewhere) in sessions.zip(elsewhere) {
            session.desired.elsewhere = elsewhere;
        }
    }

    /// The tenants somebody named, each of which has to be known to the file or to a cluster.
    pub(super) fn only(&self, tenants: &[String]) -> Result<Vec<TenantId>, Failure> {
        let only: Vec<TenantId> = tenants.iter().map(TenantId::new).collect();
        let read = self.taking_part().filter_map(|(_, member, session)| {
            let live = member.live.as_ref()?;
            Some((&session.desired, live))
        });
        let read: Vec<_> = read.collect();
        for tenant in only.iter().filter(|tenant| !self.places.contains_key(tenant)) {
            known(&read, tenant)?;
        }
        Ok(only)
    }
}

/// A tenant that the file names, or that is ours on one of these clusters.
pub(super) fn known(read: &[(&Desired, &Live)], tenant: &TenantId) -> Result<(), Failure> {
    let is_known = |(desired, live): &(&Desired, &Live)| {
        let mut marks = live.marks.values();
        desired.tenants.contains_key(tenant)
            || marks.any(|mark| mark.workspace == desired.workspace && &mark.tenant == tenant)
    };
    if read.iter().any(is_known) {
        return Ok(());
    }
    let names = read.iter().flat_map(|(desired, _)| desired.tenants.keys());
    let meant = suggestion(tenant.as_str(), names.map(TenantId::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("; {meant}"));
    let place = if read.len() > 1 {
        "a cluster"
    } else {
        "the cluster"
    };
    Err(Failure::Said(format!(
        "there is no tenant \"{tenant}\", neither in the file nor on {place}{meant}"
    )))
}

impl Session {
    /// What to read, and by which way.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            aws: &self.target.aws,
            connector: &self.target.connector,
            request: &self.request,
        }
    }
}
