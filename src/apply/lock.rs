//! One apply at a time per workspace: an advisory lock in the admin database, held by a session.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use super::ApplyError;
use super::sessions::{self, Other};
use crate::live::connect::Session;

/// A held lock. It ends with its session, so none outlives its process.
pub struct Lock {
    session: Session,
    pid: i32,
    workspace: String,
}

impl Lock {
    /// Whether the session still lives; without it somebody else may hold the lock.
    pub fn is_held(&self) -> bool {
        !self.session.client().is_closed()
    }

    /// Returns once it is no longer held.
    pub(super) async fn lost(&self) {
        while self.is_held() {
            sleep(Duration::from_millis(100)).await;
        }
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
pub fn writers_key(workspace: &str) -> i64 {
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

/// Marks a session as one that writes for a workspace, for as long as it lives, and looks whether the lock is still
/// ours. In this order: whoever takes the lock after us waits for every writer, so it either waits for this one or has
/// the lock already, and then this one learns of it. The session's backend.
///
/// # Errors
/// The lock is gone, or the session is.
pub(super) async fn mark_writer(session: &Session, lock: &Lock) -> Result<i32, ApplyError> {
    let row = session
        .query_one(
            "SELECT pg_advisory_lock_shared($1), pg_backend_pid() AS pid",
            &[&writers_key(&lock.workspace)],
        )
        .await
        .map_err(|error| ApplyError::sql(session, error))?;
    let holders = holders(session, &lock.workspace).await?;
    if holders.iter().all(|holder| holder.pid != lock.pid) {
        return Err(ApplyError::LockLost);
    }
    Ok(row.get("pid"))
}

/// Takes the lock of a workspace in a writing session with the admin database, waiting for whoever holds it. `waiting` is
/// told once who that is. It is tried at least once, also after the deadline.
///
/// # Errors
/// It is still held at the deadline, which ends a wait of `timeout`, or the session is gone.
pub async fn acquire(
    session: Session,
    workspace: &str,
    (deadline, timeout): (Instant, Duration),
    waiting: impl Fn(&str),
) -> Result<Lock, ApplyError> {
    let patience = Patience {
        workspace,
        deadline,
        timeout,
    };
    patience.take(&session, key(workspace), &waiting).await?;
    // Ours now. What a killed run left running ends first: only then is what lives settled.
    patience.take(&session, writers_key(workspace), &waiting).await?;
    let writers = writers_key(workspace);
    let released = session
        .query_one(
            "SELECT pg_advisory_unlock($1), pg_backend_pid() AS pid",
            &[&writers],
        )
        .await;
    let row = released.map_err(|error| ApplyError::sql(&session, error))?;
    Ok(Lock {
        pid: row.get("pid"),
        workspace: workspace.to_owned(),
        session,
    })
}

/// Who holds the lock of a workspace: one session, or none.
///
/// # Errors
/// The session is gone.
pub(super) async fn holders(session: &Session, workspace: &str) -> Result<Vec<Other>, ApplyError> {
    sessions::holding(session, &[key(workspace)]).await
}

/// The sessions that keep everybody else from the lock of a workspace: its holder, and those that write for it.
///
/// # Errors
/// The session is gone.
pub(super) async fn in_the_way(session: &Session, workspace: &str) -> Result<Vec<Other>, ApplyError> {
    sessions::holding(session, &[key(workspace), writers_key(workspace)]).await
}

/// How long a lock is waited for.
struct Patience<'a> {
    workspace: &'a str,
    deadline: Instant,
    timeout: Duration,
}

impl Patience<'_> {
    async fn take(&self, session: &Session, key: i64, waiting: &impl Fn(&str)) -> Result<(), ApplyError> {
        let mut told = false;
        loop {
            let row = session
                .query_one("SELECT pg_try_advisory_lock($1)", &[&key])
                .await
                .map_err(|error| ApplyError::sql(session, error))?;
            if row.get(0) {
                return Ok(());
            }
            let holders = sessions::holding(session, &[key]).await?;
            let holder = holders
                .first()
                .map_or_else(|| "a session that has just ended".to_owned(), ToString::to_string);
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
