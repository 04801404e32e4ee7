//! What plan, apply and adopt begin with: the file, and for each cluster its facts and a way in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::exit::Failure;
use super::ui::Ui;
use super::{FileArgs, validate};
use crate::address::Address;
use crate::apply::{ApplyError, Target};
use crate::config::{self, AdminAuth, Cluster, Config};
use crate::desired::{self, Desired, lint};
use crate::diag::{Diagnostics, LocatedDiagnostic, SourceMap, Span};
use crate::live::aws::Aws;
use crate::live::connect::{Connector, Login, Purpose, Reading};
use crate::live::trace::{self, pure_part};
use crate::live::{self, ReadError, ReadRequest, rds, tls};
use crate::model::{ClusterFacts, Secret};

/// A checked configuration.
pub(super) struct Checked {
    pub config: Config,
    /// Its warnings.
    pub notices: Vec<LocatedDiagnostic>,
    /// The files.
    pub sources: SourceMap,
}

/// One cluster with everything a plan is made from but what lives.
pub(super) struct Session {
    pub desired: Desired,
    pub target: Target,
    pub request: ReadRequest,
    /// Where the file names the cluster.
    named: (Span, SourceMap),
}

/// Loads and checks; shows everything that is wrong at once.
pub(super) fn check(directory: &Path, files: &FileArgs, ui: &Ui) -> Result<Checked, Failure> {
    let (loaded, diagnostics) = pure_part("reading the files", || {
        let loaded = validate::load_files(directory, files);
        let diagnostics = lint::validate(&loaded);
        (loaded, diagnostics)
    });
    if !diagnostics.is_empty() && (diagnostics.has_errors() || !ui.quiet) {
        ui.diagnose(&diagnostics, &loaded.sources);
    }
    let (config, sources) = loaded.into_config();
    let Some(mut config) = config.filter(|_| !diagnostics.has_errors()) else {
        return Err(Failure::Shown);
    };
    if config.clusters.is_empty() {
        return Err(Failure::Said(
            "there is no cluster block: write cluster \"main\" { identifier = \"the-rds-cluster-identifier\" }, or begin \
             with tenantctl init"
                .into(),
        ));
    }
    for cluster in config.clusters.values_mut() {
        // Like every path of the file; an absolute one stays what it is.
        cluster.sslrootcert = cluster.sslrootcert.take().map(|path| directory.join(path));
    }
    let notices = diagnostics.located(&sources);
    Ok(Checked {
        config,
        notices,
        sources,
    })
}

/// How a session is opened.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub directory: &'a Path,
    /// A reader of the cluster block to log in as, instead of the admin.
    pub reader: Option<&'a str>,
    pub parallelism: usize,
    pub shallow: bool,
}

/// Finds a cluster and a way in, as the admin; as a reader, where one is named: by the password in the environment or,
/// without one, by token. The master's secret is not for it.
pub(super) async fn open(
    part: &Config,
    cluster: &Cluster,
    sources: &SourceMap,
    aws: Aws,
    how: Opening<'_>,
    ui: &Ui,
) -> Result<Session, Failure> {
    let named = (cluster.identifier.span, sources.clone());
    let finding = rds::discover(&aws, &cluster.identifier.value);
    let discovered = trace::part("finding the cluster", finding).await;
    let discovery = discovered.map_err(|error| placed(error, &named))?;
    for note in &discovery.notes {
        ui.note(note);
    }
    let facts = discovery.facts;
    let compiled = pure_part("compiling", || desired::compile(part, cluster, &facts));
    let desired = match compiled {
        Ok(desired) => desired,
        Err(problems) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.extend(problems);
            ui.diagnose(&diagnostics, &named.1);
            return Err(Failure::Shown);
        }
    };
    let actor = actor();
    let mut way_in = cluster.clone();
    if let Some(reader) = how.reader {
        if !desired.readers.contains(reader) {
            return Err(Failure::Said(format!(
                "\"{reader}\" is no reader: write readers = [\"{reader}\"] into the cluster block, and apply it once as the \
                 admin"
            )));
        }
        way_in.admin.auth = match password(&cluster.name) {
            Ok(_) => AdminAuth::Password,
            Err(_) => AdminAuth::Iam,
        };
    }
    let username = how.reader.unwrap_or(&desired.admin);
    let connector = connector(&way_in, &facts, username, &actor).await;
    let connector = connector.map_err(|failure| placed(failure, &named))?;
    let request = request(&desired, cluster, how.parallelism, how.shallow);
    let target = Target {
        aws,
        connector: Arc::new(connector),
        admin_database: cluster.admin.database.clone(),
        directory: how.directory.to_owned(),
        parallelism: how.parallelism,
        actor,
    };
    Ok(Session {
        desired,
        target,
        request,
        named,
    })
}

