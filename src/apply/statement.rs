//! Statements, in a transaction and alone, and when they are worth another try.
#![expect(clippy::disallowed_methods, reason = "statements run here")]

use std::iter;
use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use rand::RngExt as _;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::ledger::{self, Run};
use super::{ApplyError, read_back};
use crate::address::Name;
use crate::live::connect::Session;
use crate::plan::{SqlCommand, Step};

/// How often a step that collides with another session, or loses its connection, is tried.
const ATTEMPTS: u32 = 8;

/// A statement on the ledger with its values, to be sent together with others.
#[derive(Clone, Debug)]
pub(super) struct Write {
    sql: &'static str,
    values: Vec<Value>,
}

/// A value of such a statement.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Texts(Vec<String>),
    Number(i32),
}

impl Write {
    pub(super) fn new(sql: &'static str) -> Self {
        Self {
            sql,
            values: Vec::new(),
        }
    }

    /// Its next value.
    pub(super) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

impl Value {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(text) => text,
            Self::Texts(texts) => texts,
            Self::Number(number) => number,
        }
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Some(text).into()
    }
}

impl From<&Name> for Value {
    fn from(name: &Name) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number)
    }
}

/// Statements, read-backs and ledger rows, or nothing of it.
pub(super) async fn transaction(
    session: &Session,
    sql: &SqlCommand,
    run: &Run,
    steps: &[&Step],
) -> Result<(), ApplyError> {
    session.take_notices();
    let work = async {
        let statements = iter::once("BEGIN").chain(sql.statements.iter().map(AsRef::as_ref));
        batch(session, &statements.collect::<Vec<_>>().join(";\n")).await?;
        had_effect(session)?;
        read_back::check(session, &sql.expect).await?;
        let writes: Vec<Write> = steps
            .iter()
            .flat_map(|step| ledger::done(run, step, false))
            .collect();
        write(session, &writes).await
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

/// Writes on the ledger: all or nothing.
pub(super) async fn write_whole(session: &Session, writes: &[Write]) -> Result<(), ApplyError> {
    if writes.len() == 1 {
        return write(session, writes).await;
    }
    begin(session).await?;
    match write(session, writes).await {
        Ok(()) => commit(session).await,
        Err(error) => {
            let _ = batch(session, "ROLLBACK").await;
            Err(error)
        }
    }
}

/// Writes on the ledger, sent one behind the other without waiting for answers between.
///
/// # Errors
/// That of the first that failed.
pub(super) async fn write(session: &Session, writes: &[Write]) -> Result<(), ApplyError> {
    let failed = |error| ApplyError::sql(session, error);
    let mut prepared = Vec::with_capacity(writes.len());
    for write in writes {
        prepared.push(session.prepare(write.sql).await.map_err(failed)?);
    }
    let mut answers = Vec::with_capacity(writes.len());
    for (write, statement) in writes.iter().zip(prepared) {
        let values: Vec<_> = write.values.iter().map(Value::as_sql).collect();
        let mut answer = Box::pin(async move {
            let work = session.client().execute(&statement, &values);
            session.timed(write.sql, &values, work).await
        });
        // It is sent when it is first asked for its answer.
        match poll!(&mut answer) {
            Poll::Ready(done) => drop(done.map_err(failed)?),
            Poll::Pending => answers.push(answer),
        }
    }
    for answer in answers {
        answer.await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn begin(session: &Session) -> Result<(), ApplyError> {
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

/// One statement that stands alone.
pub(super) async fn run_statement(session: &Session, statement: &str) -> Result<(), ApplyError> {
    session.take_notices();
    batch(session, statement).await?;
    had_effect(session)
}

/// "No privileges could be revoked" and its sibling are warnings to Postgres and errors here.
fn had_effect(session: &Session) -> Result<(), ApplyError> {
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
