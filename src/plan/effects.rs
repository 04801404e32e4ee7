//! One line a tenant: what it will be able to do once the plan is applied.

use std::collections::BTreeMap;

use crate::address::{Address, TenantId};
use crate::desired::{Desired, DesiredTenant, Login};
use crate::diff::{Action, Change, Diff, HeldKind};
use crate::live::Live;
use crate::model::{Object, Password};

/// The lines of all tenants that a diff touches.
pub(super) fn effects(desired: &Desired, live: &Live, diff: &Diff) -> BTreeMap<TenantId, String> {
    let mut changes_of: BTreeMap<&TenantId, Vec<&Change>> = BTreeMap::new();
    for change in &diff.changes {
        if let Some(tenant) = &change.tenant {
            changes_of.entry(tenant).or_default().push(change);
        }
    }
    changes_of
        .into_iter()
        .map(|(tenant, changes)| {
            let adopted = changes
                .iter()
                .all(|change| matches!(change.action, Action::Adopt(_)));
            let text = match desired.tenants.get(tenant) {
                _ if adopted => format!("{tenant}: what exists gets our mark, and nothing else changes"),
                Some(wanted) if !wanted.suspended && is_held(tenant, diff) => {
                    format!(
                        "once what is held is settled: {}",
                        line(desired, live, tenant, wanted)
                    )
                }
                Some(wanted) => line(desired, live, tenant, wanted),
                None => leaving(tenant, &changes, diff),
            };
            (tenant.clone(), text)
        })
        .collect()
}

/// Whether something is not done that the line would promise.
fn is_held(tenant: &TenantId, diff: &Diff) -> bool {
    diff.held
        .iter()
        .any(|held| held.tenant.as_ref() == Some(tenant) && held.kind != HeldKind::Retained)
}

fn line(desired: &Desired, live: &Live, tenant: &TenantId, wanted: &DesiredTenant) -> String {
    if wanted.suspended {
        return format!("{tenant} cannot log in: suspended; everything it has is kept");
    }
    if wanted.databases.is_empty() {
        return format!("{tenant} can log in to nothing: it has no database");
    }
    let databases: Vec<_> = wanted
        .names
        .databases
        .iter()
        .filter(|(_, name)| wanted.databases.contains(name))
        .map(|(logical, _)| logical.as_str())
        .collect();
    let databases = databases.join(", ");
    match &wanted.login {
        Login::Iam { networks, .. } => {
            let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
            format!("{tenant} can log in to {databases} from {}", networks.join(", "))
        }
        Login::Password if has_password(desired, live, wanted) => {
            format!("{tenant} can log in to {databases} by password, from anywhere that reaches the cluster")
        }
        Login::Password => {
            format!("{tenant} can log in to {databases} once it has a password: add a handover to make one")
        }
    }
}

/// One that it gets, or one that it was given before.
fn has_password(desired: &Desired, live: &Live, wanted: &DesiredTenant) -> bool {
    let address = Address::Role {
        name: wanted.names.role.clone(),
    };
    let is_set = |object: Option<&Object>| matches!(object, Some(Object::Role(role)) if role.password == Password::Set);
    is_set(desired.world.get(&address)) || is_set(live.world.get(&address))
}

fn leaving(tenant: &TenantId, changes: &[&Change], diff: &Diff) -> String {
    let dropped: Vec<_> = changes
        .iter()
        .filter_map(|change| match (&*change.address, &change.action) {
            (Address::Database { name }, Action::Delete(_)) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let kept: Vec<_> = diff
        .held
        .iter()
        .filter(|held| held.tenant.as_ref() == Some(tenant))
        .filter_map(|held| match &held.address {
            Address::Database { name } => Some(name.clone()),
            _ => None,
        })
        .collect();
    let mut line = format!("{tenant} can no longer log in");
    if !kept.is_empty() {
        line = format!("{line}; {} retained", kept.join(", "));
    }
    if !dropped.is_empty() {
        line = format!("{line}; {} DROPPED, with all data", dropped.join(", "));
    }
    line
}
