//! What an audit reads: the shared catalogs, the inside of every database, and the whole AWS account.
//!
//! A plan does not pay for this: it has queries of its own, and opens each database once, like a plan does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use futures_util::{StreamExt, stream};
use tokio_postgres::Row;

use super::aws::{Aws, AwsError};
use super::connect::{Connector, Purpose, Session};
use super::iam::account;
use super::postgres::{grantee, rows};
use super::read::{merge, read_shared};
use super::trace::part;
use super::{Live, ReadError};
use crate::address::Name;
use crate::model::account::KeysByUser;
use crate::model::{
    Account, DatabaseState, Dependency, Evidence, Fact, FactKind, Known, ParameterGrant, Subscription,
};

/// What to read.
#[derive(Clone, Debug)]
pub struct EvidenceRequest {
    /// The admin database, whose session reads the shared catalogs.
    pub admin_database: String,
    /// How many databases are open at a time.
    pub parallelism: usize,
    /// Look into no database.
    pub shallow: bool,
    /// Look into these alone.
    pub only_databases: Option<BTreeSet<Name>>,
    /// Databases of the service, which are nobody's business.
    pub service_databases: &'static [&'static str],
}

/// Reads the AWS account: identities with what they may do, and access keys.
pub async fn account(aws: &Aws) -> (Known<Account>, Known<KeysByUser>) {
    fn known<T>(read: Result<T, AwsError>) -> Known<T> {
        match read {
            Ok(found) => Known::Yes(found),
            Err(error) => Known::No(error.to_string()),
        }
    }
    let (account, keys) = tokio::join!(
        part("reading IAM", account::read(aws)),
        part("reading access keys", account::keys(aws))
    );
    (known(account), known(keys))
}

/// Reads Postgres. The account, which is one for all clusters, is not asked for: that is [`account()`]'s.
///
/// # Errors
/// The shared catalogs cannot be read. A database that cannot is part of the evidence.
pub async fn read(connector: &Connector, request: &EvidenceRequest) -> Result<(Live, Evidence), ReadError> {
    let session = connector.connect(&request.admin_database, Purpose::Read).await?;
    let (catalogs, ledger) = read_shared(&session, None).await?;
    let mut live = merge(catalogs, ledger);
    let mut evidence = empty(request.shallow);
    read_shared_facts(&session, &mut evidence).await?;
    if live.server.power.version >= 150_000 {
        evidence.parameters = read_parameters(&session).await?;
    }
    drop(session);
    let share = live.server.share(request.parallelism);
    let databases = databases(request, &live);
    connector.reading.expect(databases.len());
    let found: Vec<_> = stream::iter(databases)
        .map(|database| async move {
            let read = async {
                let session = connector.connect(&database, Purpose::Read).await?;
                read_inside(&session).await
            };
            let read = read.await;
            connector.reading.looked_into_one();
            (database, read)
        })
        .buffer_unordered(share)
        .collect()
        .await;
    for (database, result) in found {
        match result {
            Ok(facts) => {
                evidence.inside.insert(database, facts);
            }
            Err(error) => {
                evidence.unopened.insert(database, error.to_string());
            }
        }
    }
    live.cost.connections = 1 + evidence.inside.len() + evidence.unopened.len();
    live.opened = evidence.inside.keys().cloned().collect();
    Ok((live, evidence))
}

fn empty(shallow: bool) -> Evidence {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
    Evidence {
        inside: BTreeMap::new(),
        unopened: BTreeMap::new(),
        shallow,
        templates: BTreeSet::new(),
        dependencies: Vec::new(),
        parameters: Vec::new(),
        subscriptions: Vec::new(),
        account: Known::NotAsked,
        keys: Known::NotAsked,
        read_at: DateTime::from_secs(now).fmt(Format::DateTime).unwrap_or_default(),
        read_at_seconds: now,
    }
}

fn databases(request: &EvidenceRequest, live: &Live) -> Vec<Name> {
    if request.shallow {
        return Vec::new();
    }
    let open = live
        .world
        .databases()
        .filter(|(_, database)| database.state == DatabaseState::Open)
        .map(|(name, _)| name.clone())
        .filter(|name| !request.service_databases.contains(&name.as_str()));
    match &request.only_databases {
        Some(only) => open.filter(|name| only.contains(name)).collect(),
        None => open.collect(),
    }
}

async fn read_shared_facts(session: &Session, evidence: &mut Evidence) -> Result<(), ReadError> {
    for row in rows(session, include_str!("sql/audit_shared.sql")).await? {
        let database: String = row.get("database");
        match row.get("what") {
            "template" => {
                evidence.templates.insert(database);
            }
            "subscription" => evidence.subscriptions.push(Subscription {
                database,
                name: row.get("name"),
                owner: row.get("catalog"),
            }),
            _ => evidence.dependencies.push(Dependency {
                database,
                role: row.get("name"),
                catalog: row.get("catalog"),
                owns: row.get("owns"),
                objects: row.get("objects"),
            }),
        }
    }
    Ok(())
}

async fn read_parameters(session: &Session) -> Result<Vec<ParameterGrant>, ReadError> {
    let found = rows(session, include_str!("sql/audit_parameters.sql")).await?;
    let grants = found.iter().filter_map(|row| {
        Some(ParameterGrant {
            parameter: row.get("name"),
            grantee: grantee(row)?,
            privilege: row.get("privilege"),
        })
    });
    Ok(grants.collect())
}

async fn read_inside(session: &Session) -> Result<Vec<Fact>, ReadError> {
    let found = rows(session, include_str!("sql/audit_inside.sql")).await?;
    Ok(found.iter().filter_map(fact).collect())
}

fn fact(row: &Row) -> Option<Fact> {
    let kind = match row.get("what") {
        "schema" => FactKind::Schema,
        "definer_function" => FactKind::DefinerFunction,
        "untrusted_language" => FactKind::UntrustedLanguage,
        "extension" => FactKind::Extension,
        "server" => FactKind::Server,
        "server_grant" => FactKind::ServerGrant,
        "wrapper_grant" => FactKind::WrapperGrant,
        "user_mapping" => FactKind::UserMapping,
        "default_grant" => FactKind::DefaultGrant,
        "event_trigger" => FactKind::EventTrigger,
        _ => return None,
    };
    Some(Fact {
        kind,
        name: row.get("name"),
        owner: row.get("owner"),
        grantee: grantee(row),
        privilege: row.get("privilege"),
        grantable: row.get("grantable"),
        detail: row.get("detail"),
    })
}
