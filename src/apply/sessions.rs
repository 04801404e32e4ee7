//! Other people's sessions: who holds a lock, who is in the way, who is in a database.

use std::fmt;

use tokio_postgres::types::ToSql;

use super::ApplyError;
use crate::live::connect::Session;

/// A session of the server, in the words that find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// The backend's process id.
    pub pid: i32,
    /// When it began, exactly: process ids come round again.
    pub since: String,
    role: String,
    application: String,
    address: String,
    doing: String,
}

impl fmt::Display for Other {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid,
            since,
            role,
            application,
            address,
            ..
        } = self;
        write!(
            formatter,
            "role \"{role}\" ({application}) from {address} since {since}, backend {pid}"
        )
    }
}

impl Other {
    /// What it does right now. Of a statement only what stands before the first literal: a literal may be a secret.
    pub fn doing(&self) -> &str {
        &self.doing
    }

    /// Who it is and what it does.
    pub(super) fn in_full(&self) -> String {
        format!("{self}, {}", self.doing)
    }
}

/// What is asked of `pg_stat_activity`; a role without `pg_monitor` sees no more of others than their names.
///
/// <https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW>
const OTHER: &str = "
SELECT DISTINCT a.pid, coalesce(a.backend_start::text, 'an unknown time') AS since, coalesce(a.usename::text, '?') AS role,
       coalesce(nullif(a.application_name, ''), 'unnamed') AS application,
       coalesce(host(a.client_addr), 'a local socket') AS address,
       coalesce(a.state, 'unknown') AS state, coalesce(a.query, '') AS query
FROM pg_stat_activity a";

async fn others(
    session: &Session,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Other>, ApplyError> {
    let rows = session
        .query(&format!("{OTHER} {condition} ORDER BY 2, 1"), values)
        .await
        .map_err(|error| ApplyError::sql(session, error))?;
    let other = |row: &tokio_postgres::Row| Other {
        pid: row.get("pid"),
        since: row.get("since"),
        role: row.get("role"),
        application: row.get("application"),
        address: row.get("address"),
        doing: doing(row.get("state"), row.get("query")),
    };
    Ok(rows.iter().map(other).collect())
}

/// Who holds one of these advisory locks of the session's database.
pub(super) async fn holding(session: &Session, keys: &[i64]) -> Result<Vec<Other>, ApplyError> {
    let condition = "
        JOIN pg_locks l ON l.pid = a.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND ((l.classid::int8 << 32) | l.objid::int8) = ANY ($1)";
    others(session, condition, &[&keys]).await
}

/// Whom a backend waits for.
pub(super) async fn blocking(session: &Session, pid: i32) -> Result<Vec<Other>, ApplyError> {
    others(session, "WHERE a.pid = ANY (pg_blocking_pids($1))", &[&pid]).await
}

/// Who is in a database.
pub(super) async fn in_database(session: &Session, database: &str) -> Result<Vec<Other>, ApplyError> {
    others(
        session,
        "WHERE a.datname = $1 AND a.pid <> pg_backend_pid()",
        &[&database],
    )
    .await
}

/// One line about many.
pub(super) fn list(others: &[Other]) -> String {
    let all: Vec<_> = others.iter().map(Other::in_full).collect();
    all.join("; ")
}

fn doing(state: &str, query: &str) -> String {
    /// Characters of a statement, at most.
    const LENGTH: usize = 80;
    let safe = query.split(['\'', '$']).next().unwrap_or_default();
    let words: Vec<_> = safe.split_whitespace().collect();
    let mut text: String = words.join(" ").chars().take(LENGTH).collect();
    if text.is_empty() {
        return state.to_owned();
    }
    if text.len() < query.trim().len() {
        text.push_str(" ..");
    }
    // The last statement of one that does nothing is what it did.
    let verb = if state == "active" { "runs" } else { "last ran" };
    format!("{state}, {verb}: {text}")
}

#[cfg(test)]
mod tests {
    use super::doing;

    #[test]
    fn no_literal_of_a_statement_is_shown() {
        let text = doing("active", "ALTER ROLE  a\n PASSWORD 'hunter2' VALID UNTIL 'x'");
        assert_eq!(text, "active, runs: ALTER ROLE a PASSWORD ..");
        assert_eq!(
            doing("idle in transaction", "SELECT $$hunter2$$"),
            "idle in transaction, last ran: SELECT .."
        );
        assert_eq!(doing("idle", ""), "idle");
        assert_eq!(doing("active", "SELECT 1"), "active, runs: SELECT 1");
    }
}
