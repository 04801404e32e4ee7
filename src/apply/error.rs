//! What can go wrong while applying, and what to do about it.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::handover::HandOverError;
use super::secret_material::NoRandomness;
use crate::live::ReadError;
use crate::live::aws::AwsError;
use crate::live::describe;

/// Why a step, or a whole apply, did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// AWS said no.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A secret could not be handed over.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Postgres said no.
    #[error("{}{}", describe(.source), remedy(.source))]
    Sql {
        /// The database.
        database: String,
        /// What the driver said.
        source: Box<tokio_postgres::Error>,
    },
    /// Postgres said yes and did nothing.
    #[error(
        "Postgres reported success and did nothing: {message} (SQLSTATE {code}); nothing of this step was kept"
    )]
    NoEffect {
        /// 01006 or 01007.
        code: String,
        /// What it said.
        message: String,
    },
    /// What was read back is not what was written.
    #[error("{0}; nothing of this step was kept")]
    ReadBack(String),
    /// Somebody else holds the lock.
    #[error(
        "workspace \"{workspace}\" is locked by {holder}; waited {waited:?}. Try again, or pass --lock-timeout"
    )]
    Locked {
        /// The workspace.
        workspace: String,
        /// Who.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The session that held the lock is gone.
    #[error("the connection that holds the lock was lost, so nothing more was started; run apply again")]
    LockLost,
    /// Sessions that would not end.
    #[error("{count} sessions of \"{role}\" are still there after 10 s")]
    SessionsRemain {
        /// The role.
        role: String,
        /// How many.
        count: i64,
    },
    /// The plan is no longer true.
    #[error("the plan is stale: {0}. Plan again")]
    Stale(String),
    /// The plan says itself that it must not be applied.
    #[error("{0}")]
    Guarded(String),
    /// The server takes no writes.
    #[error("{host} is a reader: it takes no writes. Name the writer endpoint")]
    Reader {
        /// The host.
        host: String,
    },
}

impl ApplyError {
    pub(super) fn sql(database: &str, source: tokio_postgres::Error) -> Self {
        Self::Sql {
            database: database.to_owned(),
            source: Box::new(source),
        }
    }

    fn source(&self) -> Option<&tokio_postgres::Error> {
        match self {
            Self::Sql { source, .. } => Some(source),
            Self::Read(ReadError::Connect { source, .. } | ReadError::Query { source, .. }) => Some(source),
            _ => None,
        }
    }

    /// Worth another try at once: another session was in the way for a moment.
    pub(super) fn is_collision(&self) -> bool {
        let Some(said) = self.source().and_then(|error| error.as_db_error()) else {
            return false;
        };
        match *said.code() {
            // What two writers of one catalog row get; the code alone says only "internal error".
            SqlState::INTERNAL_ERROR => said.message() == "tuple concurrently updated",
            SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::OBJECT_IN_USE => true,
            _ => false,
        }
    }

    /// The connection went away: whether the step committed is a question for the ledger.
    pub(super) fn is_lost_connection(&self) -> bool {
        self.source().is_some_and(|error| {
            error.is_closed()
                || error.as_db_error().is_none()
                || matches!(
                    error.code(),
                    Some(
                        &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW
                    )
                )
        })
    }
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            ". Another session holds a lock on it; apply again when it is gone"
        }
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
            ". The server has become a reader: apply again against the writer"
        }
        Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
            ". It owns or is granted something in another database; that has to be reassigned or dropped there first"
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => ". Lower --parallelism, or raise max_connections",
        _ => "",
    }
}
