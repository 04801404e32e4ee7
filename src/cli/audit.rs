//! `audit` and `why`, and the proof that follows an apply. They read and never write.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::future::join_all;

use super::args::{ClusterArgs, OneClusterArgs};
use super::clusters::{self, Clusters, Selection};
use super::exit::Failure;
use super::probe::ProbeArgs;
use super::session::{Opening, Session};
use super::ui::Ui;
use super::{Ended, FileArgs, args, progress, validate};
use crate::address::{Address, Name, TenantId};
use crate::audit::{self, Audit, Options, Severity};
use crate::diag::suggestion;
use crate::live::Live;
use crate::live::evidence::{self, EvidenceRequest};
use crate::live::trace::part;
use crate::model::account::KeysByUser;
use crate::model::{Account, Evidence, Known};
use crate::plan::{Plan, file};
use crate::report;
use crate::report::audit::ClusterAudit;
use crate::report::sarif::Places;

/// Prove that no tenant can reach another, or say who can and how
///
/// Reads every grant, membership, policy and database, and follows them from tenant to tenant. Without `--probe` it
/// writes nothing. Exits with 2 when there are findings.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl audit
  $ tenantctl audit --tenant client01 --json
  $ tenantctl audit --probe --fail-on high --html audit.html")]
pub(super) struct AuditArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    #[command(flatten)]
    clusters: ClusterArgs,
    /// What concerns exactly this tenant; repeatable
    #[arg(long = "tenant", value_name = "T")]
    pub(super) tenants: Vec<String>,
    /// How many databases are looked into, or tenants probed, at a time: 1 to 256
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) parallelism: u16,
    /// Do not open databases
    #[arg(long)]
    pub(super) shallow: bool,
    /// How old an access key may be, in days: 90d
    #[arg(long, value_name = "DAYS", value_parser = args::days)]
    pub(super) max_key_age: Option<u32>,
    #[command(flatten)]
    pub(super) probing: ProbeArgs,
    /// From which severity on findings count for the exit code: critical, high, medium or low
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = args::severity)]
    pub(super) fail_on: crate::audit::Severity,
    /// One JSON document
    #[arg(long)]
    pub(super) json: bool,
    /// SARIF 2.1.0, for code scanning
    #[arg(long, conflicts_with = "json")]
    pub(super) sarif: bool,
    /// Write one HTML page too, with a map of which tenant reaches which
    ///
    /// It is written whole or not at all. Its directory must be there.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

/// Show each path by which a tenant reaches a database, or what is in the way
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl why client01 client02_db1")]
pub(super) struct WhyArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    #[command(flatten)]
    cluster: OneClusterArgs,
    /// The tenant
    #[arg(value_name = "TENANT")]
    pub(super) tenant: String,
    /// The database, by its name in the file or on the server
    #[arg(value_name = "DATABASE")]
    pub(super) database: String,
    /// One JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Seconds in a day.
const DAY: i64 = 24 * 60 * 60;

pub(super) async fn run(directory: &Path, args: &AuditArgs, ui: &Ui) -> Result<Ended, Failure> {
    if let Some(path) = &args.html {
        file::directory_of(path)?;
    }
    let selection = Selection {
        files: &args.files,
        clusters: &args.clusters.clusters,
        tenants: &args.tenants,
        opening: Opening {
            directory,
            reader: None,
            parallelism: usize::from(args.parallelism),
            shallow: args.shallow,
        },
    };
    let mut clusters = clusters::open(&selection, ui).await?;
    if args.html.is_some() && clusters.members.len() > 1 {
        return Err(Failure::Said(
            "--html makes a page of one cluster: pass --cluster".into(),
        ));
    }
    if args.probing.probe {
        for (_, _, session) in clusters.taking_part() {
            super::probe::tidy(session, ui).await;
        }
    }
    let mut found = read(&mut clusters, args.shallow, ui).await?;
    let only: BTreeSet<TenantId> = clusters.only(&args.tenants)?.into_iter().collect();
    let mut audits = Vec::new();
    for (place, member, session) in clusters.taking_part() {
        let (Some(live), Some(mut evidence)) = (&member.live, found.evidence.remove(&place)) else {
            continue;
        };
        // The account is one for all, and too large for a copy each.
        (evidence.account, evidence.keys) = (found.account, found.keys);
        let probe = match args.probing.probe {
            true => Some(super::probe::run(session, live, &evidence, &only, &args.probing, ui).await?),
            false => None,
        };
        let options = Options {
            only: only.clone(),
            max_key_age: args.max_key_age.map(|days| i64::from(days) * DAY),
            probe,
        };
        audits.push(ClusterAudit {
            cluster: clusters.label(place),
            audit: audit::audit(&session.desired, live, &evidence, &options),
        });
        (found.account, found.keys) = (evidence.account, evidence.keys);
    }
    deliver(directory, &clusters, &audits, args, ui)?;
    let at_least = |audit: &ClusterAudit| audit.audit.at_least(args.fail_on) > 0;
    Ok(if audits.len() < clusters.members.len() {
        Ended::Badly
    } else if audits.iter().any(at_least) {
        Ended::Findings
    } else {
        Ended::Well
    })
}

