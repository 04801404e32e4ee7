//! What is not ours, and what the admin may not do.

use super::walk::Walk;
use super::{Differ, HeldKind};
use crate::address::{Address, TenantId};
use crate::model::quote::quote_identifier;
use crate::model::{IamRole, IamUser, Mark, Membership, Object, Role};

impl Differ<'_> {
    /// Everything wanted that exists without our mark. A held login role or IAM identity stops its whole tenant: half
    /// an identity is either useless or somebody else's.
    pub(super) fn hold_what_is_not_ours(&mut self) {
        let desired = self.desired;
        let mut marks = Walk::along(self.live.marked());
        for (place, (address, object, tenant)) in desired.objects().enumerate() {
            if !is_root(address) || !self.scope.contains(tenant) {
                continue;
            }
            let live = self.compared.found[place].map(|object| (object, marks.at(address)));
            let Some(because) = self.reason_not_ours(address, tenant, object, live) else {
                continue;
            };
            self.hold(address, Some(tenant), HeldKind::NotOurs, because);
            match address {
                Address::Database { name } => {
                    self.blocked_databases.insert(name.clone(), address.clone());
                }
                _ => {
                    self.blocked
                        .entry(tenant.clone())
                        .or_insert_with(|| address.clone());
                }
            }
        }
    }

    fn reason_not_ours(
        &self,
        address: &Address,
        tenant: &TenantId,
        wanted: &Object,
        live: Option<(&Object, Option<&Mark>)>,
    ) -> Option<String> {
        if let Some((_, found)) = self
            .live
            .case_variants
            .iter()
            .find(|(variant, _)| variant == address)
        {
            return Some(format!(
                "IAM already has {found}, which it takes for the same name"
            ));
        }
        let (live, mark) = live?;
        match mark {
            None => Some(format!(
                "exists, not ours: if it is meant for this tenant, run tenantctl adopt --tenant {tenant}"
            )),
            Some(mark) if mark.workspace != self.desired.workspace => Some(format!(
                "exists, not ours: it belongs to workspace \"{}\"",
                mark.workspace
            )),
            Some(mark) if &mark.tenant != tenant => Some(format!(
                "exists, not ours: it belongs to tenant \"{}\"",
                mark.tenant
            )),
            Some(_) => moved_path(wanted, live),
        }
    }

    /// What a change of an object has to wait for.
    pub(super) fn waits_for(&self, address: &Address, tenant: Option<&TenantId>) -> Option<&Address> {
        let database = Self::database_of(address).and_then(|name| self.blocked_databases.get(name));
        let tenant = tenant.and_then(|tenant| self.blocked.get(tenant));
        tenant.or(database).filter(|blocking| *blocking != address)
    }

    /// Why the admin may not do what a change of this object takes, with the statement that would let it.
    pub(super) fn not_allowed(&self, address: &Address) -> Option<String> {
        let power = &self.live.server.power;
        match address {
            Address::Role { name } | Address::RoleSetting { role: name, .. } => {
                let exists = self.live.world.role(name)?;
                if exists.superuser && !power.superuser {
                    return Some(format!(
                        "role \"{name}\" is a superuser, which only a superuser may alter"
                    ));
                }
                if power.may_administer(name) {
                    return None;
                }
                Some(format!(
                    "the admin may not administer role \"{name}\", which somebody else created. A role that may has to \
                     run once: {}",
                    self.let_administer(name)
                ))
            }
            Address::Membership { role, .. } => self.may_not_grant(role),
            Address::Database { name } | Address::DatabaseGrant { database: name, .. } => {
                self.may_not_own(name)
            }
            Address::SchemaGrant { database, .. }
            | Address::Schema { database, .. }
            | Address::Extension { database, .. } => self.may_not_own(database),
            Address::Cluster { .. }
            | Address::IamUser { .. }
            | Address::IamUserPolicy { .. }
            | Address::IamRole { .. }
            | Address::IamRolePolicy { .. }
            | Address::IamAccessKey { .. } => None,
        }
    }

    /// Keeps attributes that the admin may neither give nor take: since 16 only a role that has one may, before only a
    /// superuser. Says what somebody else has to run.
    ///
    /// <https://www.postgresql.org/docs/current/sql-alterrole.html>
    pub(super) fn keep_what_is_beyond_us(
        &self,
        name: &str,
        found: &Role,
        wanted: &mut Role,
    ) -> Option<String> {
        let power = &self.live.server.power;
        let admin = self.live.world.role(&power.admin)?;
        let scoped = power.scoped_create_role();
        let attributes = [
            (
                "CREATEDB",
                !scoped || admin.create_database,
                found.create_database,
                &mut wanted.create_database,
            ),
            (
                "REPLICATION",
                scoped && admin.replication,
                found.replication,
                &mut wanted.replication,
            ),
            (
                "BYPASSRLS",
                scoped && admin.bypass_rls,
                found.bypass_rls,
                &mut wanted.bypass_rls,
            ),
        ];
        let mut words = Vec::new();
        for (word, may, found, wanted) in attributes {
            if found != *wanted && !may && !power.superuser {
                words.push(if *wanted {
                    word.to_owned()
                } else {
                    format!("NO{word}")
                });
                *wanted = found;
            }
        }
        (!words.is_empty()).then(|| {
            format!(
                "the admin may not change these attributes of role \"{name}\". A role that may has to run once: ALTER \
                 ROLE {} {}",
                quote_identifier(name),
                words.join(" ")
            )
        })
    }

    fn may_not_grant(&self, role: &str) -> Option<String> {
        let power = &self.live.server.power;
        if self.live.world.role(role).is_none() {
            return Some(format!(
                "there is no role \"{role}\" on this server; is it an Aurora cluster?"
            ));
        }
        // RDS lets its own superusers grant its own roles, whatever the catalog says.
        if power.may_administer(role)
            || (role.starts_with("rds_") && power.has_privileges_of("rds_superuser"))
        {
            return None;
        }
        Some(format!(
            "the admin may not grant role \"{role}\". A role that may has to run once: {}",
            self.let_administer(role)
        ))
    }

    /// Since 16 a membership is a row for each grantor, and only a role with the grantor's privileges takes it back.
    /// `what` is what goes: `ADMIN OPTION FOR ` or, for all of it, nothing.
    pub(super) fn may_not_revoke(
        &self,
        what: &str,
        role: &str,
        member: &str,
        membership: &Object,
    ) -> Option<String> {
        let power = &self.live.server.power;
        let Object::Membership(Membership { grantors, .. }) = membership else {
            return None;
        };
        let grantor = grantors
            .iter()
            .find(|grantor| !power.has_privileges_of(grantor))?;
        power.scoped_create_role().then(|| {
            format!(
                "\"{grantor}\" granted it, and only a role with the privileges of \"{grantor}\" may take it back. Such a \
                 role has to run once: REVOKE {what}{} FROM {} GRANTED BY {}",
                quote_identifier(role),
                quote_identifier(member),
                quote_identifier(grantor)
            )
        })
    }

    /// The right to administer a role without its privileges: an admin that inherits from a member of `rds_iam` is one
    /// itself, and can no longer log in by password. Before 16 CREATEROLE is that right.
    fn let_administer(&self, role: &str) -> String {
        let power = &self.live.server.power;
        let (role, admin) = (quote_identifier(role), quote_identifier(&power.admin));
        if power.scoped_create_role() {
            format!("GRANT {role} TO {admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
        } else {
            format!("ALTER ROLE {admin} CREATEROLE")
        }
    }

    /// Grants are the owner's. An owner the admin neither is nor can take the database from keeps it.
    fn may_not_own(&self, database: &str) -> Option<String> {
        let power = &self.live.server.power;
        let owner = &self.live.world.database(database)?.owner;
        let superuser = self.live.world.role(owner).is_some_and(|role| role.superuser);
        if power.has_privileges_of(owner) || (power.may_administer(owner) && !superuser) {
            return None;
        }
        Some(format!(
            "database \"{database}\" belongs to \"{owner}\", and only its owner may close it. \"{owner}\" or a superuser \
             has to run once: ALTER DATABASE {} OWNER TO {}",
            quote_identifier(database),
            quote_identifier(&power.admin)
        ))
    }
}

/// The objects that carry a mark; all others belong to one of them.
pub(super) fn is_root(address: &Address) -> bool {
    matches!(
        address,
        Address::IamUser { .. } | Address::IamRole { .. } | Address::Role { .. } | Address::Database { .. }
    )
}

fn moved_path(wanted: &Object, live: &Object) -> Option<String> {
    let (wanted, found) = match (wanted, live) {
        (Object::IamUser(IamUser { path: wanted }), Object::IamUser(IamUser { path: found }))
        | (Object::IamRole(IamRole { path: wanted, .. }), Object::IamRole(IamRole { path: found, .. })) => {
            (wanted, found)
        }
        _ => return None,
    };
    (wanted != found).then(|| {
        format!(
            "it lives under the IAM path {found}, not {wanted}, and a path is part of every ARN that names it"
        )
    })
}
