//! What can go wrong while applying, and what to do about it.

use std::fmt;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::handover::HandOverError;
use super::secret_material::NoRandomness;
use super::sessions::{self, Other};
use crate::diag::Problem;
use crate::live::aws::AwsError;
use crate::live::connect::Session;
use crate::live::{ReadError, describe, is_lost, remedy};

/// Why a step, or a whole apply, did not happen.
#[derive(Debug)]
pub enum ApplyError {
    /// AWS said no.
    Aws(AwsError),
    /// Something could not be read.
    Read(ReadError),
    /// A secret could not be handed over.
    HandOver(HandOverError),
    /// The operating system gave no random bytes.
    NoRandomness(NoRandomness),
    /// Postgres said no.
    Sql {
        /// The role.
        username: String,
        /// What the driver said.
        source: Box<tokio_postgres::Error>,
    },
    /// Postgres said yes and did nothing.
    NoEffect {
        /// 01006 or 01007.
        code: String,
        /// What it said.
        message: String,
    },
    /// A role that was to lose its privileges owns something by now.
    Owns {
        /// The role.
        role: String,
        /// The database.
        database: String,
        /// How many objects.
        count: i64,
    },
    /// What was read back is not what was written.
    ReadBack(String),
    /// Somebody else holds the lock.
    Locked {
        /// The workspace.
        workspace: String,
        /// Who.
        holder: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The session that held the lock is gone.
    LockLost,
    /// Other sessions are in the way.
    InTheWay {
        /// What went wrong.
        error: Box<ApplyError>,
        /// Who.
        by: String,
        /// What would end them.
        statement: String,
    },
    /// The lock's session belongs to somebody whose sessions the admin may not end.
    MayNotEnd {
        /// Who.
        holder: String,
        /// The backend.
        pid: i32,
    },
    /// The lock's session was told to end and did not.
    Unending {
        /// Who.
        holder: String,
        /// For how long.
        waited: Duration,
    },
    /// Sessions that would not end.
    SessionsRemain {
        /// The role.
        role: String,
        /// How many.
        count: i64,
    },
    /// The plan is no longer true.
    Stale(String),
    /// The plan says itself that it must not be applied.
    Guarded(String),
    /// The server takes no writes.
    Reader {
        /// The host.
        host: String,
    },
}

impl ApplyError {
    pub(super) fn sql(session: &Session, source: tokio_postgres::Error) -> Self {
        Self::Sql {
            username: session.username.clone(),
            source: Box::new(source),
        }
    }

    /// What happened, why that usually is, and what to do next.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Aws(error) => error.problem(),
            Self::Read(error) => error.problem(),
            Self::HandOver(HandOverError::Aws(error)) => error.problem(),
            Self::HandOver(error) => Problem::new("handover_failed", error.to_string()),
            Self::NoRandomness(error) => Problem::new("no_randomness", error.to_string()),
            Self::Sql { username, source } => remedy::postgres(describe(source), source, username),
            Self::InTheWay { error, by, statement } => {
                let mut problem = error.problem();
                problem.message = format!("{}. In the way: {by}", problem.message);
                problem.help(format!("To end that, as its role or a superuser: {statement}"))
            }
            Self::Guarded(why) => Problem::new("guarded", why),
            Self::Stale(why) => {
                Problem::new("stale_plan", format!("the plan is stale: {why}")).help("Plan again")
            }
            Self::Reader { host } => Problem::new(
                "server_is_a_reader",
                format!("{host} is a reader: it takes no writes"),
            )
            .help("Name the writer endpoint: take `endpoint` out of the cluster block, or the -ro out of it"),
            Self::NoEffect { .. } | Self::Owns { .. } | Self::ReadBack(_) => self.in_vain(),
            Self::Locked { .. }
            | Self::LockLost
            | Self::MayNotEnd { .. }
            | Self::Unending { .. }
            | Self::SessionsRemain { .. } => self.of_sessions(),
        }
    }

    /// What was done, and was not what it should have been.
    fn in_vain(&self) -> Problem {
        match self {
            Self::NoEffect { code, message } => Problem::new(
                "no_effect",
                format!(
                    "Postgres reported success and did nothing: {message} (SQLSTATE {code}); nothing of this step was kept"
                ),
            )
            .because("a privilege is revoked only by whoever granted it or by the owner, and only a warning says so")
            .help("Plan again, which shows by whom it was granted; have that role, or the owner, revoke it"),
            Self::Owns { role, database, count } => Problem::new(
                "role_owns_objects",
                format!(
                    "\"{role}\" owns {count} objects in database \"{database}\" by now, which would go with it"
                ),
            )
            .help("Plan again"),
            Self::ReadBack(what) => {
                Problem::new("read_back_differs", format!("{what}; nothing of this step was kept"))
                    .because("somebody else changed it at the same time, or a trigger did")
                    .help("Plan again, and see that no other tool changes it now")
            }
            other => Problem::new("apply_failed", format!("{other:?}")),
        }
    }

    fn of_sessions(&self) -> Problem {
        match self {
            Self::Locked {
                workspace,
                holder,
                waited,
            } => Problem::new(
                "locked",
                format!("workspace \"{workspace}\" is locked by {holder}; waited {waited:?}"),
            )
            .because("another apply or adopt of this workspace is at work, or died and left its server at work")
            .help("Try again later, wait longer with --lock-timeout, or, if that run hangs, end it with tenantctl unlock"),
            Self::LockLost => Problem::new(
                "lock_lost",
                "the session that held the lock has ended, so nothing more was started",
            )
            .because("a restart or failover of the server, or tenantctl unlock")
            .help("Apply again: what is done stays done"),
            Self::MayNotEnd { holder, pid } => {
                Problem::new("may_not_end_session", format!("the admin may not end the session of {holder}"))
                    .because("sessions of superusers are for superusers to end")
                    .help(format!(
                        "A superuser, or that role itself, has to run: SELECT pg_terminate_backend({pid})"
                    ))
            }
            Self::Unending { holder, waited } => Problem::new(
                "session_unending",
                format!("{holder} is still there {waited:?} after it was told to end"),
            )
            .help("Look again in a minute"),
            Self::SessionsRemain { role, count } => Problem::new(
                "sessions_remain",
                format!("{count} sessions of \"{role}\" are still there after 10 s"),
            )
            .because("a session ends when its statement lets it, and some wait for the operating system")
            .help("Apply again in a minute"),
            other => Problem::new("apply_failed", format!("{other:?}")),
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

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem().fmt(f)
    }
}

impl std::error::Error for ApplyError {}

macro_rules! from {
    ($($kind:ident => $case:ident),+) => {
        $(impl From<$kind> for ApplyError {
            fn from(error: $kind) -> Self {
                Self::$case(error)
            }
        })+
    };
}
from!(AwsError => Aws, ReadError => Read, HandOverError => HandOver, NoRandomness => NoRandomness);
