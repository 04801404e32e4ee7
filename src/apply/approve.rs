//! From a plan to one that may be applied: under the lock, against what lives now.

use std::collections::BTreeSet;

use super::lock::Lock;
use super::{ApplyError, ApprovedPlan, Target, ledger};
use crate::live::{self, ReadRequest};
use crate::model::Digest;
use crate::plan::Plan;

pub use crate::live::Live;

/// Answers what a crashed run left open, so that the plan is compared with settled facts.
///
/// # Errors
/// The ledger cannot be read or written.
pub async fn prepare(target: &Target, lock: &Lock, live: &Live, workspace: &str) -> Result<(), ApplyError> {
    if live.server.in_recovery {
        return Err(ApplyError::Reader {
            host: target.connector.host.clone(),
        });
    }
    if !live.ledger.exists {
        return Ok(());
    }
    let run = ledger::Run {
        id: String::new(),
        workspace: workspace.to_owned(),
        actor: target.actor.clone(),
    };
    let fresh = crate::live::ledger::read(lock.session(), &live.server.power.admin).await?;
    ledger::settle(lock.session(), &run, &fresh, live).await
}

/// Reads again what the plan touches and compares digests. What moved since the plan was made was not looked at by
/// whoever said yes to it.
///
/// # Errors
/// Something moved, the plan is for another cluster or configuration, or a guard forbids it.
pub async fn approve(
    plan: Plan,
    config: &Digest,
    target: &Target,
    request: &ReadRequest,
    cluster: &str,
) -> Result<ApprovedPlan, ApplyError> {
    if let Some(guard) = plan.guards.first() {
        return Err(ApplyError::Guarded(guard.message.clone()));
    }
    if plan.cluster != cluster {
        return Err(ApplyError::Stale(format!(
            "it was made for cluster {}, this one is {cluster}",
            plan.cluster
        )));
    }
    if plan.workspace != request.workspace {
        return Err(ApplyError::Stale(format!(
            "it was made for workspace \"{}\", this one is \"{}\"",
            plan.workspace, request.workspace
        )));
    }
    if &plan.config_digest != config {
        return Err(ApplyError::Stale(
            "the tenants file has changed since it was made".into(),
        ));
    }
    let touched: BTreeSet<String> = plan
        .touched
        .iter()
        .filter_map(|(address, _)| address.inside_database().map(str::to_owned))
        .collect();
    let request = ReadRequest {
        only_databases: Some(touched),
        shallow: false,
        ..request.clone()
    };
    let live = live::read(&target.aws, &target.connector, &request).await?;
    for (address, digest) in &plan.touched {
        if let Some(gap) = live.gap(address) {
            return Err(ApplyError::Stale(format!(
                "{address} cannot be read any more: {}",
                gap.1
            )));
        }
        if &live.digest(address) != digest {
            return Err(ApplyError::Stale(format!(
                "{address} has changed since it was made"
            )));
        }
    }
    Ok(ApprovedPlan(plan))
}
