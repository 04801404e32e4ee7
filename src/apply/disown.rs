//! Taking from a role what it was granted in one database. `DROP OWNED` also drops what a role owns, so it is looked
//! first whether there is any of that.
//!
//! <https://www.postgresql.org/docs/current/sql-drop-owned.html>

use super::ApplyError;
use super::statement::{begin, commit, run_statement};
use crate::live::connect::Session;

/// What a role owns in the session's database, or among what all share; see `dependents.sql` for what is left out.
const OWNED: &str = "
SELECT count(*) FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname = $1
  AND (s.dbid = 0 OR s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND s.deptype NOT IN ('a', 'i', 'r')
  AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)";

/// What it still holds: granted by somebody who was granted it, which `DROP OWNED` leaves alone.
const HELD: &str = "
SELECT count(*) FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname = $1
  AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Runs the statements, one of which is `DROP OWNED BY role`, in one transaction, unless the role owns something.
///
/// # Errors
/// It owns something, or a statement fails.
pub(super) async fn drop_owned(
    session: &Session,
    role: &str,
    statements: &[String],
) -> Result<(), ApplyError> {
    begin(session).await?;
    // On an error the session is dropped, and the transaction with it.
    let owned = count(session, OWNED, role).await?;
    if owned > 0 {
        return Err(ApplyError::Owns {
            role: role.to_owned(),
            database: session.database.clone(),
            count: owned,
        });
    }
    for statement in statements {
        run_statement(session, statement).await?;
    }
    let held = count(session, HELD, role).await?;
    if held > 0 {
        return Err(ApplyError::ReadBack(format!(
            "\"{role}\" still holds privileges on {held} objects in database \"{}\", granted by others than their owners, \
             who have to revoke them",
            session.database
        )));
    }
    commit(session).await
}

async fn count(session: &Session, query: &str, role: &str) -> Result<i64, ApplyError> {
    let row = session.query_one(query, &[&role]).await;
    Ok(row.map_err(|error| ApplyError::sql(session, error))?.get(0))
}
