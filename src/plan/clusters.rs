//! Plans of several clusters: each is made and applied by itself, and all of them are refused together.

use serde::{Deserialize, Serialize};

use super::{FORMAT, HeldObject, Options, Plan, Summary, guards};
use crate::address::{Address, TenantId};
use crate::diff::{Diff, HeldKind};
use crate::live::Live;
use crate::model::Digest;

/// The plan of one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterPlan {
    /// The cluster's name, where the file has more than one.
    pub cluster: Option<String>,
    /// Why the cluster could not be read, if it could not. The plan then holds its tenants, and does nothing.
    pub unread: Option<String>,
    /// What would be done.
    pub plan: Plan,
}

impl ClusterPlan {
    /// The plan of the only cluster of a file.
    pub fn only(plan: Plan) -> Self {
        Self {
            cluster: None,
            unread: None,
            plan,
        }
    }
}

/// The plan of a cluster that could not be read: its tenants are held, and nothing is done.
pub fn unread(name: &str, workspace: &str, tenants: &[TenantId], because: &str, options: &Options) -> Plan {
    let scope = options.scope();
    let tenants = tenants.iter().filter(|tenant| scope.contains(tenant));
    let held = tenants.map(|tenant| HeldObject {
        address: Address::Cluster { name: name.into() },
        tenant: Some(tenant.clone()),
        kind: HeldKind::Gap,
        because: format!("could not be read: {because}"),
    });
    Plan {
        format: FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        workspace: workspace.to_owned(),
        cluster: String::new(),
        only: options.only.clone(),
        max_removals: options.max_removals,
        mode: options.mode,
        config_digest: Digest::of(&()),
        live_digest: Digest::of(&()),
        touched: Vec::new(),
        changes: Vec::new(),
        steps: Vec::new(),
        held: held.collect(),
        warnings: Vec::new(),
        guards: Vec::new(),
        effects: std::collections::BTreeMap::new(),
        summary: Summary::default(),
        unchanged: 0,
    }
}

/// Adds to each plan what forbids applying all of them together. `None` where a cluster was not read.
pub fn guard_together(
    plans: &mut [ClusterPlan],
    diffs: &[Option<(&Live, Diff)>],
    max_removals: Option<usize>,
) {
    let read: Vec<(&Live, &Diff)> = diffs.iter().flatten().map(|(live, diff)| (*live, diff)).collect();
    if read.len() < 2 {
        return;
    }
    let together = guards::together(&read, max_removals);
    for (plan, diff) in plans.iter_mut().zip(diffs) {
        if diff.is_some() {
            let own = std::mem::take(&mut plan.plan.guards);
            let is_said = |guard: &guards::Guard| together.iter().any(|other| other.code == guard.code);
            plan.plan.guards = together.clone();
            plan.plan
                .guards
                .extend(own.into_iter().filter(|guard| !is_said(guard)));
        }
    }
}
