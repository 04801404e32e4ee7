//! What can go wrong while applying, and what to do about it.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::handover::HandOverError;
use super::secret_material::NoRandomness;
use super::sessions::{self, Other};
use crate::live::ReadError;
use crate::live::aws::AwsError;
use crate::live::{describe, is_lost};

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
    /// A role that was to lose its privileges owns something by now.
    #[error(
        "\"{role}\" owns {count} objects in database \"{database}\" by now, which would go with it; plan again"
    )]
    Owns {
        /// The role.
        role: String,
        /// The database.
        database: String,
        /// How many objects.
        count: i64,
    },
    /// What was read back is not what was written.
    #[error("{0}; nothing of this step was kept")]
    ReadBack(String),
    /// Somebody else holds the lock.
    #[error(
        "workspace \"{workspace}\" is locked by {holder}; waited {waited:?}. Try again later, wait longer with \
         --lock-timeout, or, if that run hangs, end it with tenantctl unlock"
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
    #[error(
        "the session that held the lock has ended (a restart or failover of the server, or tenantctl unlock), so \
         nothing more was started; apply again: what is done stays done"
    )]
    LockLost,
    /// Other sessions are in the way.
    #[error("{error}. In the way: {by}. To end that, as its role or a superuser: {statement}")]
    InTheWay {
        /// What went wrong.
        error: Box<ApplyError>,
        /// Who.
        by: String,
        /// What would end them.
        statement: String,
    },
    /// The lock's session belongs to somebody whose sessions the admin may not end.
    #[error(
        "the admin may not end the session of {holder}. A superuser, or that role itself, has to run: SELECT \
         pg_terminate_backend({pid})"
    )]
    MayNotEnd {
        /// Who.
        holder: String,
        /// The backend.
        pid: i32,
    },
    /// The lock's session was told to end and did not.
    #[error("{holder} is still there {waited:?} after it was told to end; look again in a minute")]
    Unending {
        /// Who.
        holder: String,
        /// For how long.
        waited: Duration,
    },
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
            Self::InTheWay { error, .. } => error.source(),
            _ => None,
        }
    }

    /// The SQLSTATE, where Postgres gave one.
    pub(super) fn sql_state(&self) -> Option<&SqlState> {
        self.source().and_then(tokio_postgres::Error::code)
    }

    /// The same error, with those that it is about.
    pub(super) fn in_the_way_of(self, others: &[Other]) -> Self {
        if others.is_empty() {
            return self;
        }
        let calls: Vec<_> = others
            .iter()
            .map(|other| format!("pg_terminate_backend({})", other.pid))
            .collect();
        Self::InTheWay {
            error: Box::new(self),
            by: sessions::list(others),
            statement: format!("SELECT {}", calls.join(", ")),
        }
    }

    /// Worth another try at once: another session was in the way for a moment.
    pub(super) fn is_collision(&self) -> bool {
        let Some(said) = self.source().and_then(|error| error.as_db_error()) else {
            return false;
        };
        match *said.code() {
            // What two writers of one catalog row get; the code alone says only "internal error".
            SqlState::INTERNAL_ERROR => said.message().starts_with("tuple concurrently "),
            // Two that write the same new row of a catalog; the next try says whether that is right.
            SqlState::UNIQUE_VIOLATION => said.schema() == Some("pg_catalog"),
            SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::OBJECT_IN_USE => true,
            _ => false,
        }
    }

    /// The connection went away: whether the step committed is a question for the ledger.
    pub(super) fn is_lost_connection(&self) -> bool {
        self.source().is_some_and(is_lost)
    }
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            ". Another session held a lock on it for too long; apply again when that is gone"
        }
        Some(&SqlState::QUERY_CANCELED) => {
            ". It took too long, or somebody cancelled it; nothing of it was kept. Apply again when the server has time"
        }
        Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => {
            ". The server has become a reader: apply again against the writer"
        }
        Some(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
            ". It owns or is granted something in another database; that has to be reassigned or dropped there first"
        }
        _ if is_lost(error) => ". The connection was lost: apply again, what is done stays done",
        _ => "",
    }
}
