//! Connections of a run: so many and no more, however many wait for one. Those to the admin database are reused.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::lock::{self, Lock};
use super::{ApplyError, watch};
use crate::live::connect::{Connector, Purpose, Session};

/// How long a connection is waited for where all are taken.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A backend, which is made to look up anew whose privileges it has. From 16 on, where connections are scarce, a server
/// asks whether a role may have a reserved one before it knows which database that is for, and remembers the answer: a
/// session that was let in so has no part in `pg_database_owner`, which owns schema public. It remembers one role's
/// answers only, so asking about another makes it forget.
const FORGET_WHO_WE_ARE: &str =
    "SELECT pg_backend_pid(), pg_has_role('pg_monitor', 'pg_read_all_data', 'USAGE')";

/// A session that writes, and its backend.
pub(super) struct Writer {
    session: Session,
    pid: i32,
    _place: OwnedSemaphorePermit,
}

impl Deref for Writer {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// The connections.
pub(super) struct Pool<'a> {
    connector: Arc<Connector>,
    database: String,
    lock: &'a Lock,
    /// What may be open at a time, idle ones included.
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Writer>>,
    returned: Notify,
}

impl<'a> Pool<'a> {
    /// At most so many sessions are open at a time. Nobody may wait for a second one with the first in hand.
    pub(super) fn new(connector: Arc<Connector>, database: &str, lock: &'a Lock, sessions: usize) -> Self {
        Self {
            connector,
            database: database.to_owned(),
            lock,
            places: Arc::new(Semaphore::new(sessions)),
            idle: Mutex::default(),
            returned: Notify::new(),
        }
    }

    /// A connection to the admin database that nobody else uses.
    pub(super) async fn take(&self) -> Result<Writer, ApplyError> {
        let mut waiting = Waiting::new();
        loop {
            if let Some(writer) = self.idle() {
                return Ok(writer);
            }
            let place = tokio::select! {
                place = self.place() => place?,
                () = self.returned.notified() => continue,
            };
            if let Some(session) = self.attempt(&self.database, &mut waiting).await? {
                let pid = lock::mark_writer(&session, self.lock).await?;
                return Ok(Writer {
                    session,
                    pid,
                    _place: place,
                });
            }
            drop(place);
            // One that comes back is as good as a new one, and where connections are scarce there may be no other.
            tokio::select! {
                () = self.returned.notified() => {}
                () = waiting.pause() => {}
            }
        }
    }

    /// One that answers: a statement that cannot be repeated must not find out that its session is gone.
    pub(super) async fn take_living(&self) -> Result<Writer, ApplyError> {
        loop {
            let writer = self.take().await?;
            if writer.client().check_connection().await.is_ok() {
                return Ok(writer);
            }
        }
    }

    /// A connection to a tenant's database. Where connections are scarce, it takes the place of one that idles.
    pub(super) async fn enter(&self, database: &str) -> Result<Writer, ApplyError> {
        let mut waiting = Waiting::new();
        loop {
            let place = self.place_or_idle().await?;
            if let Some(session) = self.attempt(database, &mut waiting).await? {
                let rows = session.query_once(FORGET_WHO_WE_ARE).await;
                let rows = rows.map_err(|error| ApplyError::sql(&session, error))?;
                let pid = rows.first().map_or(0, |row| row.get(0));
                return Ok(Writer {
                    session,
                    pid,
                    _place: place,
                });
            }
            drop((place, self.idle()));
            waiting.pause().await;
        }
    }

    /// The right to open one more.
    async fn place(&self) -> Result<OwnedSemaphorePermit, ApplyError> {
        let places = Arc::clone(&self.places);
        // Nobody closes it while the run goes on.
        places.acquire_owned().await.map_err(|_| ApplyError::LockLost)
    }

    /// The same, at the expense of one that idles.
    async fn place_or_idle(&self) -> Result<OwnedSemaphorePermit, ApplyError> {
        loop {
            if self.places.available_permits() == 0 {
                drop(self.idle());
            }
            tokio::select! {
                place = self.place() => return place,
                () = self.returned.notified() => {}
            }
        }
    }

    /// `None` where all connections are taken and there is time to wait for one.
    async fn attempt(&self, database: &str, waiting: &mut Waiting) -> Result<Option<Session>, ApplyError> {
        if !self.lock.is_held() {
            return Err(ApplyError::LockLost);
        }
        match self.connector.connect_once(database, Purpose::Write).await {
            Ok(session) => Ok(Some(session)),
            Err(error) if error.is_busy() && !waiting.is_over() => {
                tracing::debug!(database, %error, "connecting again");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives one back. One whose transaction is in doubt is dropped instead.
    pub(super) fn give_back(&self, writer: Writer) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(writer);
        self.returned.notify_one();
    }

    /// Does something in a session, and looks meanwhile whom it waits for.
    pub(super) async fn watched<T>(
        &self,
        writer: &Writer,
        work: impl Future<Output = Result<T, ApplyError>>,
    ) -> Result<T, ApplyError> {
        watch::watched(self.lock, writer.pid, work).await
    }

    /// Does something that no session of ours can end, such as calls to AWS, for as long as the lock is held: what is
    /// tried again for minutes would otherwise be tried against the next run.
    pub(super) async fn while_locked<T>(
        &self,
        work: impl Future<Output = Result<T, ApplyError>>,
    ) -> Result<T, ApplyError> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.lock.lost() => Err(ApplyError::LockLost),
        }
    }

    fn idle(&self) -> Option<Writer> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|writer| !writer.client().is_closed());
        idle.pop()
    }
}

/// Waiting for a connection, longer from time to time.
struct Waiting {
    deadline: Instant,
    pause: Duration,
}

impl Waiting {
    fn new() -> Self {
        Self {
            deadline: Instant::now() + PATIENCE,
            pause: Duration::from_millis(100),
        }
    }

    fn is_over(&self) -> bool {
        Instant::now() > self.deadline
    }

    async fn pause(&mut self) {
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}
