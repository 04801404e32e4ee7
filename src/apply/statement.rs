//! Statements, in a transaction and alone, and when they are worth another try.
#![expect(clippy::disallowed_methods, reason = "statements run here")]

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::ledger::{self, Run};
use super::{ApplyError, read_back};
use crate::live::connect::Session;
use crate::plan::{SqlCommand, Step};

/// How often a step that collides with another session, or loses its connection, is tried.
const ATTEMPTS: u32 = 8;

/// Statements, read-backs and ledger rows, or nothing of it.
pub(super) async fn transaction(
    session: &Session,
    sql: &SqlCommand,
    run: &Run,
    steps: &[&Step],
) -> Result<(), ApplyError> {
    begin_transaction(session).await?;
    let work = async {
        for statement in &sql.statements {
            run_statement(session, statement).await?;
        }
        for expectation in &sql.expect {
            read_back::check(session, expectation).await?;
        }
        for step in steps {
            ledger::done(session, run, step, false).await?;
        }
        Ok(())
    };
    match work.await {
        Ok(()) => commit(session).await,
        Err(error) => {
            // A session that cannot even roll back is dropped by the caller, which rolls back as well.
            let _ = batch(session, "ROLLBACK").await;
            Err(error)
        }
    }
}

pub(super) async fn begin_transaction(session: &Session) -> Result<(), ApplyError> {
    batch(session, "BEGIN").await
}

pub(super) async fn commit(session: &Session) -> Result<(), ApplyError> {
    batch(session, "COMMIT").await
}

/// Statements without values.
pub(super) async fn batch(session: &Session, statements: &str) -> Result<(), ApplyError> {
    let work = session.client().batch_execute(statements);
    let done = session.timed(statements, &[], work).await;
    done.map_err(|error| ApplyError::sql(session, error))
}

/// A statement with values; how many rows it changed.
pub(super) async fn execute(
    session: &Session,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, ApplyError> {
    let work = session.client().execute(statement, values);
    let done = session.timed(statement, values, work).await;
    done.map_err(|error| ApplyError::sql(session, error))
}

/// One statement. "No privileges could be revoked" and its sibling are warnings to Postgres and errors here.
pub(super) async fn run_statement(session: &Session, statement: &str) -> Result<(), ApplyError> {
    session.take_notices();
    batch(session, statement).await?;
    for (code, message) in session.take_notices() {
        let in_vain = code == SqlState::WARNING_PRIVILEGE_NOT_REVOKED
            || code == SqlState::WARNING_PRIVILEGE_NOT_GRANTED;
        if in_vain {
            return Err(ApplyError::NoEffect {
                code: code.code().to_owned(),
                message,
            });
        }
    }
    Ok(())
}

/// Waits before another attempt, or gives the error back when there shall be none.
pub(super) async fn again(error: ApplyError, attempt: &mut u32) -> Result<(), ApplyError> {
    *attempt += 1;
    if *attempt >= ATTEMPTS || !(error.is_collision() || error.is_lost_connection()) {
        return Err(error);
    }
    tracing::debug!(%error, attempt, "trying again");
    let pause = 50 * u64::from(2_u32.saturating_pow(*attempt)) + rand::rng().random_range(0..100);
    sleep(Duration::from_millis(pause)).await;
    Ok(())
}
