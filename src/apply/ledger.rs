//! Writing what tenantctl remembers.

mod record;
mod settle;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ApplyError;
use super::statement::{Write, batch, write};
use crate::address::{Address, TenantId};
use crate::live::connect::Session;
use crate::live::ledger::{CREATE_ACCESS_KEY, CREATE_DATABASE, DROP_DATABASE, RENAME_USER};
use crate::plan::{ActionWord, Command, IamCommand, Plan, Step};

pub(super) use settle::settle;

/// The ledger's SQL, a file per version.
const VERSIONS: [&str; 2] = [
    include_str!("../../state/001.sql"),
    include_str!("../../state/002.sql"),
];

/// Who writes, for every row.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Random, so that two runs never share rows.
    pub id: String,
    /// The workspace.
    pub workspace: String,
    /// User and host.
    pub actor: String,
    /// What becomes of an object, by the number of the step.
    pub actions: BTreeMap<usize, ActionWord>,
}

/// Brings the ledger up to date. Only under the lock.
///
/// # Errors
/// The admin may not create a schema in the admin database, or a statement fails.
pub async fn prepare(session: &Session, run: &Run, plan: &Plan) -> Result<(), ApplyError> {
    let failed = |error| ApplyError::sql(session, error);
    let exists = session
        .query_one("SELECT to_regclass('tenantctl.version') IS NOT NULL", &[])
        .await
        .map_err(failed)?;
    let version: i32 = if exists.get(0) {
        let row = session
            .query_one("SELECT max(version) FROM tenantctl.version", &[])
            .await
            .map_err(failed)?;
        row.get::<_, Option<i32>>(0).unwrap_or(0)
    } else {
        0
    };
    let done = usize::try_from(version).unwrap_or(0);
    for sql in VERSIONS.iter().skip(done) {
        batch(session, &format!("BEGIN; {sql} COMMIT;")).await?;
    }
    let begun = Write::new(
        "INSERT INTO tenantctl.run (id, workspace, actor, tool_version, plan, summary, steps)
         VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)",
    )
    .with(&run.id)
    .with(&run.workspace)
    .with(&run.actor)
    .with(env!("CARGO_PKG_VERSION"))
    .with(plan.live_digest.to_string())
    .with(summary(plan).to_string())
    .with(i32::try_from(plan.steps.len()).unwrap_or(i32::MAX));
    write(session, &[begun]).await
}

/// Counts of changes by action.
fn summary(plan: &Plan) -> Value {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for change in &plan.changes {
        *counts.entry(change.action.as_str()).or_default() += 1;
    }
    json!(counts)
}

/// Ends a run. A step that failed in a transaction took its row with it: these get theirs now. One that nobody knows
/// the outcome of stays open.
pub async fn finish(session: &Session, run: &Run, failed: &[(&Step, String)]) -> Result<(), ApplyError> {
    let failed = failed
        .iter()
        .map(|(step, error)| row(NEW, run, step, &json!({}), Some(format!("failed: {error}"))));
    let finished = Write::new("UPDATE tenantctl.run SET finished_at = now() WHERE id = $1").with(&run.id);
    write(session, &failed.chain([finished]).collect::<Vec<_>>()).await
}

/// A step is about to start.
pub fn begin(run: &Run, step: &Step, known_keys: &[String]) -> Write {
    let detail = if known_keys.is_empty() {
        json!({})
    } else {
        json!({ "known_keys": known_keys })
    };
    row(AGAIN, run, step, &detail, None)
}

/// A step is done, with what it changes in the ledger. For one transaction.
pub fn done(run: &Run, step: &Step, begun: bool) -> Vec<Write> {
    let mut writes = vec![if begun {
        of_step(
            "UPDATE tenantctl.step SET finished_at = now(), outcome = 'done' WHERE run_id = $1 AND step = $2",
            run,
            step,
        )
    } else {
        row(AGAIN, run, step, &json!({}), Some("done".to_owned()))
    }];
    for record in &step.records {
        record::add(&mut writes, run, step.tenant.as_ref(), record);
    }
    writes
}