/// A failure that is about the cluster as the file names it.
fn placed(failure: impl Into<Failure>, (span, sources): &(Span, SourceMap)) -> Failure {
    Failure::Placed {
        failure: Box::new(failure.into()),
        span: *span,
        sources: Box::new(sources.clone()),
    }
}

impl Session {
    /// A session with the admin database.
    pub(super) async fn admin(&self, purpose: Purpose) -> Result<live::connect::Session, Failure> {
        let target = &self.target;
        let connected = target.connector.connect(&target.admin_database, purpose).await;
        connected.map_err(|error| self.placed(error))
    }

    /// A connection that could not be made is about the cluster that the file names; nothing else is.
    pub(super) fn placed(&self, failure: impl Into<Failure>) -> Failure {
        match failure.into() {
            failure @ (Failure::Read(ReadError::Connect { .. } | ReadError::ConnectTimeout { .. })
            | Failure::Apply(ApplyError::Read(
                ReadError::Connect { .. } | ReadError::ConnectTimeout { .. },
            ))) => placed(failure, &self.named),
            other => other,
        }
    }
}

/// Makes connections as the admin.
pub(super) async fn connector(
    cluster: &Cluster,
    facts: &ClusterFacts,
    admin: &str,
    actor: &str,
) -> Result<Connector, Failure> {
    let (host, port) = match &cluster.endpoint {
        Some(endpoint) => (endpoint.host.clone(), endpoint.port),
        None => (facts.endpoint.clone(), facts.port),
    };
    let tls = tls::client_config(
        cluster.sslmode,
        cluster.sslrootcert.as_deref(),
        Some(&facts.endpoint),
    )?;
    let region = cluster.region.as_deref();
    let login = match cluster.admin.auth {
        AdminAuth::Password => Login::Password(password(&cluster.name)?),
        AdminAuth::Iam => Login::Iam(Box::new((Aws::load(region, None).await, facts.clone()))),
        AdminAuth::Secret => {
            let arn = facts.master_secret_arn.clone().ok_or_else(|| {
                Failure::Said(format!(
                    "auth = \"secret\", but RDS manages no master secret for cluster \"{}\": turn that on with aws rds \
                     modify-db-cluster --manage-master-user-password, or use auth = \"password\"",
                    facts.identifier
                ))
            })?;
            Login::Secret {
                aws: Box::new(Aws::load(region, None).await),
                arn,
                cached: Mutex::default(),
            }
        }
    };
    Ok(Connector {
        host,
        port,
        username: admin.to_owned(),
        login,
        tls,
        reading: Reading::default(),
        application_name: format!("tenantctl {actor}").chars().take(60).collect(),
    })
}

/// From the environment, which `ps` does not show to others.
fn password(cluster: &str) -> Result<Secret, Failure> {
    let own = config::password_variable(cluster);
    std::env::var(&own).or_else(|_| std::env::var("PGPASSWORD")).map(Secret::new).map_err(|_| {
        Failure::Said(format!(
            "no password for the admin: set {own} or PGPASSWORD, or write auth = \"iam\" or \"secret\" in the admin block"
        ))
    })
}

/// What a plan has to read besides the bulk.
pub(super) fn request(
    desired: &Desired,
    cluster: &Cluster,
    parallelism: usize,
    shallow: bool,
) -> ReadRequest {
    let mut request = ReadRequest {
        workspace: desired.workspace.clone(),
        iam_users: BTreeSet::new(),
        iam_roles: BTreeSet::new(),
        keys_of: BTreeSet::new(),
        roles: BTreeSet::new(),
        databases: BTreeSet::new(),
        only_databases: None,
        shallow,
        admin: Some(desired.admin.to_string()),
        admin_database: cluster.admin.database.clone(),
        parallelism,
    };
    for (address, _) in desired.world.iter() {
        match address {
            Address::IamUser { name } => {
                request.iam_users.insert(name.clone());
            }
            Address::IamRole { name } => {
                request.iam_roles.insert(name.clone());
            }
            Address::IamAccessKey { user, .. } => {
                request.keys_of.insert(user.clone());
            }
            Address::Role { name } => {
                request.roles.insert(name.clone());
            }
            Address::Database { name } => {
                request.databases.insert(name.clone());
            }
            _ => {}
        }
    }
    // A suspended tenant's keys are switched off whoever made them.
    let suspended = desired.tenants.values().filter(|tenant| tenant.suspended);
    request
        .keys_of
        .extend(suspended.map(|tenant| tenant.names.iam_user.clone()));
    request
}

/// User and host, for the ledger and for whoever waits for our lock.
pub(super) fn actor() -> String {
    let user = ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "unknown".into());
    let host = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/hostname"))
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default();
    format!("{user}@{}", host.trim())
}
