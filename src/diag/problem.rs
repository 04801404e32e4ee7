//! What went wrong at run time, for people and machines.

use std::fmt;

use serde::Serialize;

/// A failure, taken apart: what happened, why that usually is, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A stable name in `snake_case`, for scripts.
    pub code: &'static str,
    /// What happened, with what whoever refused said; no full stop.
    pub message: String,
    /// Why that usually is, where the message does not say it.
    pub cause: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

impl Problem {
    /// A problem that explains itself.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            cause: None,
            help: None,
        }
    }

    /// Adds why.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says where it happened, in front.
    #[must_use]
    pub fn within(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

/// In one line: what happened and what to do.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message.trim_end_matches('.'))?;
        match &self.help {
            Some(help) => write!(f, ". {help}"),
            None => Ok(()),
        }
    }
}
