//! `token` and `connect`: in as a tenant, the way the tenant goes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use clap::Args;

use super::exit::Failure;
use super::session::{self, Checked};
use super::ui::Ui;
use super::{Ended, FileArgs};
use crate::address::{Name, TenantId};
use crate::config::{Cluster, SslMode, Tenant};
use crate::desired::access::role_arn;
use crate::desired::naming::{self, TenantNames};
use crate::live::access::{self, Login};
use crate::live::aws::{Aws, AwsErrorKind};
use crate::live::{rds, tls};
use crate::model::{ClusterFacts, Secret};

// Whose access.
#[derive(Debug, Args)]
pub(super) struct AccessArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    /// The tenant
    #[arg(value_name = "TENANT")]
    pub(super) tenant: String,
    /// The AWS profile that holds the tenant's keys; default: the AWS chain of the caller
    ///
    /// The role trusts nobody but the tenant.
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
}

/// Assume a tenant's role and print a login token
///
/// The token opens new connections for fifteen minutes, as the password, over TLS.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ PGPASSWORD=$(tenantctl token client01 --profile client01) psql -h ... -U client01 client01_db1")]
pub(super) struct TokenArgs {
    #[command(flatten)]
    pub(super) access: AccessArgs,
}

/// Assume a tenant's role and open psql as the tenant
///
/// Goes the way that the tenant goes: its keys, its IAM role, a login token. So it works from the tenant's networks and
/// with the tenant's keys only. What follows `--` is for psql.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl connect client01 db1 --profile client01
  $ tenantctl connect client01 -- -c \"SELECT current_user\"")]
pub(super) struct ConnectArgs {
    #[command(flatten)]
    pub(super) access: AccessArgs,
    /// The database, by its name in the file or on the server; default: the first
    #[arg(value_name = "DB")]
    pub(super) database: Option<String>,
    /// Arguments of psql
    #[arg(last = true, value_name = "PSQL ARGS")]
    pub(super) psql: Vec<String>,
}

/// A tenant with a token that opens its door.
struct Access {
    cluster: Cluster,
    facts: ClusterFacts,
    tenant: Tenant,
    names: TenantNames,
    token: Secret,
}

pub(super) async fn token(directory: &Path, args: &TokenArgs, ui: &Ui) -> Result<Ended, Failure> {
    let access = access(directory, &args.access, ui).await?;
    ui.data(&format!("{}\n", access.token.expose()));
    Ok(Ended::Well)
}

pub(super) async fn connect(directory: &Path, args: &ConnectArgs, ui: &Ui) -> Result<Ended, Failure> {
    let access = access(directory, &args.access, ui).await?;
    let database = database(&access, args.database.as_deref())?;
    let (host, port) = match &access.cluster.endpoint {
        Some(endpoint) => (endpoint.host.clone(), endpoint.port),
        None => (access.facts.endpoint.clone(), access.facts.port),
    };
    // psql reads roots from a file; this one lives as long as psql does.
    let roots = roots(&access.cluster)?;
    let mut psql = tokio::process::Command::new("psql");
    psql.args(&args.psql)
        .env("PGHOST", &host)
        .env("PGPORT", port.to_string())
        .env("PGUSER", &access.names.role)
        .env("PGDATABASE", &database)
        .env("PGPASSWORD", access.token.expose())
        .env("PGSSLMODE", sslmode(access.cluster.sslmode))
        .env("PGAPPNAME", "tenantctl connect")
        .env_remove("PGHOSTADDR")
        .env_remove("PGSERVICE")
        .env_remove("PGSSLROOTCERT");
    if let Some(roots) = &roots {
        psql.env("PGSSLROOTCERT", roots.path());
    }
    // Ctrl-C is psql's to handle while it runs.
    let _interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    let status = psql.status().await.map_err(|error| {
        Failure::Said(format!(
            "psql cannot be started: {error}. Install the PostgreSQL client, or use tenantctl token"
        ))
    })?;
    Ok(Ended::Code(code(status)))
}

fn code(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
}

