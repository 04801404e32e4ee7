//! What `-v` shows: every statement and every call to AWS, with how long it took. Never a secret.

use std::time::{Duration, Instant};

use tokio_postgres::Error;
use tracing::field::display;

use super::connect::Values;

/// A statement that has ended. Its values are data of ours, names and states; no secret is ever one.
pub(super) fn statement(
    database: &str,
    sql: &str,
    values: Values<'_>,
    took: Duration,
    error: Option<&Error>,
) {
    if !tracing::enabled!(target: "tenantctl::sql", tracing::Level::INFO) {
        return;
    }
    let milliseconds = milliseconds(took);
    let error = error.map(word);
    let values = (!values.is_empty()).then(|| display(format!("{values:?}")));
    let sql = shown(sql);
    tracing::info!(target: "tenantctl::sql", database, milliseconds, values, error, "{sql}");
}

/// A connection that was made, or refused.
pub(super) fn connection(username: &str, database: &str, took: Duration, error: Option<&Error>) {
    let milliseconds = milliseconds(took);
    let error = error.map(word);
    tracing::info!(target: "tenantctl::sql", database, username, milliseconds, error, "connect");
}

/// The SQLSTATE; without one, it is about the connection.
fn word(error: &Error) -> &str {
    error.code().map_or("connection", |code| code.code())
}

/// An attempt at a call to AWS that has ended; `status` is that of HTTP, and there is none where nobody answered.
pub(super) fn call(service: &str, operation: &str, status: Option<u16>, took: Duration) {
    let milliseconds = milliseconds(took);
    let service = service.to_ascii_lowercase().replace(' ', "");
    tracing::info!(target: "tenantctl::aws", status, milliseconds, "{service}:{operation}");
}

/// Does a part of a run, and says how long that took.
pub async fn part<T>(name: &str, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = work.await;
    took(name, started);
    done
}

/// The same for a part that waits for nothing.
pub fn pure_part<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    took(name, started);
    done
}

fn took(name: &str, started: Instant) {
    let milliseconds = milliseconds(started.elapsed());
    tracing::info!(target: "tenantctl::time", milliseconds, "{name}");
}

/// To a tenth of a millisecond.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

/// A statement in one line, without comments, and without what follows the word PASSWORD: all that Postgres gets of a
/// secret is a verifier, and that is not for logs either.
fn shown(sql: &str) -> String {
    const WORD: &str = " PASSWORD ";
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    let line = lines
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ");
    let upper = line.to_ascii_uppercase();
    let after = upper
        .match_indices(WORD)
        .map(|(at, word)| at + word.len())
        .find(|at| !upper[*at..].starts_with("NULL"));
    match after {
        Some(at) => format!("{}(sensitive)", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_one_line_without_secrets() {
        assert_eq!(shown("-- Why.\nSELECT 1,\n       2\n"), "SELECT 1, 2");
        let verifier = "ALTER ROLE \"a\" PASSWORD 'SCRAM-SHA-256$4096:salt$stored:server'";
        assert_eq!(shown(verifier), "ALTER ROLE \"a\" PASSWORD (sensitive)");
        let made = "CREATE ROLE b LOGIN password 'x' VALID UNTIL 'y'; GRANT c TO b";
        assert_eq!(shown(made), "CREATE ROLE b LOGIN password (sensitive)");
        assert_eq!(shown("ALTER ROLE a PASSWORD NULL"), "ALTER ROLE a PASSWORD NULL");
        let both = "ALTER ROLE a PASSWORD NULL;\nALTER ROLE b PASSWORD 'x'";
        assert_eq!(
            shown(both),
            "ALTER ROLE a PASSWORD NULL; ALTER ROLE b PASSWORD (sensitive)"
        );
    }

    #[test]
    fn durations_are_milliseconds() {
        assert_eq!(milliseconds(Duration::from_micros(12_345)).to_string(), "12.3");
    }
}
