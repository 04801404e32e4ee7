//! Putting our mark on what exists and is asked for, and changing nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::hold::is_root;
use super::{Action, Change, Diff, Held, HeldKind};
use crate::address::TenantId;
use crate::desired::Desired;
use crate::live::Live;

/// What adopting a tenant's objects takes. What bears somebody else's mark is held.
pub fn adopt(desired: &Desired, live: &Live, tenant: &TenantId) -> Diff {
    let mut diff = Diff::default();
    for (address, _) in desired.world.iter() {
        if desired.owner_of.get(address) != Some(tenant) || !is_root(address) {
            continue;
        }
        let Some(object) = live.world.get(address) else {
            continue;
        };
        match live.marks.get(address) {
            Some(mark) if mark.workspace == desired.workspace && &mark.tenant == tenant => {
                diff.unchanged += 1
            }
            Some(mark) => diff.held.push(Held {
                address: address.clone(),
                tenant: Some(tenant.clone()),
                kind: HeldKind::NotOurs,
                because: format!(
                    "it belongs to tenant \"{}\" of workspace \"{}\"",
                    mark.tenant, mark.workspace
                ),
            }),
            None => diff.changes.push(Change {
                address: address.clone(),
                tenant: Some(tenant.clone()),
                action: Action::Adopt(object.clone()),
                fields: Vec::new(),
                reason: None,
                keep: BTreeSet::new(),
                disown: BTreeMap::new(),
                end_sessions: BTreeSet::new(),
            }),
        }
    }
    diff
}
