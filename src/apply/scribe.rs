//! What workers want written down, many of them at a time: a commit costs the same for one row and for fifty.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::ApplyError;
use super::pool::Pool;
use super::statement::{Write, write_whole};

/// Writes to the ledger for everybody. Whoever comes while it writes waits, and goes with the next batch.
pub(super) struct Scribe<'a> {
    pool: &'a Pool<'a>,
    waiting: Mutex<Vec<Waiting>>,
    /// Who holds it writes down whatever waits.
    pen: AsyncMutex<()>,
}

/// What one worker wants written down, all of it or nothing.
struct Waiting {
    writes: Arc<Vec<Write>>,
    /// Told once it is; dropped where somebody else's batch came to nothing.
    written: oneshot::Sender<()>,
}

impl<'a> Scribe<'a> {
    pub(super) fn new(pool: &'a Pool<'a>) -> Self {
        Self {
            pool,
            waiting: Mutex::default(),
            pen: AsyncMutex::default(),
        }
    }

    /// Writes this down, and returns once it is committed.
    ///
    /// # Errors
    /// It could not be written by itself either, whatever else was in its batch. It may be tried again.
    pub(super) async fn write(&self, writes: Vec<Write>) -> Result<(), ApplyError> {
        let writes = Arc::new(writes);
        let (written, mut told) = oneshot::channel();
        self.waiting().push(Waiting {
            writes: Arc::clone(&writes),
            written,
        });
        let _pen = self.pen.lock().await;
        match told.try_recv() {
            Ok(()) => return Ok(()),
            // Somebody tried, and lost it all.
            Err(TryRecvError::Closed) => {}
            Err(TryRecvError::Empty) => {
                let batch = std::mem::take(&mut *self.waiting());
                let all: Vec<Write> = batch.iter().flat_map(|one| one.writes.iter().cloned()).collect();
                let done = self.commit(&all).await;
                if done.is_ok() || batch.len() == 1 {
                    for one in batch {
                        // Nobody listens who was stopped meanwhile.
                        let _ = one.written.send(());
                    }
                    return done;
                }
                tracing::debug!(writes = all.len(), "a batch could not be written; one by one now");
            }
        }
        self.commit(&writes).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), ApplyError> {
        let session = self.pool.take().await?;
        write_whole(&session, writes).await?;
        self.pool.give_back(session);
        Ok(())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
