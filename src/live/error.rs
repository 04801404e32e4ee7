//! What can go wrong while reading, and what to do about it.

use tokio_postgres::error::SqlState;

use super::aws::AwsError;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// AWS said no, or did not answer.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Postgres refused a connection, or could not be reached.
    #[error("cannot connect to {username}@{host}:{port}/{database}: {}{}", describe(.source), remedy(.source))]
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
    #[error("cannot connect to {host}:{port}: no answer within 60 s; is the address reachable from here?")]
    ConnectTimeout {
        /// Host.
        host: String,
        /// Port.
        port: u16,
    },
    /// A query failed.
    #[error("reading database \"{database}\" failed: {}{}", describe(.source), remedy(.source))]
    Query {
        /// Database.
        database: String,
        /// What the driver said.
        source: Box<tokio_postgres::Error>,
    },
    /// TLS could not be set up.
    #[error("TLS: {0}")]
    Tls(String),
    /// The ledger cannot be understood.
    #[error("the ledger (schema tenantctl) cannot be read: {0}")]
    Ledger(String),
    /// Somebody else's schema.
    #[error(
        "schema \"tenantctl\" belongs to \"{owner}\", not to the admin \"{admin}\": a ledger that somebody else can \
         write proves nothing. Rename that schema, or run as \"{owner}\""
    )]
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

    pub(super) fn query(database: &str, source: tokio_postgres::Error) -> Self {
        Self::Query {
            database: database.to_owned(),
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

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(&SqlState::INVALID_PASSWORD) => {
            ". The password comes from TENANTCTL_PASSWORD_<CLUSTER> or PGPASSWORD, or set auth = \"iam\" or \
             \"secret\" in the admin block"
        }
        Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            ". A member of rds_iam, however indirect, can only log in by token: is the admin one?"
        }
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            ". All connections were taken for a minute: end some, raise max_connections or the role's CONNECTION LIMIT, \
             or lower --parallelism"
        }
        None if error.to_string().contains("tls") => {
            ". The server's certificate is verified: set sslrootcert, or sslmode where the network is trusted"
        }
        _ if is_lost(error) => {
            ". The connection was lost, or never made: run this again once the server is there"
        }
        _ => "",
    }
}
