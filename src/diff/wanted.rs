//! What is asked for, object by object.

use std::borrow::Cow;

use super::{Action, Differ, FieldChange, HeldKind, compare};
use crate::address::{Address, TenantId};
use crate::engine::fresh_database;
use crate::model::{DatabaseState, KeyStatus, Object, Password, Role};

/// What was found at a wanted address.
enum Found<'a> {
    Object(Cow<'a, Object>),
    Nothing,
    /// It was not looked at, on request.
    NotLookedAt,
}

impl<'a> Differ<'a> {
    pub(super) fn wanted(&mut self) {
        let desired = self.desired;
        let found = std::mem::take(&mut self.compared.found);
        for ((address, object, tenant), found) in desired.objects().zip(found) {
            if self.scope.contains(tenant) && !self.held.contains_key(address) {
                self.wanted_one(address, object, found, tenant);
            }
        }
        self.stale_principals();
        self.locales();
    }

    fn wanted_one(
        &mut self,
        address: &Address,
        wanted: &Object,
        found: Option<&'a Object>,
        tenant: &TenantId,
    ) {
        if let Some(gap) = self.live.gap(address) {
            let (at, because) = gap;
            self.hold(
                &at,
                Some(tenant),
                HeldKind::Gap,
                format!("could not be read: {because}"),
            );
            return;
        }
        let (action, fields) = match self.found(address, found) {
            Found::NotLookedAt => return,
            Found::Nothing if never_created(wanted) => return,
            Found::Nothing => (Action::Create(wanted.clone()), Vec::new()),
            Found::Object(found) => {
                let wanted = &*self.as_far_as_it_shows(address, wanted, &found);
                let fields = compare::compare(wanted, &found);
                if fields.is_empty() {
                    self.unchanged += 1;
                    return;
                }
                (
                    Action::Update {
                        before: found.into_owned(),
                        after: wanted.clone(),
                    },
                    fields,
                )
            }
        };
        if let Some(invalid) = self.invalid(address) {
            let because = "an interrupted DROP DATABASE left it unusable, and its data out of reach. Run DROP DATABASE on \
                           it; the next plan makes it anew";
            self.hold(&invalid, Some(tenant), HeldKind::NotAllowed, because);
            return;
        }
        if let Some(blocking) = self.waits_for(address, Some(tenant))
            && !(takes_away(&action) && self.our_root(address))
        {
            let because = format!("waits for {blocking}, which is held");
            self.hold(address, Some(tenant), HeldKind::Waits, because);
            return;
        }
        let not_revocable = match (address, &action) {
            (Address::Membership { role, member }, Action::Update { before, .. }) => {
                self.may_not_revoke("ADMIN OPTION FOR ", role, member, before)
            }
            _ => None,
        };
        let not_allowed = self.not_allowed(address).or_else(|| self.no_such_reader(address));
        if let Some(because) = not_allowed.or(not_revocable) {
            self.hold(address, Some(tenant), HeldKind::NotAllowed, because);
            return;
        }
        let Some((action, fields)) = self.within_power(address, tenant, action, fields) else {
            return;
        };
        let lost_login = lost_login(&action);
        let change = self.change(address, Some(tenant), action);
        change.fields = fields;
        if let (true, Address::Role { name }) = (lost_login, address) {
            change.rest.end_sessions.insert((name.clone(), None));
        }
    }

