//! Failures of AWS and Postgres that are known from the field: how they are told, why they happen, what helps.
//!
//! One table for each source. A row is found by the code that the source gives and, where one code means several
//! things, by a part of its message; the first row that fits counts. `docs/errors.md` is made from the tables.

mod aws;
mod connection;
mod postgres;

use crate::diag::Problem;
use crate::model::quote::{quote_identifier, quote_literal};

/// A known failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Our name for it, in `snake_case`.
    pub code: &'static str,
    /// SQLSTATEs or AWS error codes; for connections, a word of ours.
    pub of: &'static [&'static str],
    /// A part of the message, where the code alone does not tell.
    pub says: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do next. `{name}` stands for the object of the message (`{literal}`: as a text), `{admin}` for
    /// the admin's role, and `{operation}` for the permission that a call to AWS needs.
    pub help: &'static str,
}

/// Every known failure, by its source.
pub fn tables() -> [(&'static str, &'static [Remedy]); 3] {
    [
        ("AWS", aws::TABLE),
        ("connection", connection::TABLE),
        ("SQLSTATE", postgres::TABLE),
    ]
}

impl Remedy {
    fn find(table: &'static [Self], code: &str, message: &str) -> Option<&'static Self> {
        table
            .iter()
            .find(|row| row.of.contains(&code) && message.contains(row.says))
    }

    /// Of an AWS error code, or of one of the words for what has none.
    pub(super) fn of_aws(code: &str, message: &str) -> Option<&'static Self> {
        Self::find(aws::TABLE, code, message)
    }

    /// Of what the driver said.
    pub(super) fn of_postgres(error: &tokio_postgres::Error) -> Option<&'static Self> {
        match error.as_db_error() {
            Some(said) => Self::find(postgres::TABLE, said.code().code(), said.message()),
            None => Self::of_connection(connection::word(error)),
        }
    }

    /// Of a connection that failed before the server said anything.
    pub(super) fn of_connection(word: &str) -> Option<&'static Self> {
        Self::find(connection::TABLE, word, "")
    }
}

/// A problem of Postgres, with what is known about it. `admin` is who we are.
pub fn postgres(message: String, error: &tokio_postgres::Error, admin: &str) -> Problem {
    let Some(row) = Remedy::of_postgres(error) else {
        return Problem::new("postgres_error", message)
            .help("Look the SQLSTATE up in https://www.postgresql.org/docs/current/errcodes-appendix.html; -v shows the statement");
    };
    let name = error.as_db_error().map_or_else(String::new, |said| {
        postgres::subject(said.message(), said.detail().unwrap_or_default())
    });
    let fill = |text: &str| {
        text.replace("{name}", &quote_identifier(&name))
            .replace("{literal}", &quote_literal(&name))
            .replace("{admin}", &quote_identifier(admin))
    };
    Problem {
        code: row.code,
        message,
        cause: Some(fill(row.cause)),
        help: Some(fill(row.help)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn every_known_failure_has_a_cause_and_a_remedy() {
        let mut text = String::new();
        for (source, rows) in tables() {
            for row in rows {
                let says = if row.says.is_empty() {
                    String::new()
                } else {
                    format!(" {:?}", row.says)
                };
                let _ = writeln!(text, "{source} {}{says}", row.of.join(" "));
                let _ = writeln!(
                    text,
                    "  {}\n  cause: {}\n  help:  {}\n",
                    row.code, row.cause, row.help
                );
                assert!(!row.cause.is_empty() && !row.help.is_empty(), "{}", row.code);
                for sentence in [row.cause, row.help] {
                    assert!(!sentence.ends_with('.'), "no full stop: {sentence}");
                }
            }
        }
        insta::assert_snapshot!(text);
    }

    /// A row behind another that takes all of its messages would never be found.
    #[test]
    fn every_row_can_be_found() {
        for (_, rows) in tables() {
            for row in rows {
                for code in row.of {
                    assert_eq!(
                        Remedy::find(rows, code, row.says),
                        Some(row),
                        "{code} {:?}",
                        row.says
                    );
                }
            }
        }
    }

    #[test]
    fn codes_are_unique_and_plain() {
        let rows = tables().into_iter().flat_map(|(_, rows)| rows);
        let mut seen = BTreeSet::new();
        for row in rows {
            assert!(seen.insert(row.code), "{} twice", row.code);
            assert!(
                row.code
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            );
        }
    }
}
