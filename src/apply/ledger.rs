//! Writing what tenantctl remembers.

mod settle;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ApplyError;
use super::statement::{batch, execute};
use crate::address::{Address, TenantId};
use crate::live::connect::Session;
use crate::live::ledger::{CREATE_ACCESS_KEY, CREATE_DATABASE, DROP_DATABASE, RENAME_USER};
use crate::plan::{ActionWord, Command, IamCommand, Plan, Record, Step};

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
    execute(
        session,
        "INSERT INTO tenantctl.run (id, workspace, actor, tool_version, plan, summary, steps)
         VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7)",
        &[
            &run.id,
            &run.workspace,
            &run.actor,
            &env!("CARGO_PKG_VERSION"),
            &plan.live_digest.to_string(),
            &summary(plan).to_string(),
            &i32::try_from(plan.steps.len()).unwrap_or(i32::MAX),
        ],
    )
    .await?;
    Ok(())
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
    for (step, error) in failed {
        let outcome = format!("failed: {error}");
        insert(session, run, step, &json!({}), Some(&outcome), "DO NOTHING").await?;
    }
    execute(
        session,
        "UPDATE tenantctl.run SET finished_at = now() WHERE id = $1",
        &[&run.id],
    )
    .await?;
    Ok(())
}

/// Writes that a step is about to start.
pub async fn begin(
    session: &Session,
    run: &Run,
    step: &Step,
    known_keys: &[String],
) -> Result<(), ApplyError> {
    let detail = if known_keys.is_empty() {
        json!({})
    } else {
        json!({ "known_keys": known_keys })
    };
    insert(session, run, step, &detail, None, AGAIN).await
}

/// Writes that a step is done, with what it changes in the ledger. Inside the caller's transaction.
pub async fn done(session: &Session, run: &Run, step: &Step, begun: bool) -> Result<(), ApplyError> {
    if begun {
        let number = number(step);
        execute(
            session,
            "UPDATE tenantctl.step SET finished_at = now(), outcome = 'done' WHERE run_id = $1 AND step = $2",
            &[&run.id, &number],
        )
        .await?;
    } else {
        insert(session, run, step, &json!({}), Some("done"), AGAIN).await?;
    }
    for record in &step.records {
        write(session, run, step.tenant.as_ref(), record).await?;
    }
    Ok(())
}

/// Writes that a step failed, and with what.
pub async fn failed(session: &Session, run: &Run, step: &Step, error: &str) -> Result<(), ApplyError> {
    execute(
        session,
        "UPDATE tenantctl.step SET finished_at = now(), outcome = 'failed: ' || $3 WHERE run_id = $1 AND step = $2",
        &[&run.id, &number(step), &error],
    )
    .await?;
    Ok(())
}

/// Whether a step of this run has committed: what a lost connection leaves in doubt.
pub async fn has_committed(session: &Session, run: &Run, step: &Step) -> Result<bool, ApplyError> {
    let sql =
        "SELECT count(*) FROM tenantctl.step WHERE run_id = $1 AND step = $2 AND finished_at IS NOT NULL";
    let row = session.query_one(sql, &[&run.id, &number(step)]).await;
    let row = row.map_err(|error| ApplyError::sql(session, error))?;
    Ok(row.get::<_, i64>(0) > 0)
}

/// An access key was made and handed over.
pub async fn key_handed_over(
    session: &Session,
    run: &Run,
    step: &Step,
    user: &str,
    id: &str,
    recipient: &str,
) -> Result<(), ApplyError> {
    let tenant = step.tenant.as_ref().map_or("", TenantId::as_str);
    execute(
        session,
        "INSERT INTO tenantctl.access_key (workspace, id, user_name, tenant, state, recipient)
         VALUES ($1, $2, $3, $4, 'handed_over', $5)
         ON CONFLICT (workspace, id) DO UPDATE SET state = 'handed_over', recipient = excluded.recipient",
        &[&run.workspace, &id, &user, &tenant, &recipient],
    )
    .await?;
    done(session, run, step, true).await
}

