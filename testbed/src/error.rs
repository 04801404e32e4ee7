//! What can go wrong while servers are started and asked.

use std::{fmt, io};

/// Why a server could not be started, or what it answered instead of what was asked.
#[derive(Debug)]
pub enum Error {
    /// Something that `scripts/setup` installs is missing.
    NotInstalled(String),
    /// A server did not come up, or went away.
    Server(String),
    /// A file or a process could not be handled.
    Io(String, io::Error),
    /// Postgres refused a login or a statement.
    Sql {
        /// The five characters of SQLSTATE, empty when the failure was in the connection.
        code: String,
        /// What Postgres said.
        message: String,
    },
    /// The emulator answered a call with an error.
    Aws {
        /// HTTP status.
        status: u16,
        /// The body of the answer, as it came.
        body: String,
    },
}

impl Error {
    /// SQLSTATE, where Postgres gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Error::Sql { code, .. } if !code.is_empty() => Some(code),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotInstalled(what) => write!(formatter, "{what} is not installed: run scripts/setup"),
            Error::Server(what) => formatter.write_str(what),
            Error::Io(what, source) => write!(formatter, "{what}: {source}"),
            Error::Sql { code, message } => write!(formatter, "{message} ({code})"),
            Error::Aws { status, body } => write!(formatter, "HTTP {status}: {body}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(_, source) => Some(source),
            _ => None,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Error::Sql {
                code: refusal.code().code().to_owned(),
                message: refusal.message().to_owned(),
            },
            None => {
                let cause = std::error::Error::source(&error)
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                Error::Sql {
                    code: String::new(),
                    message: format!("{error}{cause}"),
                }
            }
        }
    }
}

/// Names the thing that was tried, for an I/O error that does not say.
pub(crate) trait Context<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io(what(), source))
    }
}