/// Prints audits as asked.
fn deliver(
    directory: &Path,
    clusters: &Clusters,
    audits: &[ClusterAudit],
    args: &AuditArgs,
    ui: &Ui,
) -> Result<(), Failure> {
    if args.json {
        let lost = clusters.members.iter();
        let lost = lost.filter_map(|member| Some((member.cluster.name.clone(), member.lost.clone()?)));
        let document = report::audit::several_json(audits, &lost.collect());
        ui.data(&format!("{document:#}\n"));
    } else if args.sarif {
        let places = places(directory, &args.files);
        ui.data(&format!("{:#}\n", report::sarif::several(audits, &places)));
    } else {
        ui.data(&report::audit::several(audits, ui.style()));
    }
    if let (Some(path), [only]) = (&args.html, audits) {
        file::write_text(path, &report::html::page(&only.audit))?;
    }
    Ok(())
}

/// The shared catalogs and every database, without IAM.
fn request(session: &Session, shallow: bool) -> EvidenceRequest {
    EvidenceRequest {
        admin_database: session.target.admin_database.clone(),
        parallelism: session.target.parallelism,
        shallow,
        only_databases: None,
        service_databases: session.desired.capabilities.service_databases,
    }
}

/// What an audit of several clusters reads.
struct Found {
    /// By the place of the cluster.
    evidence: BTreeMap<usize, Evidence>,
    account: Known<Account>,
    keys: Known<KeysByUser>,
}

/// Reads all clusters that take part and the account, at the same time.
async fn read(clusters: &mut Clusters, shallow: bool, ui: &Ui) -> Result<Found, Failure> {
    let (postgres, account, keys) = {
        let taking_part: Vec<_> = clusters.taking_part().collect();
        let each = taking_part.iter().map(|(place, _, session)| async move {
            let request = request(session, shallow);
            let reading = evidence::read(&session.target.connector, &request);
            let read = part("reading Postgres", reading).await;
            (*place, read.map_err(|error| session.placed(error)))
        });
        let targets: Vec<_> = taking_part
            .iter()
            .map(|(_, _, session)| &session.target)
            .collect();
        let aws = targets.first().map(|target| &target.aws);
        let account = async {
            match aws {
                Some(aws) => evidence::account(aws).await,
                None => (Known::NotAsked, Known::NotAsked),
            }
        };
        let calls = aws.map_or(0, |aws| aws.calls());
        let reading = async { tokio::join!(join_all(each), account) };
        let (postgres, (account, keys)) = progress::reading(ui, &targets, reading).await;
        let connections: usize = (postgres.iter())
            .filter_map(|(_, read)| Some(read.as_ref().ok()?.0.cost.connections))
            .sum();
        let aws_calls = aws.map_or(0, |aws| aws.calls()) - calls;
        tracing::info!(aws_calls, connections, "read");
        (postgres, account, keys)
    };
    let mut found = Found {
        evidence: BTreeMap::new(),
        account,
        keys,
    };
    for (place, read) in postgres {
        match read {
            Ok((live, evidence)) => {
                clusters.members[place].live = Some(live);
                found.evidence.insert(place, evidence);
            }
            Err(failure) => clusters.lose(place, failure, ui)?,
        }
    }
    Ok(found)
}

/// Where each tenant stands in the files.
fn places(directory: &Path, files: &FileArgs) -> Places {
    let loaded = validate::load_files(directory, files);
    let sources = &loaded.sources;
    let here = std::env::current_dir().unwrap_or_default();
    let name = |file: usize| {
        let path = Path::new(sources.name(file));
        path.strip_prefix(&here).unwrap_or(path).display().to_string()
    };
    let tenants = loaded.config().map_or_else(BTreeMap::new, |config| {
        let each = config.tenants.iter().map(|(id, tenant)| {
            let at = sources.position(tenant.span);
            (id.clone(), (name(tenant.span.file), at.line, at.column))
        });
        each.collect()
    });
    let file = if sources.is_empty() {
        String::new()
    } else {
        name(0)
    };
    Places { file, tenants }
}

