//! The shape of a configuration, defaults filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::address::TenantId;
use crate::diag::Span;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place in the source.
    pub span: Span,
}

/// Everything the loaded files ask for, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The ownership mark; `default` unless the file says otherwise.
    pub workspace: String,
    /// The clusters that hold the tenants, by name. None where only tenants were loaded: enough for
    /// `validate`, an error for everything that connects.
    pub clusters: BTreeMap<String, Cluster>,
    /// How object names are made.
    pub naming: Naming,
    /// The tenants, by name.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// Tenants that have another name now.
    pub moves: Vec<Moved>,
}

/// A `moved` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What the tenant was called.
    pub from: TenantId,
    /// What it is called.
    pub to: TenantId,
    /// Where the block begins.
    pub span: Span,
}

/// A `cluster` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its label, such as `main`.
    pub name: String,
    /// Where the block begins.
    pub span: Span,
    /// The database engine.
    pub engine: Spanned<Engine>,
    /// The RDS cluster identifier.
    pub identifier: Spanned<String>,
    /// The AWS region; the AWS chain's when absent.
    pub region: Option<String>,
    /// Where to connect instead of the looked-up endpoint.
    pub endpoint: Option<Endpoint>,
    /// How the connection is secured.
    pub sslmode: SslMode,
    /// A PEM file of roots that replaces the built-in ones, resolved against the configuration directory.
    pub sslrootcert: Option<PathBuf>,
    /// What happens to PUBLIC on databases that are not ours.
    pub shared_databases: SharedDatabases,
    /// The role that administers the cluster.
    pub admin: Admin,
    /// Login roles that may plan and nothing else, in the order of the file.
    pub readers: Vec<Spanned<String>>,
}

/// A host and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A DNS name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

pub use crate::engine::Engine;

/// libpq's `sslmode`, without the two modes that fall back to clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Clear text.
    Disable,
    /// Encrypted, server not verified.
    Require,
    /// The certificate's chain is verified.
    VerifyCa,
    /// Chain and host name are verified.
    VerifyFull,
}

/// What `shared_databases` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedDatabases {
    /// PUBLIC loses CONNECT and TEMPORARY, roles that are not tenants keep theirs.
    Close,
    /// Only warn.
    Warn,
    /// Say nothing.
    Leave,
}

/// The `admin` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The login role; the cluster's master user when absent.
    pub username: Option<String>,
    /// The database tenantctl connects to and keeps its ledger in.
    pub database: String,
    /// How it authenticates.
    pub auth: AdminAuth,
}

/// How the admin authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAuth {
    /// `TENANTCTL_PASSWORD_<CLUSTER>` or `PGPASSWORD`.
    Password,
    /// An IAM token of the caller.
    Iam,
    /// The cluster's master secret in Secrets Manager.
    Secret,
}

impl Config {
    /// The cluster, where there is exactly one.
    pub fn only_cluster(&self) -> Option<&Cluster> {
        let mut clusters = self.clusters.values();
        clusters.next().filter(|_| clusters.next().is_none())
    }

    /// The cluster that a tenant is on: the one that it names, or the only one there is.
    pub fn cluster_of(&self, tenant: &Tenant) -> Option<&Cluster> {
        match &tenant.cluster {
            Some(name) => self.clusters.get(&name.value),
            None => self.only_cluster(),
        }
    }

    /// The same configuration with every place forgotten: equal for two files of the same meaning.
    #[must_use]
    pub fn without_spans(mut self) -> Self {
        for cluster in self.clusters.values_mut() {
            cluster.span = Span::default();
            cluster.engine.span = Span::default();
            cluster.identifier.span = Span::default();
            for reader in &mut cluster.readers {
                reader.span = Span::default();
            }
        }
        for moved in &mut self.moves {
            moved.span = Span::default();
        }
        for tenant in self.tenants.values_mut() {
            tenant.span = Span::default();
            tenant.isolation.span = Span::default();
            if let Some(cluster) = &mut tenant.cluster {
                cluster.span = Span::default();
            }
            for wanted in tenant.databases.values_mut() {
                wanted.span = Span::default();
            }
            tenant.source = TenantSource::default();
        }
        self
    }
}

impl Default for Naming {
    fn default() -> Self {
        let tenant = || NameTemplate(vec![NamePart::Tenant]);
        let literal = |text: &str| NamePart::Literal(text.to_owned());
        Self {
            database: NameTemplate(vec![NamePart::Tenant, literal("_"), NamePart::Database]),
            role: tenant(),
            iam_user: tenant(),
            iam_role: NameTemplate(vec![literal("rds_cluster_"), NamePart::Tenant]),
        }
    }
}

/// The `naming` block: templates over `${tenant}` and `${database}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// Default `${tenant}_${database}`.
    pub database: NameTemplate,
    /// The login role; default `${tenant}`.
    pub role: NameTemplate,
    /// Default `${tenant}`.
    pub iam_user: NameTemplate,
    /// Default `rds_cluster_${tenant}`.
    pub iam_role: NameTemplate,
}

/// A parsed name template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate(pub Vec<NamePart>);

/// One piece of a name template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamePart {
    /// Text as it stands.
    Literal(String),
    /// `${tenant}`.
    Tenant,
    /// `${database}`; only in [`Naming::database`].
    Database,
}

/// One tenant, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// Its block's label or its list entry's name.
    pub span: Span,
    /// The name of the cluster that it is on; the only one there is when absent.
    pub cluster: Option<Spanned<String>>,
    /// How it is kept apart from others.
    pub isolation: Spanned<Isolation>,
    /// Logical database names; `false` means not wanted.
    pub databases: BTreeMap<String, Spanned<bool>>,
    /// From where its IAM role may be assumed: networks, canonical and sorted.
    pub allowed_ips: BTreeSet<IpNet>,
    /// Whether it logs in by IAM token (`true`) or by password.
    pub rds_iam_auth: bool,
    /// `CONNECTION LIMIT` of its login role; unmanaged when absent, -1 for no limit.
    pub connection_limit: Option<i32>,
    /// `ALTER ROLE .. SET` parameters.
    pub settings: BTreeMap<String, String>,
    /// Extensions the admin installs in each of its databases.
    pub extensions: BTreeSet<String>,
    /// Whether it may log in.
    pub state: TenantState,
    /// What happens to its data when it leaves the file.
    pub deletion_policy: DeletionPolicy,
    /// To whom its secrets are encrypted; no secret is made without it.
    pub handover: Option<Handover>,
    /// Where its arguments were written, for the checks.
    pub source: TenantSource,
}

/// Where a tenant's arguments were written, and which of them could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantSource {
    /// The place of each argument's name.
    pub arguments: BTreeMap<&'static str, Span>,
    /// The place of each network in `allowed_ips`.
    pub allowed_ips: BTreeMap<IpNet, Span>,
    /// The place of each logical database's name.
    pub databases: BTreeMap<String, Span>,
    /// Arguments that were refused: a check of them would only repeat that.
    pub invalid: BTreeSet<&'static str>,
}

/// The isolation models a tenant may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A database each.
    Database,
    /// A schema each; refused until built.
    Schema,
    /// Rows of shared tables; refused until built.
    Row,
    /// A cluster each; refused until built.
    Cluster,
}

/// Whether a tenant may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// It may.
    Active,
    /// Access is cut, every object is kept.
    Suspended,
}

pub use crate::model::DeletionPolicy;

/// The `handover` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// An age recipient (`age1..`) or an ssh public key, checked to parse.
    pub recipient: String,
}