async fn access(directory: &Path, args: &AccessArgs, ui: &Ui) -> Result<Access, Failure> {
    let Checked { config, .. } = session::check(directory, &args.files, &ui.quieted())?;
    let id = TenantId::new(&args.tenant);
    let Some(tenant) = config.tenants.get(&id).cloned() else {
        let names = config.tenants.keys().map(TenantId::as_str);
        let meant = crate::diag::suggestion(&args.tenant, names)
            .map_or_else(String::new, |meant| format!("; {meant}"));
        return Err(Failure::Said(format!("the file names no tenant \"{id}\"{meant}")));
    };
    let Some(cluster) = config.cluster_of(&tenant).cloned() else {
        return Err(Failure::Said(format!(
            "nothing says which cluster tenant \"{id}\" is on"
        )));
    };
    if !tenant.rds_iam_auth {
        return Err(Failure::Said(format!(
            "tenant \"{id}\" logs in by password: there is no role to assume"
        )));
    }
    let names = naming::compose(&config.naming, &tenant);
    let aws = Aws::load(cluster.region.as_deref(), args.profile.as_deref()).await;
    let facts = facts(&aws, &cluster, ui).await?;
    let credentials =
        access::assume_tenant_role(&aws, &role_arn(&facts, &names.iam_role), id.as_str()).await?;
    let login = Login {
        region: &facts.region,
        host: &facts.endpoint,
        port: facts.port,
        user: &names.role,
    };
    let token = access::auth_token(&aws, &credentials, login).await?;
    Ok(Access {
        cluster,
        facts,
        tenant,
        names,
        token,
    })
}

/// A tenant's own keys may assume its role and nothing else: where they may not look the cluster up, the file has to
/// say where it is.
async fn facts(aws: &Aws, cluster: &Cluster, ui: &Ui) -> Result<ClusterFacts, Failure> {
    let error = match rds::discover(aws, &cluster.identifier.value).await {
        Ok(discovery) => return Ok(discovery.facts),
        Err(error) => error,
    };
    let (AwsErrorKind::Denied, Some(endpoint)) = (error.kind(), &cluster.endpoint) else {
        return Err(error.into());
    };
    ui.note("these credentials may not look the cluster up; signing for the endpoint in the file");
    let (partition, account) = rds::caller_partition_and_account(aws).await?;
    Ok(ClusterFacts {
        partition,
        account,
        region: aws.region().unwrap_or_default().to_owned(),
        identifier: cluster.identifier.value.clone(),
        resource_id: String::new(),
        endpoint: endpoint.host.clone(),
        port: endpoint.port,
        master_username: String::new(),
        iam_enabled: true,
        master_secret_arn: None,
    })
}

/// By its name in the file or on the server; the first of the tenant's without one.
fn database(access: &Access, wanted: Option<&str>) -> Result<Name, Failure> {
    let open: Vec<&(Name, Name)> = access
        .names
        .databases
        .iter()
        .filter(|(logical, _)| {
            access
                .tenant
                .databases
                .get(logical.as_str())
                .is_some_and(|wanted| wanted.value)
        })
        .collect();
    match wanted {
        None => open
            .first()
            .map(|(_, name)| name.clone())
            .ok_or_else(|| Failure::Said(format!("tenant \"{}\" has no database", access.tenant.id))),
        // What is not the tenant's is for the server to refuse: that is what connect is there to show.
        Some(wanted) => Ok(open
            .iter()
            .find(|(logical, _)| logical == wanted)
            .map_or_else(|| wanted.into(), |(_, name)| name.clone())),
    }
}

fn sslmode(mode: SslMode) -> &'static str {
    match mode {
        SslMode::Disable => "disable",
        SslMode::Require => "require",
        SslMode::VerifyCa => "verify-ca",
        SslMode::VerifyFull => "verify-full",
    }
}

enum Roots {
    Given(PathBuf),
    Made(tempfile::NamedTempFile),
}

impl Roots {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Made(file) => file.path(),
        }
    }
}

fn roots(cluster: &Cluster) -> Result<Option<Roots>, Failure> {
    if matches!(cluster.sslmode, SslMode::Disable | SslMode::Require) {
        return Ok(None);
    }
    if let Some(path) = &cluster.sslrootcert {
        return Ok(Some(Roots::Given(path.clone())));
    }
    let made = tempfile::NamedTempFile::new().and_then(|mut file| {
        file.write_all(tls::RDS_ROOTS.as_bytes())?;
        Ok(file)
    });
    let file =
        made.map_err(|error| Failure::Said(format!("the RDS roots cannot be written for psql: {error}")))?;
    Ok(Some(Roots::Made(file)))
}
