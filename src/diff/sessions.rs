//! Sessions that are where their tenant may no longer be. A revoke ends none, so they are ended by name.

use super::{Action, Differ, FieldChange};
use crate::address::{Address, Grantee};
use crate::config::SharedDatabases;
use crate::model::{Object, Privilege};

impl Differ<'_> {
    pub(super) fn end_sessions(&mut self) {
        let live = self.live;
        for ((role, database), count) in &live.sessions {
            let Some(mark) = self.tenant_roles.get(role.as_str()).copied() else {
                continue;
            };
            let ours = mark.workspace == self.desired.workspace && self.scope.contains(&mark.tenant);
            let address = Address::Role { name: role.clone() };
            if !ours
                || self.may_be_in(role, database)
                || self.could_come_back(role, database)
                || self.waits_for(&address, Some(&mark.tenant)).is_some()
            {
                continue;
            }
            let ending = (role.clone(), Some(database.clone()));
            let already = self.changes.iter().any(|change| {
                change.rest.end_sessions.contains(&ending)
                    || change.rest.end_sessions.contains(&(role.clone(), None))
            });
            if already || self.not_allowed(&address).is_some() {
                continue;
            }
            let Some(object) = live.world.get(&address) else {
                continue;
            };
            let after = self.desired.world.get(&address).unwrap_or(object).clone();
            let action = Action::Update {
                before: object.clone(),
                after,
            };
            let change = self.change(&address, Some(&mark.tenant), action);
            let field = format!("sessions in {database}");
            change.fields.push(FieldChange::new(&field, count, 0));
            change.rest.end_sessions.insert(ending);
        }
    }

    /// A session that can be opened again at once, because a grant is held or out of scope, is not ended: it would be
    /// there again before anybody looked, and the plan would never be empty.
    fn could_come_back(&self, role: &str, database: &str) -> bool {
        let address = Address::Role { name: role.into() };
        let login = match self.changes.get(&address).map(|change| &change.action) {
            Some(Action::Update { after, .. }) => Some(after),
            Some(Action::Delete(_)) => None,
            _ => self.live.world.get(&address),
        };
        matches!(login, Some(Object::Role(role)) if role.login)
            && [Grantee::Public, Grantee::Role(role.into())]
                .into_iter()
                .any(|grantee| self.will_connect(database, grantee))
    }

    /// Whether a grantee holds CONNECT once the changes are made.
    fn will_connect(&self, database: &str, grantee: Grantee) -> bool {
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee,
        };
        let grant = match self.changes.get(&address).map(|change| &change.action) {
            Some(Action::Create(after) | Action::Update { after, .. }) => Some(after),
            Some(Action::Delete(_)) => None,
            _ => self.live.world.get(&address),
        };
        matches!(grant, Some(Object::Grant(grant)) if grant.privileges().contains(&Privilege::Connect))
    }

    fn may_be_in(&self, role: &str, database: &str) -> bool {
        let address = Address::Role { name: role.into() };
        let login = matches!(self.desired.world.get(&address), Some(Object::Role(role)) if role.login);
        if !login {
            return false;
        }
        let ours = self.live.marks.contains_key(&Address::Database {
            name: database.into(),
        });
        if !ours {
            return self.desired.shared_databases != SharedDatabases::Close;
        }
        let grant = Address::DatabaseGrant {
            database: database.into(),
            grantee: Grantee::Role(role.into()),
        };
        self.desired.world.contains(&grant)
    }
}
