//! Databases that are nobody's: `postgres`, `template1`, and those that others made. PUBLIC may connect to each of them
//! until somebody says otherwise, and so may every tenant.

use super::{Action, Differ, FieldChange, HeldKind, compare};
use crate::address::{Address, Grantee, Name};
use crate::config::SharedDatabases;
use crate::model::{DatabaseState, Grant, Object};

impl Differ<'_> {
    pub(super) fn shared_databases(&mut self) {
        if !self.scope.is_everything() || self.desired.shared_databases == SharedDatabases::Leave {
            return;
        }
        let live = self.live;
        for (name, database) in live.world.databases() {
            let address = Address::Database { name: name.clone() };
            let service = self
                .desired
                .capabilities
                .service_databases
                .contains(&name.as_str());
            let ours = live.marks.contains_key(&address);
            // One that waits for adoption becomes a tenant's: it is closed then, not shared now.
            let wanted = self.desired.world.contains(&address);
            if ours || wanted || service || database.state != DatabaseState::Open {
                continue;
            }
            self.close_public(name, &database.owner);
            if self.desired.shared_databases == SharedDatabases::Close {
                self.close_tenants(name);
            }
        }
    }

    fn close_public(&mut self, database: &str, owner: &str) {
        let Some(grant) = self.live.world.database_grant(database, &Grantee::Public) else {
            return;
        };
        if grant.items.is_empty() {
            return;
        }
        let held = compare::privileges(grant);
        if self.desired.shared_databases == SharedDatabases::Warn {
            let message = format!("PUBLIC, and so every tenant, holds {held} on database {database}");
            self.warn("shared_database_open", message);
            return;
        }
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee: Grantee::Public,
        };
        if let Some(because) = self.not_owned(database, owner) {
            self.hold(&address, None, HeldKind::NotAllowed, because);
            return;
        }
        let keep = self
            .live
            .world
            .roles()
            .filter(|(name, role)| role.login && !role.superuser && *name != owner && !self.is_tenant(name))
            .filter(|(name, _)| !self.desired.readers.contains(*name))
            .map(|(name, _)| name.clone())
            .collect();
        if self.nobody_to_keep_out() {
            let because =
                "it is closed with the first tenant that is ours: until then it would be closed to nobody";
            self.hold(&address, None, HeldKind::Waits, because);
            return;
        }
        let action = Action::Update {
            before: Object::Grant(grant.clone()),
            after: Object::Grant(Grant::default()),
        };
        let change = self.change(&address, None, action);
        change.rest.keep = keep;
        change
            .fields
            .push(FieldChange::new("privileges", held, "nothing"));
    }

    /// What belongs to others is closed only by those who already may: tenantctl takes no foreign database over.
    fn not_owned(&self, database: &str, owner: &str) -> Option<String> {
        if self.live.server.power.has_privileges_of(owner) {
            return None;
        }
        let name = crate::model::quote::quote_identifier(database);
        Some(format!(
            "every tenant can connect to it, and only its owner \"{owner}\" may change that: REVOKE ALL ON DATABASE {name} \
             FROM PUBLIC, after granting CONNECT to the roles that need it; or set shared_databases = \"leave\""
        ))
    }

    /// A role that was adopted as a tenant may still hold what was left to it while it was none.
    fn close_tenants(&mut self, database: &str) {
        let roles: Vec<Name> = self.tenant_roles.keys().map(|role| (*role).into()).collect();
        for role in roles {
            let grantee = Grantee::Role(role.clone());
            let Some(grant) = self.live.world.database_grant(database, &grantee) else {
                continue;
            };
            let address = Address::DatabaseGrant {
                database: database.into(),
                grantee,
            };
            let kept_by_us = self
                .live
                .ledger
                .object(&self.desired.workspace, &address)
                .is_some();
            if !kept_by_us && !matches!(database, "postgres" | "template1") {
                let message = format!(
                    "tenant role \"{role}\" holds {} on database {database}, which is not ours; tenantctl leaves it alone",
                    compare::privileges(grant)
                );
                self.warn("tenant_on_shared_database", message);
                continue;
            }
            if self.not_allowed(&address).is_some() {
                continue;
            }
            let action = Action::Delete(Object::Grant(grant.clone()));
            let before = compare::privileges(grant);
            let change = self.change(&address, None, action);
            change
                .fields
                .push(FieldChange::new("privileges", before, "nothing"));
            change.rest.end_sessions.insert((role, Some(database.into())));
        }
    }

    /// Every tenant of the file waits for adoption: their roles are nobody's yet, and each would get by name what PUBLIC
    /// has.
    fn nobody_to_keep_out(&self) -> bool {
        let makes_a_role = |change: &super::Change| {
            matches!(
                (&*change.address, &change.action),
                (Address::Role { .. }, Action::Create(_))
            )
        };
        !self.blocked.is_empty() && self.tenant_roles.is_empty() && !self.changes.iter().any(makes_a_role)
    }

    /// A tenant of any workspace. A role that only bears the name of one in the file is not, until it is adopted.
    fn is_tenant(&self, role: &str) -> bool {
        self.tenant_roles.contains_key(role)
    }
}
