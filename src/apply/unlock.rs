//! Freeing a lock that somebody else holds: the sessions behind it are ended, and it is looked whether they are gone.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

use super::sessions::Other;
use super::{ApplyError, lock};
use crate::live::connect::Session;

/// How long a backend may take to notice that it was terminated: it does so between two rows or pages of its work.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sessions that keep everybody else from the lock of a workspace. `session` is in the admin database.
///
/// # Errors
/// The session is gone.
pub async fn holders(session: &Session, workspace: &str) -> Result<Vec<Other>, ApplyError> {
    lock::in_the_way(session, workspace).await
}

/// Ends these sessions. Who holds the lock now that they are gone: nobody, or whoever was waiting for it.
///
/// # Errors
/// The admin may not end one of them, or one does not end.
pub async fn end(session: &Session, workspace: &str, these: &[Other]) -> Result<Vec<Other>, ApplyError> {
    for other in these {
        terminate(session, other).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = holders(session, workspace).await?;
        let next = lock::holders(session, workspace).await?;
        let remaining = now.iter().find(|other| {
            these
                .iter()
                .any(|one| one.pid == other.pid && one.since == other.since)
        });
        // Of the run that lost its lock a session may just be coming up. It looks for that lock, and goes.
        let coming = now.first().filter(|_| next.is_empty());
        let Some(remaining) = remaining.or(coming) else {
            return Ok(next);
        };
        if Instant::now() > deadline {
            return Err(ApplyError::Unending {
                holder: remaining.in_full(),
                waited: PATIENCE,
            });
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Only the session that was looked at: its process id may be somebody else's by now.
async fn terminate(session: &Session, other: &Other) -> Result<(), ApplyError> {
    const TERMINATE: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid = $1 AND coalesce(backend_start::text, $2) = $2";
    let done = session.query(TERMINATE, &[&other.pid, &other.since]).await;
    match done {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Err(ApplyError::MayNotEnd {
            holder: other.in_full(),
            pid: other.pid,
        }),
        Err(error) => Err(ApplyError::sql(session, error)),
    }
}