/// A step failed, and with what.
pub fn failed(run: &Run, step: &Step, error: &str) -> Write {
    of_step(
        "UPDATE tenantctl.step SET finished_at = now(), outcome = 'failed: ' || $3 WHERE run_id = $1 AND step = $2",
        run,
        step,
    )
    .with(error)
}

/// Whether a transaction of these steps has committed: what a lost connection leaves in doubt. One stands for all.
pub async fn have_committed(session: &Session, run: &Run, steps: &[&Step]) -> Result<bool, ApplyError> {
    let sql =
        "SELECT count(*) FROM tenantctl.step WHERE run_id = $1 AND step = $2 AND finished_at IS NOT NULL";
    let step = steps.first().map(|step| number(step));
    let row = session.query_one(sql, &[&run.id, &step]).await;
    let row = row.map_err(|error| ApplyError::sql(session, error))?;
    Ok(row.get::<_, i64>(0) > 0)
}

/// An access key was made and handed over. For one transaction.
pub fn key_handed_over(run: &Run, step: &Step, user: &str, id: &str, recipient: &str) -> Vec<Write> {
    let key = Write::new(
        "INSERT INTO tenantctl.access_key (workspace, id, user_name, tenant, state, recipient)
         VALUES ($1, $2, $3, $4, 'handed_over', $5)
         ON CONFLICT (workspace, id) DO UPDATE SET state = 'handed_over', recipient = excluded.recipient",
    )
    .with(&run.workspace)
    .with(id)
    .with(user)
    .with(step.tenant.as_ref().map_or("", TenantId::as_str))
    .with(recipient);
    let mut writes = vec![key];
    writes.extend(done(run, step, true));
    writes
}

macro_rules! insert_row {
    ($existing:literal) => {
        concat!(
            "INSERT INTO tenantctl.step (run_id, step, workspace, address, tenant, command, detail, outcome, finished_at, \
             action)
             VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7::text::jsonb, $8::text,
                     CASE WHEN $8::text IS NOT NULL THEN now() END, $9)
             ON CONFLICT (run_id, step) ",
            $existing
        )
    };
}

/// A row, unless there is one.
const NEW: &str = insert_row!("DO NOTHING");
/// A row; that of a step that is tried again is overwritten.
const AGAIN: &str = insert_row!(
    "DO UPDATE SET begun_at = now(), finished_at = excluded.finished_at, outcome = excluded.outcome,
     detail = excluded.detail"
);

/// A row of a step, with its outcome if it has one.
fn row(sql: &'static str, run: &Run, step: &Step, detail: &Value, outcome: Option<String>) -> Write {
    let action = run.actions.get(&step.id).map(|action| action.as_str());
    of_step(sql, run, step)
        .with(&run.workspace)
        .with(text(&step.address))
        .with(step.tenant.as_ref().map(TenantId::as_str))
        .with(word(&step.command))
        .with(detail.to_string())
        .with(outcome.as_deref())
        .with(action)
}

/// A statement about the row of a step.
fn of_step(sql: &'static str, run: &Run, step: &Step) -> Write {
    Write::new(sql).with(&run.id).with(number(step))
}

fn number(step: &Step) -> i32 {
    i32::try_from(step.id).unwrap_or(i32::MAX)
}

fn text(address: &Address) -> String {
    serde_json::to_string(address).unwrap_or_default()
}

/// What a step does, in a word that a later run can read.
fn word(command: &Command) -> String {
    match command {
        Command::Admin(_) => "sql".into(),
        Command::Inside { .. } => "sql_inside".into(),
        Command::Alone { statement } if statement.starts_with("CREATE DATABASE") => CREATE_DATABASE.into(),
        Command::Alone { .. } => DROP_DATABASE.into(),
        Command::DropOwned { .. } => "drop_owned".into(),
        Command::GrantMembership { .. } => "grant_membership".into(),
        Command::HandOverPassword { .. } => "hand_over_password".into(),
        Command::EndSessions { .. } => "end_sessions".into(),
        Command::Iam(IamCommand::CreateAccessKey { .. }) => CREATE_ACCESS_KEY.into(),
        Command::Iam(IamCommand::RenameUser { .. }) => RENAME_USER.into(),
        Command::Iam(_) => "iam".into(),
        Command::Record => "record".into(),
    }
}
