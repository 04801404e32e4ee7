//! Login roles that are ours, but not asked for. One goes with the last of its tenant's databases, unless it owns
//! something elsewhere.

use std::collections::BTreeSet;

use super::{Action, Differ, FieldChange, HeldKind};
use crate::address::{Address, Name, TenantId};
use crate::model::quote::quote_identifier as ident;
use crate::model::{DatabaseState, DeletionPolicy, Dependents, Object, Password, Role};

/// Where a role is granted something.
struct Place {
    /// The database to be in when that is revoked; `None`: any.
    database: Option<Name>,
    /// The place in words.
    words: String,
    /// Whose privileges the admin has to have for that, and has not.
    owners: BTreeSet<Name>,
}

impl Differ<'_> {
    pub(super) fn leaving_login(&mut self, address: &Address, tenant: &TenantId, role: &Role) {
        if let Some(because) = self.not_allowed(address) {
            self.hold(address, Some(tenant), HeldKind::NotAllowed, because);
            return;
        }
        let Address::Role { name } = address else { return };
        if !(self.is_gone(tenant) && self.given_up().contains(tenant)) {
            self.without_login(address, tenant, role, false);
            self.hold(
                address,
                Some(tenant),
                HeldKind::Retained,
                "retained without login: it owns what is in its databases",
            );
            return;
        }
        match self.privileges_elsewhere(name, tenant) {
            Ok(places) => {
                let words: Vec<_> = places.iter().map(|place| place.words.as_str()).collect();
                let reason = (!words.is_empty())
                    .then(|| format!("its privileges {} are revoked first", words.join(", ")));
                let change = self.change(address, Some(tenant), Action::Delete(Object::Role(role.clone())));
                change.rest.end_sessions.insert((name.clone(), None));
                change.rest.reason = reason;
                for place in places {
                    change
                        .rest
                        .disown
                        .entry(place.database)
                        .or_default()
                        .extend(place.owners);
                }
            }
            Err(because) => {
                self.without_login(address, tenant, role, true);
                self.hold(address, Some(tenant), HeldKind::NotAllowed, because);
            }
        }
    }

    /// That a role shall go one day is written down: once its databases are gone, nothing else would tell.
    fn without_login(&mut self, address: &Address, tenant: &TenantId, role: &Role, goes: bool) {
        let remembered = self.live.ledger.object(&self.desired.workspace, address);
        let forgotten = remembered.is_none_or(|row| row.deletion_policy != DeletionPolicy::Delete);
        let to_be_noted = goes && forgotten;
        if !role.login && !to_be_noted {
            return;
        }
        let after = Role {
            login: false,
            password: Password::Unknown,
            ..role.clone()
        };
        let action = Action::Update {
            before: Object::Role(role.clone()),
            after: Object::Role(after),
        };
        let change = self.change(address, Some(tenant), action);
        change.rest.reason = Some("it is no longer in the file".into());
        if role.login {
            change.fields.push(FieldChange::new("login", true, false));
            change.rest.end_sessions.insert((address.name().into(), None));
        }
        if to_be_noted {
            change
                .fields
                .push(FieldChange::new("deletion_policy", "retain", "delete"));
        }
    }

    /// Where a role is granted something besides the databases that go with its tenant. What it owns there, and nobody
    /// would drop with it, is an error, and so is what the admin cannot take from it.
    fn privileges_elsewhere(&self, role: &str, tenant: &TenantId) -> Result<Vec<Place>, String> {
        let of_role = self.live.dependents.iter().filter(|one| one.role == role);
        let elsewhere: Vec<_> = of_role.filter(|one| !self.goes_with(one, tenant)).collect();
        let owning: Vec<_> = elsewhere.iter().copied().filter(|one| one.owned > 0).collect();
        if owning.is_empty() {
            return elsewhere.into_iter().map(|one| self.place(role, one)).collect();
        }
        let places: Vec<_> = owning.iter().map(|one| owned(one)).collect();
        Err(format!(
            "retained without login: it owns {}. To give that to the admin, run {}",
            places.join(" and "),
            self.reassign(role, &owning)
        ))
    }

    fn place(&self, role: &str, one: &Dependents) -> Result<Place, String> {
        let words = match &one.database {
            Some(name) if one.inside => format!("in database {name}"),
            Some(name) => format!("on database {name}"),
            None => "on what all databases share".to_owned(),
        };
        let database = one.database.clone().filter(|_| one.inside);
        let state = |name: &Name| self.live.world.database(name).map(|found| found.state);
        if let Some(name) = database
            .as_ref()
            .filter(|name| state(name) != Some(DatabaseState::Open))
        {
            return Err(format!(
                "retained without login: it holds privileges {words}, which nobody can enter. Drop that database, or run \
                 ALTER DATABASE {} ALLOW_CONNECTIONS true",
                ident(name)
            ));
        }
        let power = &self.live.server.power;
        let mut owners = BTreeSet::new();
        for owner in one.owners.iter().filter(|owner| !power.has_privileges_of(owner)) {
            let superuser = self.live.world.role(owner).is_none_or(|found| found.superuser);
            if superuser || !power.may_administer(owner) {
                let place = database.as_ref().map_or("any database", Name::as_str);
                return Err(format!(
                    "retained without login: it holds privileges {words} on what \"{owner}\" owns. \"{owner}\" or a \
                     superuser has to run once, in {place}: DROP OWNED BY {}",
                    ident(role)
                ));
            }
            owners.insert(owner.clone());
        }
        Ok(Place {
            database,
            words,
            owners,
        })
    }

    /// Whether what depends on a role is gone when its tenant's databases are.
    fn goes_with(&self, one: &Dependents, tenant: &TenantId) -> bool {
        one.database.as_ref().is_some_and(|name| {
            let address = Address::Database { name: name.clone() };
            self.our_mark(&address).is_some_and(|mark| &mark.tenant == tenant)
        })
    }

    /// In one transaction: an admin that is a member of a tenant's role for longer may be locked out of its password.
    fn reassign(&self, role: &str, owning: &[&Dependents]) -> String {
        let power = &self.live.server.power;
        let (role, admin) = (ident(role), ident(&power.admin));
        let options = if power.scoped_create_role() {
            " WITH INHERIT TRUE, SET TRUE"
        } else {
            ""
        };
        let inside: Vec<_> = owning
            .iter()
            .filter(|one| one.inside)
            .filter_map(|one| {
                one.database
                    .as_ref()
                    .map(|name| format!("in database \"{name}\""))
            })
            .collect();
        // What all databases share is reached from each of them.
        let places = if inside.is_empty() {
            "in any database".to_owned()
        } else {
            inside.join(" and ")
        };
        format!(
            "{places}: BEGIN; GRANT {role} TO {admin}{options}; REASSIGN OWNED BY {role} TO {admin}; REVOKE {role} FROM {admin} \
             GRANTED BY {admin}; COMMIT"
        )
    }
}

fn owned(one: &Dependents) -> String {
    match &one.database {
        Some(name) if one.inside && one.owned == 1 => format!("1 object in database \"{name}\""),
        Some(name) if one.inside => format!("{} objects in database \"{name}\"", one.owned),
        Some(name) => format!("database \"{name}\""),
        None => format!("{} of what all databases share, such as tablespaces", one.owned),
    }
}