/// What becomes of the row of a step that is tried again.
const AGAIN: &str = "DO UPDATE SET begun_at = now(), finished_at = excluded.finished_at, outcome = excluded.outcome, \
                     detail = excluded.detail";

/// A row of a step, with its outcome if it has one; `existing` says what becomes of one that is there.
async fn insert(
    session: &Session,
    run: &Run,
    step: &Step,
    detail: &Value,
    outcome: Option<&str>,
    existing: &'static str,
) -> Result<(), ApplyError> {
    let tenant = step.tenant.as_ref().map(TenantId::as_str);
    let action = run.actions.get(&step.id).map(|action| action.as_str());
    let sql = format!(
        "INSERT INTO tenantctl.step (run_id, step, workspace, address, tenant, command, detail, outcome, finished_at, action)
         VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7::text::jsonb, $8::text, CASE WHEN $8::text IS NOT NULL THEN now() END, $9)
         ON CONFLICT (run_id, step) {existing}"
    );
    execute(
        session,
        &sql,
        &[
            &run.id,
            &number(step),
            &run.workspace,
            &text(&step.address),
            &tenant,
            &word(&step.command),
            &detail.to_string(),
            &outcome,
            &action,
        ],
    )
    .await?;
    Ok(())
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

async fn own(
    session: &Session,
    run: &Run,
    address: &Address,
    tenant: Option<&TenantId>,
) -> Result<(), ApplyError> {
    let (catalog, name) = match address {
        Address::Role { name } => ("role", name.as_str()),
        Address::Database { name } => ("database", name.as_str()),
        _ => ("none", ""),
    };
    // A namesake with another oid starts with nothing remembered.
    execute(
        session,
        "INSERT INTO tenantctl.object (workspace, address, tenant, object_oid, run_id)
         VALUES ($1, $2::text::jsonb, $3,
                 CASE $4 WHEN 'role' THEN (SELECT oid FROM pg_roles WHERE rolname = $5)
                         WHEN 'database' THEN (SELECT oid FROM pg_database WHERE datname = $5) END, $6)
         ON CONFLICT (workspace, address) DO UPDATE
         SET deletion_policy = CASE WHEN object.object_oid = excluded.object_oid THEN object.deletion_policy ELSE 'retain' END,
             password = CASE WHEN object.object_oid = excluded.object_oid THEN object.password ELSE 'unknown' END,
             tenant = excluded.tenant, object_oid = excluded.object_oid, run_id = excluded.run_id, recorded_at = now()",
        &[&run.workspace, &text(address), &tenant.map(TenantId::as_str), &catalog, &name, &run.id],
    )
    .await?;
    Ok(())
}

async fn write(
    session: &Session,
    run: &Run,
    tenant: Option<&TenantId>,
    record: &Record,
) -> Result<(), ApplyError> {
    match record {
        Record::Own { address, tenant } => own(session, run, address, tenant.as_ref()).await?,
        Record::Moved { from, to, tenant } => moved(session, run, from, to, tenant).await?,
        Record::Forget { address } => {
            execute(
                session,
                "DELETE FROM tenantctl.object WHERE workspace = $1 AND address = $2::text::jsonb",
                &[&run.workspace, &text(address)],
            )
            .await?;
        }
        Record::DeletionPolicy { address, policy } => {
            execute(
                session,
                "UPDATE tenantctl.object SET deletion_policy = $3 WHERE workspace = $1 AND address = $2::text::jsonb",
                &[&run.workspace, &text(address), &policy.as_str()],
            )
            .await?;
        }
        Record::Password {
            role,
            password,
            recipient,
        } => {
            let address = text(&Address::Role { name: role.clone() });
            execute(
                session,
                "UPDATE tenantctl.object SET password = $3, recipient = $4
                 WHERE workspace = $1 AND address = $2::text::jsonb",
                &[&run.workspace, &address, &password.as_str(), recipient],
            )
            .await?;
        }
        Record::KeySuspended { user, id } => {
            execute(
                session,
                "INSERT INTO tenantctl.access_key (workspace, id, user_name, tenant, state)
                 VALUES ($1, $2, $3, $4, 'suspended') ON CONFLICT (workspace, id) DO NOTHING",
                &[&run.workspace, id, user, &tenant.map_or("", TenantId::as_str)],
            )
            .await?;
        }
        Record::KeyForgotten { user, id } => forget_key(session, run, user, id).await?,
    }
    Ok(())
}

