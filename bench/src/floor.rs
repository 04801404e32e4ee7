//! The floor: what any tool has to send and to ask, by the barest client that does it as concurrently as tenantctl does.
#![expect(
    clippy::disallowed_methods,
    reason = "the floor of an apply writes what an apply writes"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tenantctl_testbed::{MASTER, World};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Failed;
use crate::calls::Account;

/// As many as tenantctl's default `--parallelism`.
const PARALLELISM: usize = 8;
/// As many calls to IAM at a time as tenantctl makes.
const CALLS: usize = 5;

/// The shared catalogs and the ledger, as `plan` reads them.
const SHARED: [&str; 11] = [
    include_str!("../../src/live/sql/memberships.sql"),
    include_str!("../../src/live/sql/server.sql"),
    include_str!("../../src/live/sql/roles.sql"),
    include_str!("../../src/live/sql/databases.sql"),
    include_str!("../../src/live/sql/database_grants.sql"),
    include_str!("../../src/live/sql/sessions.sql"),
    include_str!("../../src/live/sql/ledger_exists.sql"),
    include_str!("../../src/live/sql/ledger_grants.sql"),
    include_str!("../../src/live/sql/ledger_objects.sql"),
    include_str!("../../src/live/sql/ledger_keys.sql"),
    include_str!("../../src/live/sql/ledger_open.sql"),
];
const INSIDE: &str = include_str!("../../src/live/sql/inside.sql");
/// What `audit` reads besides.
const AUDIT_SHARED: [&str; 2] = [
    include_str!("../../src/live/sql/audit_shared.sql"),
    include_str!("../../src/live/sql/audit_parameters.sql"),
];
const AUDIT_INSIDE: &str = include_str!("../../src/live/sql/audit_inside.sql");

const TENANTS: &str = "SELECT datname FROM pg_database WHERE datname LIKE 't%\\_app' ORDER BY 1";

/// A client of a world.
pub struct Floor {
    config: Config,
    tls: MakeRustlsConnect,
    account: Account,
}

