//! What lives and is ours, but is not asked for. Access goes; data stays, unless its tenant agreed to lose it.

use std::collections::{BTreeMap, BTreeSet};

use super::hold::is_root;
use super::walk::Walk;
use super::{Action, Differ, FieldChange, HeldKind, compare};
use crate::address::{Address, Grantee, TenantId};
use crate::model::iam::{ASSUME_ROLE_POLICY, CONNECT_POLICY};
use crate::model::{Database, DeletionPolicy, Grant, Mark, Object};

impl<'a> Differ<'a> {
    pub(super) fn left_over(&mut self) {
        let (desired, live) = (self.desired, self.live);
        let mut asked_for = Walk::along(desired.world.iter().filter(|(address, _)| is_root(address)));
        for (address, mark) in live.marked() {
            if mark.workspace != desired.workspace || !self.scope.contains(&mark.tenant) {
                continue;
            }
            if asked_for.at(address).is_some() {
                self.foreign_attachments(address);
                continue;
            }
            let Some(object) = live.world.get(address) else {
                continue;
            };
            if self.is_identity_elsewhere(address, &mark.tenant) {
                continue;
            }
            match (address, object) {
                (Address::IamUser { name }, _) => self.leaving_user(address, name, &mark.tenant, object),
                (Address::IamRole { name }, _) => self.leaving_role(address, name, &mark.tenant, object),
                (Address::Role { .. }, Object::Role(role)) => self.leaving_login(address, &mark.tenant, role),
                (Address::Database { .. }, Object::Database(_)) => {
                    self.leaving_database(address, &mark.tenant, object);
                }
                _ => {}
            }
        }
        for (address, object) in std::mem::take(&mut self.compared.extra) {
            match (address, object) {
                (
                    Address::DatabaseGrant { database, grantee }
                    | Address::SchemaGrant {
                        database, grantee, ..
                    },
                    Object::Grant(grant),
                ) => {
                    self.left_over_grant(address, database, grantee, grant);
                }
                (Address::Membership { role, member }, _) => {
                    self.left_over_membership(address, role, member, object)
                }
                (Address::RoleSetting { role, .. }, _) => self.left_over_setting(address, role, object),
                (Address::IamAccessKey { user, .. }, Object::AccessKey(key)) => {
                    self.left_over_key(address, user, key);
                }
                (Address::IamUserPolicy { user: of, name }, _) => {
                    self.foreign_policy(
                        address,
                        &Address::IamUser { name: of.clone() },
                        name,
                        ASSUME_ROLE_POLICY,
                    );
                }
                (Address::IamRolePolicy { role: of, name }, _) => {
                    self.foreign_policy(
                        address,
                        &Address::IamRole { name: of.clone() },
                        name,
                        CONNECT_POLICY,
                    );
                }
                _ => {}
            }
        }
    }

    fn leaving_database(&mut self, address: &Address, tenant: &TenantId, object: &Object) {
        let Object::Database(database) = object else {
            return;
        };
        if self.is_gone(tenant) && database.deletion_policy == DeletionPolicy::Delete {
            if let Some((kind, because)) = self.not_to_be_dropped(address) {
                self.hold(address, Some(tenant), kind, because);
            } else {
                self.change(address, Some(tenant), Action::Delete(object.clone()))
                    .rest
                    .reason = Some(
                    "its tenant left the file, and deletion_policy = \"delete\" was applied before".into(),
                );
            }
            return;
        }
        self.remember_policy(address, tenant, database);
        let because = if self.is_gone(tenant) {
            "retained: its tenant left the file, its data stays"
        } else {
            "retained: not wanted any more, closed to its tenant, its data stays"
        };
        self.hold(address, Some(tenant), HeldKind::Retained, because);
    }

    /// The wish that counts when a tenant leaves is its last one, also for a database that it gave up before.
    fn remember_policy(&mut self, address: &Address, tenant: &TenantId, database: &Database) {
        let Some(wanted) = self.desired.tenants.get(tenant) else {
            return;
        };
        let (before, after) = (database.deletion_policy, wanted.deletion_policy);
        if before == after {
            return;
        }
        let action = Action::Update {
            before: Object::Database(database.clone()),
            after: Object::Database(Database {
                deletion_policy: after,
                ..database.clone()
            }),
        };
        let field = FieldChange::new("deletion_policy", before.as_str(), after.as_str());
        self.change(address, Some(tenant), action).fields.push(field);
    }

    /// What could not be looked into is not dropped, whatever was agreed. This asks for the gap itself: for anything less
    /// than its end, what the shared catalogs say of a database is enough.
    fn not_to_be_dropped(&self, address: &Address) -> Option<(HeldKind, String)> {
        if let Some(because) = self.live.gaps.get(address) {
            return Some((HeldKind::Gap, format!("could not be read: {because}")));
        }
        self.not_allowed(address)
            .map(|because| (HeldKind::NotAllowed, because))
    }

