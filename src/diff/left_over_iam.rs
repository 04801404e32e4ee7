//! IAM objects that are ours, but not asked for, and what others hung on them.

use super::{Action, Differ, HeldKind, compare};
use crate::address::{Address, TenantId};
use crate::model::iam::{ASSUME_ROLE_POLICY, CONNECT_POLICY};
use crate::model::{AccessKey, KeyStatus, Object};

impl Differ<'_> {
    pub(super) fn leaving_user(&mut self, address: &Address, user: &str, tenant: &TenantId, object: &Object) {
        let first = Address::IamAccessKey {
            user: user.into(),
            id: None,
        };
        let its = |key: &Address| matches!(key, Address::IamAccessKey { user: of, .. } if of == user);
        for (key, found) in self.live.world.from(&first).take_while(|(key, _)| its(key)) {
            self.change(key, Some(tenant), Action::Delete(found.clone()));
        }
        let policy = |name: &str| Address::IamUserPolicy {
            user: user.into(),
            name: name.into(),
        };
        self.leave_iam(
            address,
            (&policy(ASSUME_ROLE_POLICY), &policy("")),
            tenant,
            object,
            |other| matches!(other, Address::IamUserPolicy { user: of, .. } if of == user),
        );
    }

    pub(super) fn leaving_role(&mut self, address: &Address, role: &str, tenant: &TenantId, object: &Object) {
        let policy = |name: &str| Address::IamRolePolicy {
            role: role.into(),
            name: name.into(),
        };
        self.leave_iam(
            address,
            (&policy(CONNECT_POLICY), &policy("")),
            tenant,
            object,
            |other| matches!(other, Address::IamRolePolicy { role: of, .. } if of == role),
        );
    }

    /// Our own policy goes in any case; the identity only if nothing of somebody else's hangs on it.
    fn leave_iam(
        &mut self,
        address: &Address,
        (policy, first): (&Address, &Address),
        tenant: &TenantId,
        object: &Object,
        is_its_policy: impl Fn(&Address) -> bool,
    ) {
        if let Some((at, because)) = self.live.gap(address) {
            self.hold(
                &at,
                Some(tenant),
                HeldKind::Gap,
                format!("could not be read: {because}"),
            );
            return;
        }
        if let Some(document) = self.live.world.get(policy) {
            self.change(policy, Some(tenant), Action::Delete(document.clone()));
        }
        if let Some((at, because)) = self.gap_below(address) {
            let because = format!("it goes once {at} could be read: {because}");
            self.hold(address, Some(tenant), HeldKind::Gap, because);
            return;
        }
        let mut foreign: Vec<String> = self.live.attachments.get(address).cloned().unwrap_or_default();
        foreign.extend(
            self.live
                .world
                .from(first)
                .take_while(|(other, _)| is_its_policy(other))
                .filter(|(other, _)| *other != policy)
                .map(|(other, _)| format!("inline policy {}", other.name())),
        );
        if foreign.is_empty() {
            self.change(address, Some(tenant), Action::Delete(object.clone()));
        } else {
            let because = format!(
                "IAM deletes nothing that others hang on, and these are not ours: {}",
                foreign.join(", ")
            );
            self.hold(address, Some(tenant), HeldKind::NotOurs, because);
        }
    }

    /// Something on an identity that could not be read. IAM deletes no identity that anything is left on.
    fn gap_below(&self, identity: &Address) -> Option<(Address, String)> {
        let below = |at: &Address| match (identity, at) {
            (
                Address::IamUser { name },
                Address::IamUserPolicy { user, .. } | Address::IamAccessKey { user, .. },
            ) => name == user,
            (Address::IamRole { name }, Address::IamRolePolicy { role, .. }) => name == role,
            _ => false,
        };
        let gap = self.live.gaps.iter().find(|(at, _)| below(at));
        gap.map(|(at, because)| (at.clone(), because.clone()))
    }

    /// Keys that the file does not ask for: orphans of a crash go, a suspended tenant's are switched off and on. One
    /// that was handed over while the file had a `handover` stays, and is said to.
    pub(super) fn left_over_key(&mut self, address: &Address, user: &str, key: &AccessKey) {
        let Some(id) = key.id.as_deref() else { return };
        let Some(mark) = self.our_mark(&Address::IamUser { name: user.into() }) else {
            return;
        };
        if !self.scope.contains(&mark.tenant) {
            return;
        }
        if self.live.ledger.is_orphan(user, id) {
            self.change(
                address,
                Some(&mark.tenant),
                Action::Delete(Object::AccessKey(key.clone())),
            )
            .rest
            .reason = Some("a run ended before it handed the secret over, so nobody holds it".into());
            return;
        }
        let Some(tenant) = self.desired.tenants.get(&mark.tenant) else {
            return;
        };
        let status = if tenant.suspended {
            KeyStatus::Inactive
        } else if self.live.ledger.keys.contains_key(id) {
            KeyStatus::Active
        } else {
            return;
        };
        if key.status != status {
            let after = Object::AccessKey(AccessKey {
                id: key.id.clone(),
                status,
            });
            let action = Action::Update {
                before: Object::AccessKey(key.clone()),
                after: after.clone(),
            };
            let fields = compare::compare(&after, &Object::AccessKey(key.clone()));
            self.change(address, Some(&mark.tenant), action).fields = fields;
        }
        if matches!(address, Address::IamAccessKey { id: None, .. }) && !self.changes.contains(address) {
            let because =
                "retained: it was handed over before the file lost its handover, and its holder may use it";
            self.hold(address, Some(&mark.tenant), HeldKind::Retained, because);
        }
    }

    /// A policy that somebody else put on a tenant's identity may widen it.
    pub(super) fn foreign_policy(&mut self, address: &Address, of: &Address, name: &str, ours: &str) {
        let Some(mark) = self.our_mark(of) else { return };
        if name != ours && self.scope.contains(&mark.tenant) && !self.is_gone(&mark.tenant) {
            self.warn(
                "foreign_policy",
                format!("{address} is not ours and may allow more than tenantctl does"),
            );
        }
    }

    /// The same for what is attached rather than written on it.
    pub(super) fn foreign_attachments(&mut self, address: &Address) {
        if let Some(attached) = self.live.attachments.get(address) {
            let message = format!(
                "{address} has {}, which is not ours and may allow more than tenantctl does",
                attached.join(", ")
            );
            self.warn("foreign_policy", message);
        }
    }
}
