//! How far a run may go: adding only, taking over what exists, or all of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, Change, Differ, FieldChange, Held, HeldKind, compare};
use crate::address::{Address, Grantee, Name};
use crate::model::{Database, DatabaseState, Grant, Object, Password};

/// How far a run may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Makes what is missing and grants. What would revoke, narrow, rename, alter or delete is held.
    Additive,
    /// The same, and what exists and the file names gets our mark.
    Adopt,
    /// Everything that the file asks for.
    #[default]
    Authoritative,
}

impl Mode {
    /// As the command line spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Adopt => "adopt",
            Self::Authoritative => "authoritative",
        }
    }
}

impl Differ<'_> {
    /// Takes out what the mode does not do, and says so.
    pub(super) fn keep_to_mode(&mut self) {
        if self.scope.mode == Mode::Authoritative {
            return;
        }
        let new = New::of(self);
        for change in std::mem::take(&mut self.changes).sorted() {
            if let Some(change) = self.only_added(&new, change) {
                self.changes.get_or_add(change);
            }
        }
    }

    /// The part of a change that only adds.
    fn only_added(&mut self, new: &New, mut change: Change) -> Option<Change> {
        if let Some(database) = Self::database_of(&change.address) {
            // Nobody can enter it yet. That PUBLIC loses its grants there is how a database is made.
            if new.databases.contains(database) {
                return Some(change);
            }
            let owner = Address::Database {
                name: database.clone(),
            };
            if new.not_ours_to_grant.contains(database) && *change.address != owner {
                let because = format!("waits for {owner}, which is held");
                self.hold(&change.address, change.tenant.as_ref(), HeldKind::Waits, because);
                return None;
            }
        }
        let what = match (&*change.address, &change.action) {
            (Address::RoleSetting { role, .. }, Action::Create(_)) if !new.roles.contains(role) => {
                "alter a role that is there".to_owned()
            }
            (Address::Membership { member, .. }, Action::Create(_))
                if !new.roles.contains(member) && self.may_have_password(member) =>
            {
                "end its logins by password".to_owned()
            }
            (_, Action::Create(_) | Action::Adopt(_)) => return Some(change),
            (_, Action::Delete(_)) => "delete it".to_owned(),
            (
                _,
                Action::Update {
                    before: Object::Grant(before),
                    after: Object::Grant(after),
                },
            ) => {
                let (both, gone) = (union(before, after), minus(before, after));
                let before = before.clone();
                if !gone.items.is_empty() {
                    let what = format!("take away {}", compare::privileges(&gone));
                    self.hold_for_mode(&change, &what);
                }
                if both == before {
                    return None;
                }
                change.rest.end_sessions.clear();
                change.rest.keep.clear();
                let (held, holds) = (compare::privileges(&before), compare::privileges(&both));
                change.fields = vec![FieldChange::new("privileges", held, holds)];
                change.action = Action::Update {
                    before: Object::Grant(before),
                    after: Object::Grant(both),
                };
                return Some(change);
            }
            (_, Action::Update { .. }) => alteration(&change),
        };
        self.hold_for_mode(&change, &what);
        None
    }

    /// In the place of what was said before, which is true of an authoritative run.
    fn hold_for_mode(&mut self, change: &Change, what: &str) {
        let mode = self.scope.mode.as_str();
        let held = Held {
            address: (*change.address).clone(),
            tenant: change.tenant.clone(),
            kind: HeldKind::Mode,
            because: format!("mode {mode} only adds, and this would {what}"),
        };
        self.held.insert((*change.address).clone(), held);
    }

    /// Its tenant is let in last, so that one which waits for that never opened. Another one was closed by somebody.
    fn nobody_has_entered(&self, name: &str) -> bool {
        self.changes.iter().any(|change| {
            let of_role = matches!(&*change.address, Address::DatabaseGrant { database, grantee: Grantee::Role(_) } if database == name);
            of_role && matches!(change.action, Action::Create(_))
        })
    }

    fn may_have_password(&self, role: &str) -> bool {
        let role = self.live.world.role(role);
        role.is_none_or(|role| role.password != Password::None)
    }
}

fn alteration(change: &Change) -> String {
    let names: Vec<_> = (change.fields.iter())
        .map(
            |field| match field.before.contains('\n') || field.after.contains('\n') {
                true => field.name.clone(),
                false => format!("{} ({} -> {})", field.name, field.before, field.after),
            },
        )
        .collect();
    if names.is_empty() {
        "alter it".to_owned()
    } else {
        format!("change {}", names.join(", "))
    }
}

fn union(before: &Grant, after: &Grant) -> Grant {
    Grant {
        items: before.items.iter().chain(&after.items).cloned().collect(),
    }
}

fn minus(before: &Grant, after: &Grant) -> Grant {
    Grant {
        items: before.items.difference(&after.items).cloned().collect(),
    }
}

/// What this run makes, so that nobody is used to it yet.
struct New {
    roles: BTreeSet<Name>,
    /// Also those that a crash left half made.
    databases: BTreeSet<Name>,
    /// Databases of somebody else's, who would have to give them up first.
    not_ours_to_grant: BTreeSet<Name>,
}

impl New {
    fn of(differ: &Differ<'_>) -> Self {
        let mut new = Self {
            roles: BTreeSet::new(),
            databases: BTreeSet::new(),
            not_ours_to_grant: BTreeSet::new(),
        };
        for change in differ.changes.iter() {
            match (&*change.address, &change.action) {
                (Address::Role { name }, Action::Create(_)) => {
                    new.roles.insert(name.clone());
                }
                (Address::Database { name }, Action::Create(_)) => {
                    new.databases.insert(name.clone());
                }
                (
                    Address::Database { name },
                    Action::Update {
                        before: Object::Database(before),
                        after: Object::Database(after),
                    },
                ) => {
                    let Database { owner, state, .. } = before;
                    let foreign = *owner != after.owner;
                    let opens = *state == DatabaseState::Closed && after.state == DatabaseState::Open;
                    let half_made = opens && differ.nobody_has_entered(name);
                    if half_made && !foreign && !differ.adopted.contains_key(&change.address) {
                        new.databases.insert(name.clone());
                    } else if foreign && !differ.live.server.power.has_privileges_of(owner) {
                        new.not_ours_to_grant.insert(name.clone());
                    }
                }
                _ => {}
            }
        }
        new
    }
}
