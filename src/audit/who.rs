//! Who is who: which role and which database is which tenant's.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::Checked;
use super::graph::Graph;
use crate::address::{Address, Grantee, TenantId};
use crate::desired::{Desired, DesiredTenant};
use crate::live::Live;
use crate::model::{Evidence, Known, Mark, Object, Role};

/// The intent and the facts, with the maps that every check asks.
pub(super) struct Who<'a> {
    pub desired: &'a Desired,
    pub live: &'a Live,
    pub evidence: &'a Evidence,
    pub graph: Graph<'a>,
    /// By the name of a login role. Those of other workspaces are named `WORKSPACE/TENANT`.
    roles: BTreeMap<&'a str, TenantId>,
    databases: BTreeMap<&'a str, TenantId>,
    /// Databases that the file asks for.
    wanted: BTreeSet<&'a str>,
    by_iam_user: OnceCell<BTreeMap<String, TenantId>>,
}

impl<'a> Who<'a> {
    pub(super) fn new(desired: &'a Desired, live: &'a Live, evidence: &'a Evidence) -> Self {
        let mut roles = BTreeMap::new();
        let mut databases = BTreeMap::new();
        for (address, mark) in live.marked() {
            match address {
                Address::Role { name } => roles.insert(name.as_str(), named(desired, mark)),
                Address::Database { name } => databases.insert(name.as_str(), named(desired, mark)),
                _ => None,
            };
        }
        let mut wanted = BTreeSet::new();
        for (id, tenant) in &desired.tenants {
            roles.insert(&tenant.names.role, id.clone());
            for (_, name) in &tenant.names.databases {
                // One that the file does not want is the tenant's only if it is marked so.
                if tenant.databases.contains(name) {
                    wanted.insert(name.as_str());
                    databases.insert(name, id.clone());
                }
            }
        }
        Self {
            desired,
            live,
            evidence,
            graph: Graph::new(&live.memberships),
            roles,
            databases,
            wanted,
            by_iam_user: OnceCell::new(),
        }
    }

    pub(super) fn tenant_of_role(&self, role: &str) -> Option<&TenantId> {
        self.roles.get(role)
    }

    pub(super) fn tenant_of_database(&self, database: &str) -> Option<&TenantId> {
        self.databases.get(database)
    }

    /// Every tenant that has or should have a role or a database.
    pub(super) fn tenants(&self) -> impl Iterator<Item = &TenantId> {
        self.roles.values().chain(self.databases.values())
    }

    /// Whose each database is.
    pub(super) fn owners(&self) -> BTreeMap<String, TenantId> {
        let databases = self.databases.iter();
        databases
            .map(|(name, tenant)| ((*name).to_owned(), tenant.clone()))
            .collect()
    }

    /// The tenant that a grantee is; PUBLIC is none.
    pub(super) fn tenant_of_grantee(&self, grantee: &Grantee) -> Option<&TenantId> {
        match grantee {
            Grantee::Public => None,
            Grantee::Role(role) => self.tenant_of_role(role),
        }
    }

    /// Login roles of tenants that exist.
    pub(super) fn tenant_roles(&self) -> impl Iterator<Item = (&'a str, &'a Role, &TenantId)> {
        let roles = self.roles.iter();
        roles.filter_map(|(name, tenant)| Some((*name, self.live.world.role(name)?, tenant)))
    }

    pub(super) fn desired_tenant(&self, tenant: &TenantId) -> Option<&'a DesiredTenant> {
        self.desired.tenants.get(tenant)
    }

    pub(super) fn is_wanted(&self, database: &str) -> bool {
        self.wanted.contains(database)
    }

    /// Where reach is inherent: the admin and superusers.
    pub(super) fn is_inherent(&self, role: &str) -> bool {
        let superuser = |role: &Role| role.superuser;
        role == self.desired.admin
            || role == self.live.server.power.admin
            || self.live.world.role(role).is_some_and(superuser)
    }

    /// A role that may log in and is nobody's: no tenant's, no admin's, no superuser's.
    pub(super) fn is_unknown_login(&self, role: &str) -> bool {
        let login = self.live.world.role(role).is_some_and(|role| role.login);
        login && self.tenant_of_role(role).is_none() && !self.is_inherent(role)
    }

    /// Tenants of the file whose role is not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'a str> {
        let tenants = self.desired.tenants.iter();
        tenants
            .filter(|(_, tenant)| self.live.world.role(&tenant.names.role).is_none())
            .map(|(id, _)| id.as_str())
    }

    /// The tenant whose IAM user or role an ARN names, by the names in the file and by marks.
    pub(super) fn tenant_of_arn(&self, arn: &str) -> Option<&TenantId> {
        let by_arn = self.by_iam_user.get_or_init(|| {
            let Known::Yes(account) = &self.evidence.account else {
                return BTreeMap::new();
            };
            let names: BTreeMap<(&str, &str), &TenantId> = (self.desired.tenants.iter())
                .flat_map(|(id, tenant)| {
                    [
                        (("user", tenant.names.iam_user.as_str()), id),
                        (("role", tenant.names.iam_role.as_str()), id),
                    ]
                })
                .collect();
            let each = account.identities.iter().filter_map(|identity| {
                let kind = match identity.kind {
                    crate::model::IdentityKind::User => "user",
                    crate::model::IdentityKind::Role => "role",
                };
                let named_so = names.get(&(kind, identity.name.as_str())).map(|id| (*id).clone());
                let marked = identity.mark.as_ref().map(|mark| named(self.desired, mark));
                Some((identity.arn.clone(), named_so.or(marked)?))
            });
            each.collect()
        });
        by_arn.get(arn)
    }

    /// What there was to look at.
    pub(super) fn checked(&self) -> Checked {
        let tenants: BTreeSet<&TenantId> = self.tenants().collect();
        let databases: Vec<&str> = self
            .live
            .world
            .databases()
            .map(|(name, _)| name.as_str())
            .collect();
        let mut owned: BTreeMap<&TenantId, usize> = BTreeMap::new();
        for name in &databases {
            if let Some(tenant) = self.databases.get(name) {
                *owned.entry(tenant).or_default() += 1;
            }
        }
        let pairs = self
            .tenant_roles()
            .map(|(_, _, tenant)| databases.len() - owned.get(tenant).copied().unwrap_or(0))
            .sum();
        let grant = |(address, object): (&Address, &Object)| match (address, object) {
            (Address::DatabaseGrant { .. }, Object::Grant(grant)) => grant.items.len(),
            _ => 0,
        };
        Checked {
            tenants: tenants.len(),
            login_roles: self.live.world.roles().filter(|(_, role)| role.login).count(),
            databases: databases.len(),
            opened: self.evidence.inside.len(),
            memberships: self.live.memberships.len(),
            database_grants: self.live.world.iter().map(grant).sum(),
            pairs,
            identities: match &self.evidence.account {
                Known::Yes(account) => Some(account.identities.len()),
                _ => None,
            },
            steps: self.graph.steps(),
        }
    }
}

/// The tenant of a mark; one of another workspace is another tenant, whatever its name.
fn named(desired: &Desired, mark: &Mark) -> TenantId {
    if mark.workspace == desired.workspace {
        mark.tenant.clone()
    } else {
        TenantId::new(format!("{}/{}", mark.workspace, mark.tenant))
    }
}
