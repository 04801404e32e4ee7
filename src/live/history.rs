//! What was applied, when and by whom: two queries of the ledger.

use std::collections::BTreeMap;

use super::ReadError;
use super::connect::Session;
use super::ledger;
use crate::address::TenantId;
use crate::model::{AppliedRun, AppliedStep};

/// Reads the latest runs of a workspace, the latest first; of one tenant, if that is given.
///
/// # Errors
/// A query fails, or the schema `tenantctl` belongs to somebody else.
pub async fn read(
    session: &Session,
    admin: &str,
    workspace: &str,
    tenant: Option<&TenantId>,
    limit: u32,
) -> Result<Vec<AppliedRun>, ReadError> {
    if !ledger::is_there(session, admin).await? {
        return Ok(Vec::new());
    }
    let failed = |error| ReadError::query(session, error);
    let tenant = tenant.map(TenantId::as_str);
    let rows = session
        .query(
            include_str!("sql/ledger_runs.sql"),
            &[&workspace, &tenant, &i64::from(limit)],
        )
        .await
        .map_err(failed)?;
    let mut runs = Vec::new();
    for row in rows {
        let summary: Option<&str> = row.get("summary");
        runs.push(AppliedRun {
            id: row.get("id"),
            actor: row.get("actor"),
            tool_version: row.get("tool_version"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            summary: summary
                .filter(|text| *text != "null")
                .map(ledger::parse)
                .transpose()?,
            planned: row.get::<_, Option<i32>>("planned").map(i64::from),
            done: row.get("done"),
            failed: row.get("failed"),
            tenants: row.get("tenants"),
            steps: Vec::new(),
        });
    }
    let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    let rows = session
        .query(include_str!("sql/ledger_steps.sql"), &[&ids, &tenant])
        .await
        .map_err(failed)?;
    let mut steps: BTreeMap<String, Vec<AppliedStep>> = BTreeMap::new();
    for row in rows {
        steps.entry(row.get("run_id")).or_default().push(AppliedStep {
            address: ledger::parse(row.get("address"))?,
            tenant: row.get::<_, Option<String>>("tenant").map(TenantId::new),
            action: row.get("action"),
            outcome: row.get("outcome"),
        });
    }
    for run in &mut runs {
        run.steps = steps.remove(&run.id).unwrap_or_default();
    }
    Ok(runs)
}
