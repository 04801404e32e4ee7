//! Putting our mark on what exists and is asked for, and changing nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::elsewhere;
use super::hold::is_root;
use super::{Action, Change, Diff, Held, HeldKind, Scope};
use crate::address::{Address, TenantId};
use crate::desired::Desired;
use crate::live::Live;
use crate::model::Mark;

/// What adopting tenants' objects takes. What bears somebody else's mark is held, and with it the whole tenant.
pub fn adopt(desired: &Desired, live: &Live, scope: &Scope) -> Diff {
    let mut diff = Diff::default();
    let scope = &scope.without(&desired.elsewhere);
    let adoptable = adoptable(desired, live, scope);
    for (address, _, tenant) in desired.objects() {
        if !is_root(address) || !scope.contains(tenant) {
            continue;
        }
        if let Some(object) = adoptable.get(address).and_then(|_| live.world.get(address)) {
            let action = Action::Adopt(object.clone());
            let address = super::shared(address, desired, live);
            diff.changes.push(Change::new(address, Some(tenant), action));
            continue;
        }
        match live.marks.get(address).filter(|_| live.world.contains(address)) {
            Some(mark) if is_ours(desired, mark, tenant) => diff.unchanged += 1,
            Some(mark) => diff.held.push(Held {
                address: address.clone(),
                tenant: Some(tenant.clone()),
                kind: HeldKind::NotOurs,
                because: format!(
                    "it belongs to tenant \"{}\" of workspace \"{}\"",
                    mark.tenant, mark.workspace
                ),
            }),
            None => {}
        }
    }
    for (tenant, because) in &desired.elsewhere.living {
        if let Some(held) = elsewhere::living(desired, tenant, because).filter(|_| scope.names(tenant)) {
            diff.held.push(held);
        }
    }
    diff
}

fn is_ours(desired: &Desired, mark: &Mark, tenant: &TenantId) -> bool {
    mark.workspace == desired.workspace && &mark.tenant == tenant
}

/// What exists without a mark and is asked for, and whose it will be. Nothing of a tenant of which something bears
/// somebody else's mark.
pub(super) fn adoptable(desired: &Desired, live: &Live, scope: &Scope) -> BTreeMap<Address, TenantId> {
    let mut adoptable = BTreeMap::new();
    let mut foreign = BTreeSet::new();
    for (address, _, tenant) in desired.objects() {
        if !is_root(address) || !scope.contains(tenant) {
            continue;
        }
        if !live.world.contains(address) {
            continue;
        }
        match live.marks.get(address) {
            None => {
                adoptable.insert(address.clone(), tenant.clone());
            }
            Some(mark) if is_ours(desired, mark, tenant) => {}
            Some(_) => {
                foreign.insert(tenant.clone());
            }
        }
    }
    adoptable.retain(|_, tenant| !foreign.contains(tenant));
    adoptable
}