/// The key is gone or its holder's own again. If a crash had left it in question, that is answered too: a question left
/// open would take the next key somebody makes by hand for ours.
async fn forget_key(session: &Session, run: &Run, user: &str, id: &str) -> Result<(), ApplyError> {
    execute(
        session,
        "DELETE FROM tenantctl.access_key WHERE workspace = $1 AND id = $2",
        &[&run.workspace, &id],
    )
    .await?;
    execute(
        session,
        "UPDATE tenantctl.step SET finished_at = now(), outcome = 'its secret was lost; the key is deleted'
         WHERE workspace = $1 AND command = $2 AND address ->> 'user' = $3 AND finished_at IS NULL AND run_id <> $4",
        &[&run.workspace, &CREATE_ACCESS_KEY, &user, &run.id],
    )
    .await?;
    Ok(())
}

/// The row follows its object, and so does what belongs to it: settings and grants of a role, keys of a user, and the
/// question that a crash left about one. A row that some namesake left under the new name goes.
async fn moved(
    session: &Session,
    run: &Run,
    from: &Address,
    to: &Address,
    tenant: &TenantId,
) -> Result<(), ApplyError> {
    let (was, is) = (text(from), text(to));
    if from != to {
        execute(
            session,
            "DELETE FROM tenantctl.object o WHERE workspace = $1 AND address = $3::text::jsonb
             AND EXISTS (SELECT FROM tenantctl.object f WHERE f.workspace = $1 AND f.address = $2::text::jsonb)",
            &[&run.workspace, &was, &is],
        )
        .await?;
    }
    execute(
        session,
        "UPDATE tenantctl.object SET address = $3::text::jsonb, tenant = $4
         WHERE workspace = $1 AND address IN ($2::text::jsonb, $3::text::jsonb)",
        &[&run.workspace, &was, &is, &tenant.as_str()],
    )
    .await?;
    let (name, new_name) = (from.name(), to.name());
    let follow: &[&str] = match to {
        Address::Role { .. } => &[
            "UPDATE tenantctl.object SET address = jsonb_set(address, '{role}', to_jsonb($3)), tenant = $4
             WHERE workspace = $1 AND address ->> 'kind' = 'role_setting' AND address ->> 'role' IN ($2, $3)",
            "UPDATE tenantctl.object SET address = jsonb_set(address, '{grantee,role}', to_jsonb($3)),
                    tenant = CASE WHEN tenant IS NOT NULL THEN $4 END
             WHERE workspace = $1 AND address #>> '{grantee,role}' IN ($2, $3)",
        ],
        Address::IamUser { .. } => &[
            "UPDATE tenantctl.access_key SET user_name = $3, tenant = $4 WHERE workspace = $1 AND user_name IN ($2, $3)",
            "UPDATE tenantctl.step SET address = jsonb_set(address, '{user}', to_jsonb($3)), tenant = $4
             WHERE workspace = $1 AND finished_at IS NULL AND address ->> 'kind' = 'iam_access_key'
               AND address ->> 'user' IN ($2, $3)",
            "UPDATE tenantctl.step SET finished_at = now(), outcome = 'done, as a later run found', tenant = $4
             WHERE workspace = $1 AND finished_at IS NULL AND command = 'rename_user'
               AND address ->> 'name' IN ($2, $3)",
        ],
        _ => &[],
    };
    for statement in follow {
        execute(
            session,
            statement,
            &[&run.workspace, &name, &new_name, &tenant.as_str()],
        )
        .await?;
    }
    Ok(())
}