impl Floor {
    /// A client that connects to nothing yet.
    pub async fn new(world: &World) -> Result<Self, Failed> {
        let mut config = Config::new();
        config
            .host("localhost")
            .port(world.postgres.port())
            .user(MASTER)
            .password(world.postgres.master_password());
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(world.postgres.ca_file())? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
            account: Account::new(world).await?,
        })
    }

    /// What a plan has to read; all databases, or none.
    pub async fn plan(&self, deep: bool) -> Result<Duration, Failed> {
        self.read(&[&SHARED], deep.then_some(INSIDE), false).await
    }

    /// What an audit has to read.
    pub async fn audit(&self) -> Result<Duration, Failed> {
        self.read(&[&SHARED, &AUDIT_SHARED], Some(AUDIT_INSIDE), true)
            .await
    }

    async fn read(&self, shared: &[&[&str]], inside: Option<&str>, audit: bool) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let account = async {
            self.account.look_up().await?;
            self.account.read_all().await?;
            if audit {
                self.account.credential_report().await?;
            }
            Ok::<(), Failed>(())
        };
        let postgres = async {
            let client = self.connect("postgres").await?;
            let admin: Option<&str> = None;
            let queries = shared.iter().copied().flatten().map(|query| {
                let value: (&(dyn ToSql + Sync), Type) = (&admin, Type::TEXT);
                let values = if query.contains("$1") {
                    vec![value]
                } else {
                    Vec::new()
                };
                let client = &client;
                async move { client.query_typed(query, &values).await }
            });
            futures_util::future::try_join_all(queries).await?;
            let names = client.query_typed(TENANTS, &[]).await?;
            drop(client);
            let Some(inside) = inside else { return Ok(()) };
            let names = names.iter().map(|row| row.get::<_, String>(0));
            stream::iter(names.map(Ok))
                .try_for_each_concurrent(PARALLELISM, |name| async move {
                    let client = self.connect(&name).await?;
                    client.query_typed(inside, &[]).await?;
                    Ok(())
                })
                .await
        };
        tokio::try_join!(account, postgres)?;
        Ok(begun.elapsed())
    }

    /// The steps of `plan --json`, sent without a look at what they do: calls to IAM beside statements, each tenant's in
    /// order. Roles come first, so that their memberships can be granted together.
    pub async fn apply(&self, plan: &Value) -> Result<Duration, Failed> {
        let steps = Steps::read(plan)?;
        let begun = Instant::now();
        let calls =
            stream::iter(steps.calls.values().map(Ok)).try_for_each_concurrent(CALLS, |calls| async move {
                for call in calls {
                    self.account.call(call).await?;
                }
                Ok(())
            });
        tokio::try_join!(calls, self.statements(&steps))?;
        Ok(begun.elapsed())
    }

    async fn statements(&self, steps: &Steps) -> Result<(), Failed> {
        let clients: Vec<Client> = stream::iter(0..PARALLELISM)
            .then(|_| self.connect("postgres"))
            .try_collect()
            .await?;
        side_by_side(&clients, &steps.roles).await?;
        if let Some(client) = clients.first()
            && !steps.members.is_empty()
        {
            client
                .batch_execute(&format!("GRANT rds_iam TO {}", steps.members.join(", ")))
                .await?;
        }
        let databases: Vec<Vec<String>> = steps.databases.values().cloned().collect();
        side_by_side(&clients, &databases).await?;
        drop(clients);
        stream::iter(steps.inside.iter().map(Ok))
            .try_for_each_concurrent(PARALLELISM, |(database, statements)| async move {
                let client = self.connect(database).await?;
                Ok(client.batch_execute(&statements.join(";")).await?)
            })
            .await
    }

    async fn connect(&self, database: &str) -> Result<Client, Failed> {
        let mut config = self.config.clone();
        config.dbname(database);
        let (client, connection) = config.connect(self.tls.clone()).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Gives each client its share: every list in order, one message a statement, since CREATE DATABASE stands alone.
async fn side_by_side(clients: &[Client], lists: &[Vec<String>]) -> Result<(), Failed> {
    let shares = clients.iter().enumerate().map(|(n, client)| async move {
        for statement in lists.iter().skip(n).step_by(clients.len()).flatten() {
            client.batch_execute(statement).await?;
        }
        Ok::<(), Failed>(())
    });
    futures_util::future::try_join_all(shares).await?;
    Ok(())
}

/// A plan's steps, sorted by who runs them.
#[derive(Default)]
struct Steps {
    /// By tenant.
    calls: BTreeMap<String, Vec<String>>,
    roles: Vec<Vec<String>>,
    members: Vec<String>,
    /// By database; closed from birth until its last statement.
    databases: BTreeMap<String, Vec<String>>,
    inside: BTreeMap<String, Vec<String>>,
}

impl Steps {
    fn read(plan: &Value) -> Result<Self, Failed> {
        let mut steps = Self::default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut openings = Vec::new();
        for change in plan["changes"].as_array().ok_or("a plan without changes")? {
            let name = text(&change["name"]);
            for step in change["steps"].as_array().into_iter().flatten().map(text) {
                if let Some(call) = step.strip_prefix("iam:") {
                    let calls = steps.calls.entry(text(&change["tenant"])).or_default();
                    calls.push(call.to_owned());
                } else if let Some((database, statement)) = inside(&step) {
                    let statements = steps.inside.entry(database.to_owned()).or_default();
                    statements.push(statement.to_owned());
                } else if step.starts_with("ALTER DATABASE") {
                    openings.push((name.clone(), step));
                } else if let Some(member) = step.strip_prefix("GRANT \"rds_iam\" TO ") {
                    steps.members.push(member.to_owned());
                } else if change["kind"] == "role" {
                    steps.roles.push(vec![step]);
                } else {
                    let database = name.split('/').next().unwrap_or_default().to_owned();
                    steps.databases.entry(database).or_default().push(step);
                }
            }
        }
        for (database, opening) in openings {
            steps.databases.entry(database).or_default().push(opening);
        }
        Ok(steps)
    }
}

/// `[database] statement`.
fn inside(step: &str) -> Option<(&str, &str)> {
    step.strip_prefix('[')?.split_once("] ")
}
