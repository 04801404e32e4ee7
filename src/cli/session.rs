//! What plan, apply and adopt begin with: the file, the cluster's facts, a way in, and what lives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::exit::Failure;
use super::ui::Ui;
use super::{FileArgs, ScopeArgs, progress, validate};
use crate::address::{Address, TenantId};
use crate::apply::{ApplyError, Target};
use crate::config::{AdminAuth, Cluster, Config};
use crate::desired::{self, Desired, lint};
use crate::diag::{Diagnostics, LocatedDiagnostic, SourceMap, Span};
use crate::live::aws::Aws;
use crate::live::connect::{Connector, Login, Purpose, Reading};
use crate::live::trace::{part, pure_part};
use crate::live::{self, Live, ReadError, ReadRequest, rds, tls};
use crate::model::{ClusterFacts, Secret};

/// A checked configuration.
pub(super) struct Checked {
    pub config: Config,
    pub cluster: Cluster,
    /// Its warnings.
    pub notices: Vec<LocatedDiagnostic>,
    /// The files.
    pub sources: SourceMap,
}

/// Everything a plan is made from.
pub(super) struct Session {
    pub desired: Desired,
    pub target: Target,
    pub request: ReadRequest,
    pub notices: Vec<LocatedDiagnostic>,
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
    let Some(config) = loaded.config().filter(|_| !diagnostics.has_errors()).cloned() else {
        return Err(Failure::Shown);
    };
    let Some(mut cluster) = config.cluster.clone() else {
        return Err(Failure::Said(
            "there is no cluster block: write cluster \"main\" { identifier = \"the-rds-cluster-identifier\" }, or begin \
             with tenantctl init"
                .into(),
        ));
    };
    // Like every path of the file; an absolute one stays what it is.
    cluster.sslrootcert = cluster.sslrootcert.map(|path| directory.join(path));
    let notices = diagnostics.located(&loaded.sources);
    Ok(Checked {
        config,
        cluster,
        notices,
        sources: loaded.sources,
    })
}

/// Finds the cluster and a way in, as the admin.
pub(super) async fn open(
    directory: &Path,
    files: &FileArgs,
    parallelism: usize,
    shallow: bool,
    ui: &Ui,
) -> Result<Session, Failure> {
    open_as(None, directory, files, parallelism, shallow, ui).await
}

/// The same as a reader, where one is named: by the password in the environment or, without one, by token. The master's
/// secret is not for it.
pub(super) async fn open_as(
    reader: Option<&str>,
    directory: &Path,
    files: &FileArgs,
    parallelism: usize,
    shallow: bool,
    ui: &Ui,
) -> Result<Session, Failure> {
    let Checked {
        config,
        cluster,
        notices,
        sources,
    } = check(directory, files, ui)?;
    let named = (cluster.identifier.span, sources);
    let aws = Aws::load(cluster.region.as_deref(), None).await;
    let finding = rds::discover(&aws, &cluster.identifier.value);
    let discovered = part("finding the cluster", finding).await;
    let discovery = discovered.map_err(|error| placed(error, &named))?;
    for note in &discovery.notes {
        ui.note(note);
    }
    let facts = discovery.facts;
    let compiled = pure_part("compiling", || desired::compile(&config, &cluster, &facts));
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
    if let Some(reader) = reader {
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
    let username = reader.unwrap_or(&desired.admin);
    let connector = connector(&way_in, &facts, username, &actor).await;
    let connector = connector.map_err(|failure| placed(failure, &named))?;
    let request = request(&desired, &cluster, parallelism, shallow);
    let target = Target {
        aws,
        connector: Arc::new(connector),
        admin_database: cluster.admin.database.clone(),
        directory: directory.to_owned(),
        parallelism,
        actor,
    };
    Ok(Session {
        desired,
        target,
        request,
        notices,
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

    /// Reads everything.
    pub(super) async fn read(&self, ui: &Ui) -> Result<Live, Failure> {
        let reading = crate::live::read(&self.target.aws, &self.target.connector, &self.request);
        let read = progress::reading(ui, &self.target, reading).await;
        let live = read.map_err(|error| self.placed(error))?;
        for note in &live.notes {
            ui.note(note);
        }
        tracing::info!(
            aws_calls = live.cost.aws_calls,
            connections = live.cost.connections,
            "read"
        );
        Ok(live)
    }

    /// The tenants somebody named, each of which has to be known to the file or to the cluster.
    pub(super) fn only(&self, args: &ScopeArgs, live: &Live) -> Result<Vec<TenantId>, Failure> {
        let only: Vec<TenantId> = args.tenants.iter().map(TenantId::new).collect();
        for tenant in &only {
            known(&self.desired, live, tenant)?;
        }
        Ok(only)
    }
}

/// A tenant that the file names, or that is ours on the cluster.
pub(super) fn known(desired: &Desired, live: &Live, tenant: &TenantId) -> Result<(), Failure> {
    let ours = live
        .marks
        .values()
        .any(|mark| mark.workspace == desired.workspace && &mark.tenant == tenant);
    if desired.tenants.contains_key(tenant) || ours {
        return Ok(());
    }
    let names = desired.tenants.keys().map(TenantId::as_str);
    let meant = crate::diag::suggestion(tenant.as_str(), names)
        .map_or_else(String::new, |meant| format!("; {meant}"));
    Err(Failure::Said(format!(
        "there is no tenant \"{tenant}\", neither in the file nor on the cluster{meant}"
    )))
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

/// Where the admin's password of a cluster is looked for.
pub(super) fn password_variable(cluster: &str) -> String {
    let suffix = cluster.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_ascii_uppercase(),
        _ => '_',
    });
    format!("TENANTCTL_PASSWORD_{}", suffix.collect::<String>())
}

/// From the environment, which `ps` does not show to others.
fn password(cluster: &str) -> Result<Secret, Failure> {
    let own = password_variable(cluster);
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
        admin: Some(desired.admin.clone()),
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