/// After an apply: the proof for the tenants that it touched, from fresh catalogs and their own databases. IAM is not
/// read again: apply has just read its own objects back.
pub(super) async fn gate(session: &Session, plan: &Plan) -> Result<Option<Audit>, Failure> {
    let touched: BTreeSet<TenantId> = plan
        .changes
        .iter()
        .filter_map(|change| change.tenant.clone())
        .collect();
    if touched.is_empty() {
        return Ok(None);
    }
    let wanted = touched
        .iter()
        .filter_map(|tenant| session.desired.tenants.get(tenant));
    let mut databases: BTreeSet<Name> = wanted.flat_map(|tenant| tenant.databases.clone()).collect();
    databases.extend(plan.changes.iter().filter_map(|change| match &*change.address {
        Address::Database { name } => Some(name.clone()),
        _ => None,
    }));
    let request = EvidenceRequest {
        only_databases: Some(databases),
        ..request(session, session.request.shallow)
    };
    let read = evidence::read(&session.target.connector, &request).await;
    let (live, evidence) = read.map_err(|error| session.placed(error))?;
    let options = Options {
        only: touched,
        ..Options::default()
    };
    Ok(Some(audit::audit(&session.desired, &live, &evidence, &options)))
}

/// Says what the proof after an apply found. It goes to standard error: standard output ends as it always did.
pub(super) fn say(ClusterAudit { cluster, audit }: &ClusterAudit, ui: &Ui) {
    let of = cluster
        .as_ref()
        .map_or_else(String::new, |name| format!("cluster {name}: "));
    let summary = format!("audit: {of}{}", report::audit::summary(audit));
    if audit.at_least(Severity::Low) == 0 {
        ui.note(&summary);
        return;
    }
    if audit.crosses() {
        ui.complain(&format!(
            "AUDIT: {of}after this apply a tenant can still reach what is not its own."
        ));
    }
    ui.complain(&report::audit::findings(audit, ui.style()));
    ui.complain(&summary);
}

pub(super) async fn why(directory: &Path, args: &WhyArgs, ui: &Ui) -> Result<Ended, Failure> {
    let (cluster, tenant) = (args.cluster.cluster.as_deref(), args.tenant.as_str());
    let session = clusters::open_one(directory, &args.files, cluster, Some(tenant), ui).await?;
    let id = TenantId::new(tenant);
    let request = request(&session, true);
    let reading = evidence::read(&session.target.connector, &request);
    let read = progress::reading(ui, &[&session.target], reading).await;
    let (live, _) = read.map_err(|error| session.placed(error))?;
    clusters::known(&[(&session.desired, &live)], &id)?;
    let role = role(&session, &live, &id)?;
    let database = database(&session, &live, &id, &args.database)?;
    let mut why = audit::why(&live, &role, &database);
    let suspended = session
        .desired
        .tenants
        .get(&id)
        .is_some_and(|tenant| tenant.suspended);
    if suspended && !why.can {
        why.reasons.push(format!("Tenant {id} is suspended in the file."));
    }
    if args.json {
        let document = serde_json::json!({ "role": role, "database": database, "why": why });
        ui.data(&format!("{document:#}\n"));
    } else {
        ui.data(&report::audit::why(&role, &database, &why));
    }
    Ok(Ended::Well)
}

/// The login role of a tenant of the file, or of one that left it.
fn role(session: &Session, live: &Live, tenant: &TenantId) -> Result<Name, Failure> {
    if let Some(desired) = session.desired.tenants.get(tenant) {
        return Ok(desired.names.role.clone());
    }
    let marked = live.marked().find_map(|(address, mark)| match address {
        Address::Role { name } if mark.tenant == *tenant && mark.workspace == session.desired.workspace => {
            Some(name.clone())
        }
        _ => None,
    });
    marked.ok_or_else(|| {
        Failure::Said(format!(
            "tenant \"{tenant}\" has left the file and has no role any more"
        ))
    })
}

/// A database by its name in the file, for the tenant itself, or on the server.
fn database(session: &Session, live: &Live, tenant: &TenantId, name: &str) -> Result<String, Failure> {
    let own = session
        .desired
        .tenants
        .get(tenant)
        .map(|tenant| &tenant.names.databases);
    if let Some((_, full)) = own.and_then(|names| names.iter().find(|(logical, _)| logical == name)) {
        return Ok(full.to_string());
    }
    if live.world.database(name).is_some() || session.desired.world.database(name).is_some() {
        return Ok(name.to_owned());
    }
    let known = live.world.databases().map(|(name, _)| name.as_str());
    let logical = own.into_iter().flatten().map(|(logical, _)| logical.as_str());
    let meant = suggestion(name, known.chain(logical)).map_or_else(String::new, |meant| format!("; {meant}"));
    Err(Failure::Said(format!(
        "there is no database \"{name}\", neither in tenant \"{tenant}\" of the file nor on the cluster{meant}"
    )))
}
