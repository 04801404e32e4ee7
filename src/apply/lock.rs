//! One apply at a time per workspace: an advisory lock in the admin database, held by a session.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::ApplyError;
use crate::live::connect::{Connector, Purpose, Session};

/// A held lock. It ends with its session, so none outlives its process.
pub struct Lock {
    session: Session,
}

impl Lock {
    /// Whether the session still lives; without it somebody else may hold the lock.
    pub fn is_held(&self) -> bool {
        !self.session.client().is_closed()
    }

    /// The session that holds it.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

/// The key of a workspace's lock: one apply at a time.
pub fn key(workspace: &str) -> i64 {
    number("tenantctl", workspace)
}

/// The key that every session that writes for a workspace holds shared. A process that is killed leaves a backend that
/// goes on with its statement, such as CREATE DATABASE, and that nothing else would tell from an idle server.
fn writers_key(workspace: &str) -> i64 {
    number("tenantctl-writers", workspace)
}

/// The first eight bytes of a hash, because advisory locks are numbers.
///
/// <https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS>
fn number(prefix: &str, workspace: &str) -> i64 {
    let hash = Sha256::digest(format!("{prefix}:{workspace}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(bytes)
}

/// Marks a session as one that writes for a workspace, for as long as it lives.
///
/// # Errors
/// The session is gone.
pub(super) async fn mark_writer(session: &Session, workspace: &str) -> Result<(), ApplyError> {
    let key = writers_key(workspace);
    let marked = session
        .client()
        .query_one("SELECT pg_advisory_lock_shared($1)", &[&key])
        .await;
    marked
        .map(|_| ())
        .map_err(|error| ApplyError::sql(&session.database, error))
}

/// Who holds a lock.
const HOLDER: &str = "
SELECT a.pid, a.usename::text AS role, a.application_name AS application,
       coalesce(host(a.client_addr), 'a local socket') AS address, a.backend_start::text AS since
FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::int8 << 32) | l.objid::int8) = $1";

/// Takes the lock of a workspace, waiting for whoever holds it. `waiting` is told once who that is.
///
/// # Errors
/// It is still held after `timeout`, or the database cannot be reached.
pub async fn acquire(
    connector: &Connector,
    database: &str,
    workspace: &str,
    timeout: Duration,
    waiting: impl Fn(&str),
) -> Result<Lock, ApplyError> {
    let session = connector.connect(database, Purpose::Write).await?;
    let patience = Patience {
        workspace,
        deadline: Instant::now() + timeout,
        timeout,
    };
    patience.take(&session, key(workspace), waiting).await?;
    // Ours now. What a killed run left running ends first: only then is what lives settled.
    patience.take(&session, writers_key(workspace), |_| {}).await?;
    let writers = writers_key(workspace);
    let released = session
        .client()
        .query_one("SELECT pg_advisory_unlock($1)", &[&writers])
        .await;
    released.map_err(|error| ApplyError::sql(database, error))?;
    Ok(Lock { session })
}

/// How long a lock is waited for.
struct Patience<'a> {
    workspace: &'a str,
    deadline: Instant,
    timeout: Duration,
}

impl Patience<'_> {
    async fn take(&self, session: &Session, key: i64, waiting: impl Fn(&str)) -> Result<(), ApplyError> {
        let mut told = false;
        loop {
            let row = session
                .client()
                .query_one("SELECT pg_try_advisory_lock($1)", &[&key])
                .await
                .map_err(|error| ApplyError::sql(&session.database, error))?;
            if row.get(0) {
                return Ok(());
            }
            let holder = holder(session, key).await?;
            if Instant::now() >= self.deadline {
                let workspace = self.workspace.to_owned();
                return Err(ApplyError::Locked {
                    workspace,
                    holder,
                    waited: self.timeout,
                });
            }
            if !told {
                waiting(&holder);
                told = true;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn holder(session: &Session, key: i64) -> Result<String, ApplyError> {
    let rows = session
        .client()
        .query(HOLDER, &[&key])
        .await
        .map_err(|error| ApplyError::sql(&session.database, error))?;
    Ok(rows.first().map_or_else(
        || "a session that has just ended".to_owned(),
        |row| {
            let (pid, role, application, address, since): (i32, &str, &str, &str, &str) = (
                row.get("pid"),
                row.get("role"),
                row.get("application"),
                row.get("address"),
                row.get("since"),
            );
            format!("role \"{role}\" ({application}) from {address} since {since}, backend {pid}")
        },
    ))
}
