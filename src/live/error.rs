//! What can go wrong while reading, and what to do about it.

use std::fmt;

use tokio_postgres::error::SqlState;

use super::aws::AwsError;
use super::connect::Session;
use super::remedy::{self, Remedy};
use crate::diag::Problem;

/// Why something could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// AWS said no, or did not answer.
    Aws(AwsError),
    /// Postgres refused a connection, or could not be reached.
    Connect {
        /// Host.
        host: String,
        /// Port.
        port: u16,
        /// Role.
        username: String,
        /// Database.
        database: String,
        /// What the driver said.
        source: Box<tokio_postgres::Error>,
    },
    /// Nobody answered in time.
    ConnectTimeout {
        /// Host.
        host: String,
        /// Port.
        port: u16,
    },
    /// A query failed.
    Query {
        /// Role.
        username: String,
        /// Database.
        database: String,
        /// What the driver said.
        source: Box<tokio_postgres::Error>,
    },
    /// TLS could not be set up.
    Tls(String),
    /// The ledger cannot be understood.
    Ledger(String),
    /// Somebody else's schema.
    ForeignLedger {
        /// Who owns it.
        owner: String,
        /// Who we are.
        admin: String,
    },
}

impl ReadError {
    pub(super) fn connect(
        host: &str,
        port: u16,
        username: &str,
        database: &str,
        source: tokio_postgres::Error,
    ) -> Self {
        Self::Connect {
            host: host.to_owned(),
            port,
            username: username.to_owned(),
            database: database.to_owned(),
            source: Box::new(source),
        }
    }

    pub(super) fn query(session: &Session, source: tokio_postgres::Error) -> Self {
        Self::Query {
            username: session.username.clone(),
            database: session.database.clone(),
            source: Box::new(source),
        }
    }

    /// The server takes no more connections just now: it starts, or all are taken.
    pub fn is_busy(&self) -> bool {
        matches!(
            self.sql_state(),
            Some(&SqlState::CANNOT_CONNECT_NOW | &SqlState::TOO_MANY_CONNECTIONS)
        )
    }

    /// The SQLSTATE, where Postgres gave one.
    pub fn sql_state(&self) -> Option<&SqlState> {
        match self {
            Self::Connect { source, .. } | Self::Query { source, .. } => source.code(),
            _ => None,
        }
    }

    /// What happened, why that usually is, and what to do next.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Aws(error) => error.problem(),
            Self::Connect {
                host,
                port,
                username,
                database,
                source,
            } => remedy::postgres(describe(source), source, username)
                .within(&format!("cannot connect to {username}@{host}:{port}/{database}")),
            Self::ConnectTimeout { host, port } => {
                let message = format!("cannot connect to {host}:{port}: no answer within 60 s");
                let problem = Problem::new("connection_timeout", message);
                match Remedy::of_connection("timeout") {
                    Some(known) => problem.because(known.cause).help(known.help),
                    None => problem,
                }
            }
            Self::Query {
                username,
                database,
                source,
            } => remedy::postgres(describe(source), source, username)
                .within(&format!("reading database \"{database}\" failed")),
            Self::Tls(problem) => Problem::new("tls_configuration", format!("TLS: {problem}"))
                .help("Correct `sslrootcert` in the cluster block; its path is relative to the configuration directory"),
            Self::Ledger(problem) => {
                let message = format!("the ledger (schema tenantctl) cannot be read: {problem}");
                Problem::new("ledger_unreadable", message)
                    .because("somebody wrote into it, or a later version of tenantctl did")
                    .help("Use the version that wrote it: SELECT tool_version FROM tenantctl.run ORDER BY started_at DESC")
            }
            Self::ForeignLedger { owner, admin } => {
                let message = format!("schema \"tenantctl\" belongs to \"{owner}\", not to the admin \"{admin}\"");
                Problem::new("foreign_ledger", message)
                    .because("a ledger that somebody else can write proves nothing")
                    .help(format!("Rename that schema, or run as \"{owner}\""))
            }
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem().fmt(f)
    }
}

impl std::error::Error for ReadError {}

impl From<AwsError> for ReadError {
    fn from(error: AwsError) -> Self {
        Self::Aws(error)
    }
}

/// The driver's own text leaves out what the server said; this does not.
pub fn describe(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            text = format!("{text}: {inner}");
            source = inner.source();
        }
        return text;
    };
    let mut text = format!("{} (SQLSTATE {})", said.message(), said.code().code());
    for (label, more) in [("detail", said.detail()), ("hint", said.hint())] {
        if let Some(more) = more {
            text = format!("{text}; {label}: {more}");
        }
    }
    text
}

/// The server went away, or ended the session.
pub fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error.as_db_error().is_none()
        || matches!(
            error.code(),
            Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW)
        )
}