    /// Whether a role that somebody else made has a password cannot be seen. One that logs in by IAM can use none, so it
    /// makes no difference.
    fn as_far_as_it_shows<'w>(
        &self,
        address: &Address,
        wanted: &'w Object,
        found: &Object,
    ) -> Cow<'w, Object> {
        let (Address::Role { name }, Object::Role(role), Object::Role(found)) = (address, wanted, found)
        else {
            return Cow::Borrowed(wanted);
        };
        let by_iam = self.desired.capabilities.iam_login_role.is_some_and(|group| {
            self.live.world.contains(&Address::Membership {
                role: group.into(),
                member: name.clone(),
            })
        });
        if !by_iam || role.password != Password::None || found.password != Password::Unknown {
            return Cow::Borrowed(wanted);
        }
        Cow::Owned(Object::Role(Role {
            password: Password::Unknown,
            ..role.clone()
        }))
    }

    /// Attributes of a role that the admin may not touch stay as they are, and are held; the rest of a change goes on.
    fn within_power(
        &mut self,
        address: &Address,
        tenant: &TenantId,
        action: Action,
        fields: Vec<FieldChange>,
    ) -> Option<(Action, Vec<FieldChange>)> {
        let Action::Update {
            before: Object::Role(before),
            after: Object::Role(wanted),
        } = &action
        else {
            return Some((action, fields));
        };
        let mut after = wanted.clone();
        let Some(because) = self.keep_what_is_beyond_us(&address.name(), before, &mut after) else {
            return Some((action, fields));
        };
        self.hold(address, Some(tenant), HeldKind::NotAllowed, because);
        let (before, after) = (Object::Role(before.clone()), Object::Role(after));
        let fields = compare::compare(&after, &before);
        (!fields.is_empty()).then_some((Action::Update { before, after }, fields))
    }

    /// A database that is to be made, or that never opened, holds what every new one holds.
    fn found(&self, address: &Address, found: Option<&'a Object>) -> Found<'a> {
        if let Some(found) = found {
            return Found::Object(Cow::Borrowed(found));
        }
        let Some(database) = Self::database_of(address) else {
            return Found::Nothing;
        };
        if matches!(address, Address::Database { .. }) {
            return Found::Nothing;
        }
        let exists = self.live.world.database(database);
        let open = exists.is_some_and(|database| database.state == DatabaseState::Open);
        if address.inside_database().is_some() && open {
            return if self.live.opened.contains(database) {
                Found::Nothing
            } else {
                Found::NotLookedAt
            };
        }
        match fresh_database(database).remove(address) {
            Some(object) => Found::Object(Cow::Owned(object)),
            None => Found::Nothing,
        }
    }

    /// Whether the object that an address belongs to bears our mark.
    fn our_root(&self, address: &Address) -> bool {
        let root = match address {
            Address::IamAccessKey { user, .. } => Address::IamUser { name: user.clone() },
            other => match Self::database_of(other) {
                Some(name) => Address::Database { name: name.clone() },
                None => other.clone(),
            },
        };
        !self.held.contains_key(&root) && self.our_mark(&root).is_some()
    }

    /// The invalid database that an address is or lies in. Dropping is the one thing it can take.
    fn invalid(&self, address: &Address) -> Option<Address> {
        let name = Self::database_of(address)?;
        let invalid = self.live.world.database(name)?.state == DatabaseState::Invalid;
        invalid.then(|| Address::Database { name: name.clone() })
    }

    /// A trust policy names its user by ARN, but IAM keeps the user's unique id: a user that is made anew leaves the
    /// old policy pointing at nobody, though its text is the same.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    fn stale_principals(&mut self) {
        for (tenant, wanted) in &self.desired.tenants {
            let user = Address::IamUser {
                name: wanted.names.iam_user.clone(),
            };
            let role = Address::IamRole {
                name: wanted.names.iam_role.clone(),
            };
            let anew = self
                .changes
                .get(&user)
                .is_some_and(|change| matches!(change.action, Action::Create(_)));
            if !anew || self.changes.contains(&role) || self.held.contains_key(&role) {
                continue;
            }
            if let (Some(before), Some(after)) = (self.live.world.get(&role), self.desired.world.get(&role)) {
                let action = Action::Update {
                    before: before.clone(),
                    after: after.clone(),
                };
                self.unchanged = self.unchanged.saturating_sub(1);
                self.change(&role, Some(tenant), action).rest.reason = Some(
                    "its user is made anew, and IAM binds a trust policy to the user it was written for"
                        .into(),
                );
            }
        }
    }

    /// Creation-only attributes are compared and reported: a database is never replaced.
    fn locales(&mut self) {
        let Some(template) = self.live.locales.get("template1") else {
            return;
        };
        for (name, locale) in &self.live.locales {
            let address = Address::Database { name: name.clone() };
            let Some(mark) = self.our_mark(&address) else {
                continue;
            };
            if self.desired.world.contains(&address)
                && self.scope.contains(&mark.tenant)
                && locale != template
            {
                let message = format!(
                    "database {name} has {locale}, a new one would have {template}; that is fixed at creation and left alone"
                );
                self.warn("locale_differs", message);
            }
        }
    }
}

/// A key that would be born inactive is not born: a suspended tenant gets one when it is active again.
fn never_created(wanted: &Object) -> bool {
    matches!(wanted, Object::AccessKey(key) if key.status == KeyStatus::Inactive)
}

/// What only takes access away: it has to happen also where the rest of a tenant is held.
fn takes_away(action: &Action) -> bool {
    let Action::Update { before, after } = action else {
        return false;
    };
    match (before, after) {
        (Object::Role(before), Object::Role(after)) => before.login && !after.login,
        (Object::Grant(before), Object::Grant(after)) => after.items.is_subset(&before.items),
        (Object::AccessKey(_), Object::AccessKey(after)) => after.status == KeyStatus::Inactive,
        _ => false,
    }
}

fn lost_login(action: &Action) -> bool {
    matches!(action, Action::Update { before: Object::Role(before), after: Object::Role(after) } if before.login && !after.login)
}
