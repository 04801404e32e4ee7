//! One step, done.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;

use super::handover::{self, Credential};
use super::iam::IamWriter;
use super::ledger::{self, Run};
use super::pool::Pool;
use super::scribe::Scribe;
use super::statement::{Write, again, run_statement, transaction};
use super::{ApplyError, Target, bundle, disown, secret_material, sessions};
use crate::address::Address;
use crate::live::connect::Session;
use crate::model::quote::{quote_identifier, quote_literal};
use crate::plan::{Command, HandOver, IamCommand, Phase, Record, SqlCommand, Step};

/// What steps are done with.
pub(super) struct Executor<'a> {
    pub target: &'a Target,
    pub pool: &'a Pool<'a>,
    pub iam: &'a IamWriter,
    pub scribe: &'a Scribe<'a>,
    pub run: &'a Run,
}

impl Executor<'_> {
    /// Does one step; the hand-over file, if it wrote one.
    pub(super) async fn step(&self, step: &Step) -> Result<Option<PathBuf>, ApplyError> {
        match &step.command {
            Command::Admin(_) | Command::Record | Command::GrantMembership { .. } => {
                self.admin(step, &bundle::merged(&[step])).await.map(|()| None)
            }
            Command::Inside { database, .. } => self.inside(database, &[step]).await.map(|()| None),
            Command::Alone { statement } => self.alone(step, statement).await.map(|()| None),
            Command::DropOwned {
                role,
                database,
                statements,
            } => {
                let database = database.as_deref().unwrap_or(&self.target.admin_database);
                let work = async || {
                    let session = self.pool.enter(database).await?;
                    let work = disown::drop_owned(&session, role, statements);
                    self.pool.watched(&session, work).await
                };
                self.around(step, self.persist(work)).await.map(|()| None)
            }
            Command::EndSessions { role, database } => self
                .around(
                    step,
                    self.persist(async || self.end_sessions(role, database.as_deref()).await),
                )
                .await
                .map(|()| None),
            Command::HandOverPassword { role, handover } => {
                self.password(step, role, handover).await.map(Some)
            }
            Command::Iam(IamCommand::CreateAccessKey { user, handover }) => {
                self.access_key(step, user, handover).await.map(Some)
            }
            Command::Iam(command) => {
                let call = async { Ok(self.iam.run(command).await?) };
                self.around(step, call).await.map(|()| None)
            }
        }
    }

    /// Statements and ledger rows of a step in one transaction of the admin database: both or neither.
    async fn admin(&self, step: &Step, sql: &SqlCommand) -> Result<(), ApplyError> {
        match self.in_admin_database(sql, &[step], |_| true).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.with_who_is_there(step, error).await),
        }
    }

    /// The same for many steps. Whoever is in the way of one is in the way of all, and is not waited for here.
    pub(super) async fn bundle(&self, steps: &[&Step]) -> Result<(), ApplyError> {
        self.in_admin_database(&bundle::sql(steps), steps, ApplyError::is_lost_connection)
            .await
    }

    async fn in_admin_database(
        &self,
        sql: &SqlCommand,
        steps: &[&Step],
        worth_another: impl Fn(&ApplyError) -> bool,
    ) -> Result<(), ApplyError> {
        let mut attempt = 0;
        loop {
            let work = async {
                let session = self.pool.take().await?;
                if attempt == 0 || !ledger::have_committed(&session, self.run, steps).await? {
                    let work = transaction(&session, sql, self.run, steps);
                    self.pool.watched(&session, work).await?;
                }
                self.pool.give_back(session);
                Ok(())
            };
            match work.await {
                Err(error) if worth_another(&error) => again(error, &mut attempt).await?,
                done => return done,
            }
        }
    }

    /// Steps of one tenant database: one connection, one transaction there, the ledger around it.
    pub(super) async fn inside(&self, database: &str, steps: &[&Step]) -> Result<(), ApplyError> {
        self.begin(steps, &[]).await?;
        let mut attempt = 0;
        loop {
            let work = async {
                let session = self.pool.enter(database).await?;
                let parts = steps.iter().filter_map(|step| inside_sql(step));
                let sql = SqlCommand {
                    statements: parts.clone().flat_map(|sql| sql.statements.clone()).collect(),
                    expect: parts.flat_map(|sql| sql.expect.clone()).collect(),
                };
                self.pool
                    .watched(&session, transaction(&session, &sql, self.run, &[]))
                    .await
            };
            match work.await {
                Ok(()) => break,
                Err(error) => {
                    if let Err(error) = again(error, &mut attempt).await {
                        self.failed(steps, &error).await;
                        return Err(error);
                    }
                }
            }
        }
        self.done(steps).await
    }

    /// A statement that no transaction may hold.
    async fn alone(&self, step: &Step, statement: &str) -> Result<(), ApplyError> {
        let work = async {
            let mut attempt = 0;
            loop {
                let session = self.persist(async || self.pool.take_living().await).await?;
                match self
                    .pool
                    .watched(&session, run_statement(&session, statement))
                    .await
                {
                    Ok(()) => {
                        self.pool.give_back(session);
                        return Ok(());
                    }
                    // Lost: nobody knows whether it was done. The step stays open, and the next run finds out.
                    Err(error) if error.is_lost_connection() => return Err(error),
                    Err(error) => {
                        let error = self.with_who_is_in(&session, step, error).await;
                        self.pool.give_back(session);
                        again(error, &mut attempt).await?;
                    }
                }
            }
        };
        self.around(step, work).await
    }

    /// A database that cannot be dropped is in use: FORCE ends all sessions but those of superusers, and none where
    /// something else, such as a prepared transaction, is in the way.
    async fn with_who_is_in(&self, session: &Session, step: &Step, error: ApplyError) -> ApplyError {
        let in_use = matches!(
            error.sql_state(),
            Some(&SqlState::INSUFFICIENT_PRIVILEGE | &SqlState::OBJECT_IN_USE)
        );
        if !in_use || step.phase != Phase::DropDatabase {
            return error;
        }
        let inside = sessions::in_database(session, &step.address.name()).await;
        error.in_the_way_of(&inside.unwrap_or_default())
    }

    /// Nobody may be in a database that is renamed.
    async fn with_who_is_there(&self, step: &Step, error: ApplyError) -> ApplyError {
        let renamed = step.records.iter().find_map(|record| match record {
            Record::Moved(moved) => match &*moved.from {
                Address::Database { name } => Some(name),
                _ => None,
            },
            _ => None,
        });
        let (Some(name), Some(&SqlState::OBJECT_IN_USE)) = (renamed, error.sql_state()) else {
            return error;
        };
        let Ok(session) = self.pool.take().await else {
            return error;
        };
        let inside = sessions::in_database(&session, name).await;
        self.pool.give_back(session);
        error.in_the_way_of(&inside.unwrap_or_default())
    }

    /// Something that may be repeated, until no other session is in its way and no connection is lost under it.
    async fn persist<T>(&self, work: impl AsyncFn() -> Result<T, ApplyError>) -> Result<T, ApplyError> {
        let mut attempt = 0;
        loop {
            match work().await {
                Ok(done) => return Ok(done),
                Err(error) => again(error, &mut attempt).await?,
            }
        }
    }

    /// Something outside the admin database, with its intent written before and its outcome after.
    async fn around(
        &self,
        step: &Step,
        work: impl Future<Output = Result<(), ApplyError>>,
    ) -> Result<(), ApplyError> {
        self.begin(&[step], &[]).await?;
        if let Err(error) = self.pool.while_locked(work).await {
            if !error.is_lost_connection() {
                self.failed(&[step], &error).await;
            }
            return Err(error);
        }
        self.done(&[step]).await
    }

    /// Writes something down, until that has worked.
    async fn write_down(&self, writes: Vec<Write>) -> Result<(), ApplyError> {
        self.persist(async || self.scribe.write(writes.clone()).await)
            .await
    }

    async fn begin(&self, steps: &[&Step], known_keys: &[String]) -> Result<(), ApplyError> {
        let begin = steps.iter().map(|step| ledger::begin(self.run, step, known_keys));
        self.write_down(begin.collect()).await
    }

    async fn done(&self, steps: &[&Step]) -> Result<(), ApplyError> {
        let done = steps.iter().flat_map(|step| ledger::done(self.run, step, true));
        self.write_down(done.collect()).await
    }

    /// The step's own error counts; that its row could not be written is for the log. It stays open, and the next run
    /// answers it.
    async fn failed(&self, steps: &[&Step], error: &ApplyError) {
        let error = error.to_string();
        let failed = steps.iter().map(|step| ledger::failed(self.run, step, &error));
        match self.write_down(failed.collect()).await {
            Ok(()) | Err(ApplyError::LockLost) => {}
            Err(error) => tracing::warn!(%error, "the outcome of a failed step could not be written"),
        }
    }

    /// Ends sessions and looks whether they are gone: a terminated backend takes a moment.
    async fn end_sessions(&self, role: &str, database: Option<&str>) -> Result<(), ApplyError> {
        const TERMINATE: &str = "
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE usename = $1 AND ($2::text IS NULL OR datname = $2) AND pid <> pg_backend_pid()";
        const REMAIN: &str = "
            SELECT count(*) FROM pg_stat_activity
            WHERE usename = $1 AND ($2::text IS NULL OR datname = $2) AND pid <> pg_backend_pid()";
        let session = self.pool.take().await?;
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let failed = |error| ApplyError::sql(&session, error);
            session
                .query_one(TERMINATE, &[&role, &database])
                .await
                .map_err(failed)?;
            let row = session
                .query_one(REMAIN, &[&role, &database])
                .await
                .map_err(failed)?;
            let count: i64 = row.get(0);
            if count == 0 {
                self.pool.give_back(session);
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ApplyError::SessionsRemain {
                    role: role.to_owned(),
                    count,
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The password is in the file before it is in the server: a crash between leaves a file that opens nothing, never
    /// a password that nobody holds. Postgres gets the SCRAM verifier alone.
    async fn password(&self, step: &Step, role: &str, handover: &HandOver) -> Result<PathBuf, ApplyError> {
        let password = secret_material::generate_password()?;
        let verifier = secret_material::scram_verifier(&password);
        let path = handover::write(&self.target.directory, handover, &Credential::Password(password))?;
        let statement = format!(
            "ALTER ROLE {} PASSWORD {}",
            quote_identifier(role),
            quote_literal(&verifier)
        );
        let sql = SqlCommand::new([statement], []);
        self.admin(step, &sql).await?;
        Ok(path)
    }

    /// The ledger first says which keys there are, so that a crash after the call leaves one that can be told apart.
    async fn access_key(&self, step: &Step, user: &str, handover: &HandOver) -> Result<PathBuf, ApplyError> {
        let known = self.iam.access_key_ids(user).await?;
        self.begin(&[step], &known).await?;
        let make = handover::create_access_key(self.iam, user, &self.target.directory, handover);
        let (id, path) = match self.pool.while_locked(async { Ok(make.await) }).await? {
            Ok(made) => made,
            // The key may be there with its secret lost: the step stays open, and the next run finds out.
            Err(error) if error.may_have_left_a_key() => return Err(error.into()),
            Err(error) => {
                let error = error.into();
                self.failed(&[step], &error).await;
                return Err(error);
            }
        };
        let handed_over = ledger::key_handed_over(self.run, step, user, &id, &handover.recipient);
        self.write_down(handed_over).await?;
        Ok(path)
    }
}

fn inside_sql(step: &Step) -> Option<&SqlCommand> {
    match &step.command {
        Command::Inside { sql, .. } => Some(sql),
        _ => None,
    }
}
