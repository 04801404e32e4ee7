//! Connections to the admin database, reused: never more than there are workers.

use std::sync::{Arc, Mutex, PoisonError};

use super::{ApplyError, lock};
use crate::live::connect::{Connector, Purpose, Session};

/// The connections.
pub(super) struct Pool {
    connector: Arc<Connector>,
    database: String,
    workspace: String,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, database: &str, workspace: &str) -> Self {
        Self {
            connector,
            database: database.to_owned(),
            workspace: workspace.to_owned(),
            idle: Mutex::default(),
        }
    }

    /// A connection nobody else uses.
    pub(super) async fn take(&self) -> Result<Session, ApplyError> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(session) if session.client().is_closed() => {}
                Some(session) => return Ok(session),
                None => {
                    let session = self.connector.connect(&self.database, Purpose::Write).await?;
                    lock::mark_writer(&session, &self.workspace).await?;
                    return Ok(session);
                }
            }
        }
    }

    /// Gives one back. One whose transaction is in doubt is dropped instead.
    pub(super) fn give_back(&self, session: Session) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
    }
}