    pub(super) fn given_up(&self) -> &BTreeSet<&'a TenantId> {
        self.given_up.get_or_init(|| self.tenants_given_up())
    }

    /// Tenants all of whose databases may go, so that their roles have nothing left to own.
    fn tenants_given_up(&self) -> BTreeSet<&'a TenantId> {
        let live = self.live;
        let mut databases: BTreeMap<&TenantId, bool> = BTreeMap::new();
        let mut roles: BTreeMap<&TenantId, bool> = BTreeMap::new();
        for (address, mark) in live
            .marks
            .iter()
            .filter(|(_, mark)| mark.workspace == self.desired.workspace)
        {
            match live.world.get(address) {
                Some(Object::Database(database)) => {
                    *databases.entry(&mark.tenant).or_insert(true) &= database.deletion_policy
                        == DeletionPolicy::Delete
                        && self.not_to_be_dropped(address).is_none();
                }
                // A run that ended between the last database and the role left word of what it was about.
                Some(Object::Role(_)) => {
                    let remembered = live.ledger.object(&self.desired.workspace, address);
                    let going = remembered.is_some_and(|row| row.deletion_policy == DeletionPolicy::Delete);
                    roles.insert(&mark.tenant, going);
                }
                _ => {}
            }
        }
        roles.retain(|tenant, going| *going && !databases.contains_key(tenant));
        databases.retain(|_, all| *all);
        databases.into_keys().chain(roles.into_keys()).collect()
    }

    pub(super) fn is_gone(&self, tenant: &TenantId) -> bool {
        !self.desired.tenants.contains_key(tenant)
    }

    /// Grants on our databases that nobody asked for: PUBLIC's and other tenants' go, anybody else's is reported.
    fn left_over_grant(&mut self, address: &Address, database: &str, grantee: &Grantee, grant: &Grant) {
        let owner = Address::Database {
            name: database.into(),
        };
        let Some(mark) = self.our_mark(&owner) else { return };
        let dropped = self
            .changes
            .get(&owner)
            .is_some_and(|change| matches!(change.action, Action::Delete(_)));
        if dropped || grant.items.is_empty() || !self.scope.contains(&mark.tenant) {
            return;
        }
        let Some(role) = Self::role_of(grantee) else {
            let action = Action::Update {
                before: Object::Grant(grant.clone()),
                after: Object::Grant(Grant::default()),
            };
            self.revoke(address, mark, action, grant, None);
            return;
        };
        let Some(of) = self.tenant_roles.get(role.as_str()).copied() else {
            let on_database = matches!(address, Address::DatabaseGrant { .. });
            if on_database && self.former_readers.contains(role) {
                let action = Action::Delete(Object::Grant(grant.clone()));
                self.revoke(
                    address,
                    mark,
                    action,
                    grant,
                    Some(("it is no reader any more", role)),
                );
            } else if !(on_database && self.desired.readers.contains(role)) {
                self.foreign_grant(database, role, grant);
            }
            return;
        };
        let inside = matches!(address, Address::SchemaGrant { .. });
        let its_own = of == mark;
        // A tenant that left cannot log in, and one that no longer wants a database cannot enter it: what it holds
        // inside stays, so that coming back is one change.
        if its_own && (inside || self.is_gone(&mark.tenant)) {
            return;
        }
        let reason = if its_own {
            "its tenant no longer wants this database"
        } else {
            "it is another tenant's"
        };
        self.revoke(
            address,
            mark,
            Action::Delete(Object::Grant(grant.clone())),
            grant,
            Some((reason, role)),
        );
    }

    fn revoke(
        &mut self,
        address: &Address,
        mark: &Mark,
        action: Action,
        grant: &Grant,
        from: Option<(&str, &str)>,
    ) {
        if let Some(because) = self.not_allowed(address) {
            self.hold(address, Some(&mark.tenant), HeldKind::NotAllowed, because);
            return;
        }
        let before = compare::privileges(grant);
        let database = Self::database_of(address).cloned();
        let change = self.change(address, Some(&mark.tenant), action);
        change
            .fields
            .push(FieldChange::new("privileges", before, "nothing"));
        if let Some((reason, role)) = from {
            change.rest.reason = Some(reason.to_owned());
            change.rest.end_sessions.insert((role.into(), database));
        }
    }

    fn foreign_grant(&mut self, database: &str, role: &str, grant: &Grant) {
        let message = format!(
            "role \"{role}\", which is not a tenant, holds {} on or in database {database}; tenantctl leaves it alone",
            compare::privileges(grant)
        );
        self.warn("foreign_grant", message);
    }

    /// Memberships by which one tenant would be another, or log in by the wrong means, go; others are reported.
    fn left_over_membership(&mut self, address: &Address, role: &str, member: &str, object: &Object) {
        let to = self.tenant_roles.get(member).copied();
        let of = self.tenant_roles.get(role).copied();
        let Some(mark) = to.or(of).filter(|mark| mark.workspace == self.desired.workspace) else {
            return;
        };
        if !self.scope.contains(&mark.tenant) || self.is_gone(&mark.tenant) {
            return;
        }
        let reason = match (to, of) {
            (Some(_), Some(_)) => "a tenant that is a member of another reads its data",
            (Some(_), None) if self.desired.capabilities.iam_login_role == Some(role) => {
                "it logs in by password, which a member of this role cannot"
            }
            _ => {
                let message =
                    format!("role \"{member}\" is a member of \"{role}\"; tenantctl leaves it alone");
                self.warn("foreign_membership", message);
                return;
            }
        };
        let not_ours = || self.may_not_revoke("", role, member, object);
        if let Some(because) = self.not_allowed(address).or_else(not_ours) {
            self.hold(address, Some(&mark.tenant), HeldKind::NotAllowed, because);
            return;
        }
        self.change(address, Some(&mark.tenant), Action::Delete(object.clone()))
            .rest
            .reason = Some(reason.into());
    }

    /// A setting goes only if we made it: a role may set its own.
    fn left_over_setting(&mut self, address: &Address, role: &str, object: &Object) {
        let Some(mark) = self.tenant_roles.get(role).copied() else {
            return;
        };
        let ours = self
            .live
            .ledger
            .object(&self.desired.workspace, address)
            .is_some();
        if ours && !self.is_gone(&mark.tenant) && self.scope.contains(&mark.tenant) {
            self.change(address, Some(&mark.tenant), Action::Delete(object.clone()));
        }
    }
}
