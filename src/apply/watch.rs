//! Waiting with open eyes: a statement that waits for a lock says afterwards only that it waited, not for whom.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::error::SqlState;

use super::lock::Lock;
use super::{ApplyError, sessions};

/// Waits shorter than this are nobody's business.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does something in the session of a backend, and looks meanwhile whom that backend waits for. The session of the lock
/// does the looking: it has nothing else to do, and where connections are scarce it is there already.
pub(super) async fn watched<T>(
    lock: &Lock,
    pid: i32,
    work: impl Future<Output = Result<T, ApplyError>>,
) -> Result<T, ApplyError> {
    let seen = RefCell::new(Vec::new());
    let look = async {
        loop {
            sleep(PATIENCE).await;
            if let Ok(blocking) = sessions::blocking(lock.session(), pid).await
                && !blocking.is_empty()
            {
                seen.replace(blocking);
            }
        }
    };
    let done = tokio::select! {
        biased;
        done = work => done,
        never = look => never,
    };
    done.map_err(|error| {
        let waited = matches!(
            error.sql_state(),
            Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED)
        );
        if waited {
            error.in_the_way_of(&seen.borrow())
        } else {
            error
        }
    })
}
