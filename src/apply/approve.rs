//! From a plan to one that may be applied: under the lock, against what lives now.

use std::collections::BTreeSet;

use super::lock::Lock;
use super::{ApplyError, ApprovedPlan, Target, ledger};
use crate::address::{Address, Name};
use crate::live::{self, ReadRequest, Source};
use crate::plan::{Outline, Plan};

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
        workspace: workspace.to_owned(),
        actor: target.actor.clone(),
        ..ledger::Run::default()
    };
    let fresh = crate::live::ledger::read(lock.session(), &live.server.power.admin).await?;
    ledger::settle(lock.session(), &run, &fresh, live).await
}

/// A plan to approve.
pub struct Candidate<'p, 'a> {
    /// The plan.
    pub plan: &'p Plan,
    /// Where it is for.
    pub target: &'a Target,
    /// What was read for it.
    pub request: &'a ReadRequest,
    /// Plans from what lives now, confined to the same tenants.
    pub again: &'a dyn Fn(&Live) -> Outline,
}

/// Reads again what the plans touch, compares digests, and plans once more: what moved since a plan was made was not
/// looked at by whoever said yes to it, and a step that this file and these facts do not ask for (a plan file is only a
/// file) is not run. IAM is read once for all.
///
/// # Errors
/// IAM cannot be read. For one plan: its cluster cannot, something moved, the plan is for another cluster or configuration,
/// or a guard forbids it.
pub async fn approve<'p>(
    candidates: &[Candidate<'p, '_>],
) -> Result<Vec<Result<ApprovedPlan<'p>, ApplyError>>, ApplyError> {
    let requests: Vec<_> = candidates.iter().map(narrowed).collect();
    let sources = candidates
        .iter()
        .zip(&requests)
        .map(|(candidate, request)| Source {
            aws: &candidate.target.aws,
            connector: &candidate.target.connector,
            request,
        });
    let lives = live::read_all(&sources.collect::<Vec<_>>()).await?;
    let approved = candidates.iter().zip(lives).map(|(candidate, live)| {
        let live = live?;
        let now = (candidate.again)(&live);
        check(candidate.plan, &live, &now).map_err(|refused| *refused)
    });
    Ok(approved.collect())
}

/// The part of the world that a plan touches.
fn narrowed(candidate: &Candidate<'_, '_>) -> ReadRequest {
    let Candidate { plan, request, .. } = candidate;
    let inside = plan
        .touched
        .iter()
        .filter_map(|(address, _)| address.inside_database());
    // What is inside one that moves is still under its old name.
    let moving = plan
        .changes
        .iter()
        .filter_map(|change| match change.told.moved_from.as_deref() {
            Some(Address::Database { name }) => Some(name),
            _ => None,
        });
    let touched: BTreeSet<Name> = inside.chain(moving).cloned().collect();
    ReadRequest {
        only_databases: Some(touched),
        shallow: false,
        ..(*request).clone()
    }
}

/// The pure half of [`approve`].
fn check<'a>(plan: &'a Plan, live: &Live, now: &Outline) -> Result<ApprovedPlan<'a>, Box<ApplyError>> {
    if let Some(guard) = plan.guards.first().or(now.guards.first()) {
        return Err(Box::new(ApplyError::Guarded(guard.message.clone())));
    }
    let stale = |why: String| Err(Box::new(ApplyError::Stale(why)));
    if plan.cluster != now.cluster {
        return stale(format!(
            "it was made for cluster {}, this one is {}",
            plan.cluster, now.cluster
        ));
    }
    if plan.workspace != now.workspace {
        return stale(format!(
            "it was made for workspace \"{}\", this one is \"{}\"",
            plan.workspace, now.workspace
        ));
    }
    if plan.config_digest != now.config_digest {
        return stale("the tenants file has changed since it was made".into());
    }
    for (address, digest) in &plan.touched {
        if let Some(gap) = live.gap(address) {
            return stale(format!("{address} cannot be read any more: {}", gap.1));
        }
        if &live.digest(address) != digest {
            return stale(format!("{address} has changed since it was made"));
        }
    }
    for step in &plan.steps {
        if !now.has(&step.meaning()) {
            return stale(format!(
                "what it would do to {} is not what a plan made now would do",
                step.address
            ));
        }
    }
    Ok(ApprovedPlan {
        plan,
        recent: live.recent.clone(),
        server: live.server.clone(),
    })
}
