//! Logins that stand in for tenants whose passwords nobody else knows, for `audit --probe`. Each is a member of its
//! tenant's role and has nothing else, so that the server lets it in where it lets the tenant in. They are made, used and
//! dropped; the password of one that a killed run left behind has expired soon after, and the next probe drops it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;

use super::ApplyError;
use super::secret_material::{generate_password, scram_verifier};
use super::statement::batch;
use crate::live::connect::{Connector, Purpose, Session};
use crate::model::quote::{quote_identifier, quote_literal};
use crate::model::{PROBE_LOGIN, StandIn};

/// The comment on each: with the name, how the next probe knows what it may drop.
const COMMENT: &str = "tenantctl audit --probe";
/// How often it is tried to drop what was made.
const ATTEMPTS: u32 = 5;

/// What came of some work that needed stand-ins.
pub struct StoodIn<T> {
    /// What the work came to.
    pub done: T,
    /// Roles for which no stand-in could be made, and why.
    pub refused: BTreeMap<String, String>,
    /// Logins that could not be dropped, and why.
    pub left: BTreeMap<String, String>,
}

/// Makes a stand-in for each of these roles, does some work with them, and drops them, whatever came of it.
///
/// Their passwords are good for `lifetime`. Postgres checks that at a login by password:
/// <https://www.postgresql.org/docs/current/sql-createrole.html>.
pub async fn with_stand_ins<T>(
    connector: &Connector,
    database: &str,
    roles: &[&str],
    lifetime: Duration,
    work: impl AsyncFnOnce(&BTreeMap<String, StandIn>) -> T,
) -> StoodIn<T> {
    // The names are known before anything is made: what was made by a statement without an answer is dropped as well.
    let names: Vec<String> = roles.iter().map(|_| name()).collect();
    let mut stand_ins = BTreeMap::new();
    let mut refused = BTreeMap::new();
    match make_all(connector, database, roles, &names, lifetime).await {
        Ok(made) => {
            for (role, made) in roles.iter().zip(made) {
                match made {
                    Ok(stand_in) => drop(stand_ins.insert((*role).to_owned(), stand_in)),
                    Err(error) => drop(refused.insert((*role).to_owned(), error.to_string())),
                }
            }
        }
        Err(error) => refused.extend(roles.iter().map(|role| ((*role).to_owned(), error.to_string()))),
    }
    let done = work(&stand_ins).await;
    let left = drop_all(connector, database, names).await;
    StoodIn { done, refused, left }
}

/// Drops what earlier probes left, once nobody can log in as it any more. The names of what was dropped.
///
/// # Errors
/// The admin database cannot be reached, or one of them cannot be dropped.
pub async fn drop_expired(connector: &Connector, database: &str) -> Result<Vec<String>, ApplyError> {
    const EXPIRED: &str = "
        SELECT rolname FROM pg_roles
        WHERE starts_with(rolname, $1) AND rolvaliduntil < now() AND shobj_description(oid, 'pg_authid') = $2
        ORDER BY rolname";
    let session = connector.connect(database, Purpose::Write).await?;
    let rows = session.query(EXPIRED, &[&PROBE_LOGIN, &COMMENT]).await;
    let rows = rows.map_err(|error| ApplyError::sql(&session, error))?;
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    for name in &names {
        drop_one(&session, name).await?;
    }
    Ok(names)
}

fn name() -> String {
    format!("{PROBE_LOGIN}{:016x}", rand::rng().random::<u64>())
}

async fn make_all(
    connector: &Connector,
    database: &str,
    roles: &[&str],
    names: &[String],
    lifetime: Duration,
) -> Result<Vec<Result<StandIn, ApplyError>>, ApplyError> {
    let session = connector.connect(database, Purpose::Write).await?;
    let until = session
        .query_one(
            "SELECT (now() + make_interval(secs => $1))::text",
            &[&lifetime.as_secs_f64()],
        )
        .await
        .map_err(|error| ApplyError::sql(&session, error))?;
    let until: String = until.get(0);
    let mut made = Vec::new();
    for (role, name) in roles.iter().zip(names) {
        made.push(make(&session, role, name, &until).await);
    }
    Ok(made)
}

async fn make(session: &Session, role: &str, name: &str, until: &str) -> Result<StandIn, ApplyError> {
    let password = generate_password()?;
    let (login, comment) = (quote_identifier(name), quote_literal(COMMENT));
    // Statements of one message are one transaction: none without the comment.
    let statements = format!(
        "CREATE ROLE {login} LOGIN PASSWORD {} VALID UNTIL {} IN ROLE {}; COMMENT ON ROLE {login} IS {comment}",
        quote_literal(&scram_verifier(&password)),
        quote_literal(until),
        quote_identifier(role)
    );
    batch(session, &statements).await?;
    Ok(StandIn {
        username: name.to_owned(),
        password,
    })
}

/// What could not be dropped, and why. A lost connection is made anew.
async fn drop_all(connector: &Connector, database: &str, names: Vec<String>) -> BTreeMap<String, String> {
    let mut left: BTreeMap<String, String> = names.into_iter().map(|name| (name, String::new())).collect();
    for attempt in 1..=ATTEMPTS {
        match connector.connect(database, Purpose::Write).await {
            Err(error) => left.values_mut().for_each(|because| *because = error.to_string()),
            Ok(session) => {
                for (name, because) in std::mem::take(&mut left) {
                    // What is already known to fail on this session is not asked once more for each name.
                    if session.client().is_closed() {
                        left.insert(name, because);
                    } else if let Err(error) = drop_one(&session, &name).await {
                        left.insert(name, error.to_string());
                    }
                }
            }
        }
        if left.is_empty() {
            break;
        }
        tracing::debug!(attempt, left = left.len(), "logins of the probe are still there");
        sleep(Duration::from_millis(200) * attempt).await;
    }
    left
}

async fn drop_one(session: &Session, name: &str) -> Result<(), ApplyError> {
    let statement = format!("DROP ROLE IF EXISTS {}", quote_identifier(name));
    batch(session, &statement).await
}
