//! Those who come to CONNECT by being members: one finding a role that holds it, however many members and databases.

use std::collections::{BTreeMap, BTreeSet};

use super::connect::{Right, address, shared};
use super::finding::{Finding, Findings, count, some};
use super::graph::{Reach, Way};
use super::rules;
use super::who::Who;
use crate::address::{Grantee, TenantId};
use crate::model::quote::quote_identifier;

/// A role with rights of one kind, and everybody who comes to them.
pub(super) struct Holder<'w, 'a> {
    who: &'w Who<'a>,
    role: &'a str,
    rights: Vec<(&'a str, Right<'a>)>,
    reach: Reach<'a>,
}

/// What a database is to a tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cross,
    Shared,
    Owned,
    Unwanted,
}

impl<'w, 'a> Holder<'w, 'a> {
    pub(super) fn new(
        who: &'w Who<'a>,
        role: &'a str,
        start: &[Way],
        rights: Vec<(&'a str, Right<'a>)>,
    ) -> Self {
        let reach = who.graph.reach(role, start, |at| who.is_inherent(at));
        Self {
            who,
            role,
            rights,
            reach,
        }
    }

    pub(super) fn check(&self, findings: &mut Findings) {
        if self.who.tenant_of_role(self.role).is_some() {
            for (database, right) in &self.rights {
                self.direct(database, *right, findings);
            }
        }
        let mut members: BTreeMap<Way, BTreeMap<&TenantId, &'a str>> = BTreeMap::new();
        for (role, way) in self.reach.roles().filter(|(role, _)| *role != self.role) {
            if let Some(tenant) = self.who.tenant_of_role(role) {
                members.entry(way).or_default().insert(tenant, role);
            }
        }
        for (way, tenants) in &members {
            let found = [Kind::Cross, Kind::Shared, Kind::Owned, Kind::Unwanted]
                .into_iter()
                .find_map(|kind| self.members(kind, *way, tenants));
            if let Some((finding, role)) = found {
                findings.explain(&self.reach.rows(role, *way));
                for other in tenants.values() {
                    findings.explain(&self.reach.rows(other, *way));
                }
                findings.add(finding);
            }
        }
        self.unknown_logins(findings);
    }

    /// What the tenant whose role this is may do with one database.
    fn kind(&self, database: &str, right: Right<'_>, tenant: &TenantId) -> Option<Kind> {
        match self.who.tenant_of_database(database) {
            Some(of) if of != tenant => Some(Kind::Cross),
            Some(_) if right == Right::Owner => Some(Kind::Owned),
            Some(_) => (!self.who.is_wanted(database) && self.who.desired_tenant(tenant).is_some())
                .then_some(Kind::Unwanted),
            None if right == Right::Owner => Some(Kind::Owned),
            None => Some(Kind::Shared),
        }
    }

    /// A right of a tenant's own role.
    fn direct(&self, database: &'a str, right: Right<'a>, findings: &mut Findings) {
        let Some(tenant) = self.who.tenant_of_role(self.role) else {
            return;
        };
        let Some(kind) = self.kind(database, right, tenant) else {
            return;
        };
        let role = self.role;
        let name = quote_identifier(database);
        let (subject, statement) = match right {
            Right::Owner => {
                let admin = quote_identifier(&self.who.desired.admin);
                (
                    format!("database.{database}"),
                    format!("ALTER DATABASE {name} OWNER TO {admin}"),
                )
            }
            Right::Connect { .. } => {
                let quoted = quote_identifier(role);
                let subject = address(database, &Grantee::Role(role.into()));
                (
                    subject,
                    format!("REVOKE ALL ON DATABASE {name} FROM {quoted} CASCADE"),
                )
            }
        };
        let of = self.who.tenant_of_database(database);
        let message = match (kind, of) {
            (Kind::Cross, Some(of)) => format!("{role} can connect to database {database} of tenant {of}"),
            (Kind::Owned, _) => format!("{role} owns database {database}"),
            (Kind::Unwanted, _) => {
                format!("{role} can connect to database {database}, which the file does not ask for")
            }
            _ => format!("{role} can connect to database {database}, which is no tenant's"),
        };
        findings.add(
            self.finding(kind, Way::Has, subject, message)
                .tenant(of.or(Some(tenant)))
                .reacher(Some(tenant))
                .database(database)
                .path(vec![role.to_owned(), right.describe(database)])
                .remedy(statement),
        );
    }

    fn finding(&self, kind: Kind, way: Way, subject: String, message: String) -> Finding {
        match kind {
            Kind::Cross if way == Way::Has => Finding::new(&rules::CROSS_TENANT_CONNECT, subject, message),
            Kind::Cross => Finding::new(&rules::CROSS_TENANT_POSSIBLE, subject, message),
            Kind::Shared => {
                Finding::new(&rules::SHARED_DATABASE_OPEN, subject, message).severity(shared(self.who))
            }
            Kind::Owned => Finding::new(&rules::DATABASE_OWNED, subject, message),
            Kind::Unwanted => Finding::new(&rules::UNWANTED_DATABASE_OPEN, subject, message),
        }
    }

    /// What tenants come to by being members of this role: one finding, however many they and the databases are.
    fn members(
        &self,
        kind: Kind,
        way: Way,
        tenants: &BTreeMap<&TenantId, &'a str>,
    ) -> Option<(Finding, &'a str)> {
        let databases: Vec<_> = (self.rights.iter())
            .filter(|(database, right)| match self.who.tenant_of_database(database) {
                // With two tenants among the members, at least one is a stranger to any database.
                Some(of) if tenants.len() > 1 || !tenants.contains_key(of) => kind == Kind::Cross,
                Some(of) => self.kind(database, *right, of) == Some(kind),
                None => {
                    kind == if *right == Right::Owner {
                        Kind::Owned
                    } else {
                        Kind::Shared
                    }
                }
            })
            .collect();
        let (first, right) = *databases.first()?;
        let owners: BTreeSet<_> = databases
            .iter()
            .map(|(name, _)| self.who.tenant_of_database(name))
            .collect();
        let foreign = |tenant: &TenantId| kind != Kind::Cross || owners.iter().any(|of| *of != Some(tenant));
        let reachers: BTreeMap<_, _> = tenants.iter().filter(|(tenant, _)| foreign(tenant)).collect();
        let not_own =
            |tenant: &TenantId| kind != Kind::Cross || self.who.tenant_of_database(first) != Some(tenant);
        let (_, role) = reachers
            .iter()
            .find(|(tenant, _)| not_own(tenant))
            .or(reachers.iter().next())?;
        let names: Vec<&str> = reachers.keys().map(|tenant| tenant.as_str()).collect();
        let targets: Vec<&str> = databases.iter().map(|(name, _)| *name).collect();
        let what = match kind {
            Kind::Cross => ", which are not all their own",
            Kind::Shared => ", no tenant's",
            Kind::Owned => ", as owners",
            Kind::Unwanted => ", which the file does not ask for",
        };
        let can = if way == Way::Has {
            "can connect"
        } else {
            "can let themselves in"
        };
        let message = format!(
            "{} ({}) {can} through role {} to {} ({}){what}",
            count(names.len(), "tenant", "tenants"),
            some(&names),
            self.role,
            count(targets.len(), "database", "databases"),
            some(&targets),
        );
        let mut path = self.reach.path(role, way);
        path.push(right.describe(first));
        let top = self.reach.rows(role, way);
        let statement = top.first().map_or_else(String::new, |row| {
            format!(
                "REVOKE {} FROM {}",
                quote_identifier(&row.role),
                quote_identifier(&row.member)
            )
        });
        let remedy = match reachers.len() {
            0 | 1 => statement,
            all => format!("{statement}, and so for {}", count(all - 1, "other", "others")),
        };
        let subject = match (top.first(), reachers.len()) {
            (Some(row), 1) => format!("membership.{}/{}", row.role, row.member),
            _ => format!("role.{}", self.role),
        };
        let mut finding = self
            .finding(kind, way, subject, message)
            .tenant(self.who.tenant_of_database(first))
            .database(first)
            .path(path)
            .remedy(remedy);
        finding.tenants = owners.into_iter().flatten().cloned().collect();
        finding.reachers = reachers.keys().map(|tenant| (**tenant).clone()).collect();
        finding.databases = targets.into_iter().map(str::to_owned).collect();
        Some((finding, role))
    }

    /// Logins that are nobody's.
    fn unknown_logins(&self, findings: &mut Findings) {
        let of_tenants: Vec<_> = (self.rights.iter())
            .filter(|(database, _)| self.who.tenant_of_database(database).is_some())
            .collect();
        let Some((first, right)) = of_tenants.first() else {
            return;
        };
        let logins: Vec<_> = self
            .reach
            .roles()
            .filter(|(role, _)| self.who.is_unknown_login(role))
            // CONNECT is what a reader was declared for; whoever has it by way of one was not.
            .filter(|(role, _)| *role != self.role || !self.who.desired.readers.contains(*role))
            .collect();
        let Some((login, way)) = logins.first().copied() else {
            return;
        };
        let names: Vec<&str> = logins.iter().map(|(role, _)| *role).collect();
        let targets: Vec<&str> = of_tenants.iter().map(|(name, _)| *name).collect();
        let mut path = self.reach.path(login, way);
        path.push(right.describe(first));
        let message = format!(
            "{} ({}) can connect to {} ({})",
            count(
                names.len(),
                "login role that is no tenant's",
                "login roles that are no tenant's"
            ),
            some(&names),
            count(targets.len(), "database of tenants", "databases of tenants"),
            some(&targets),
        );
        let mut finding = Finding::new(
            &rules::LOGIN_REACHES_TENANT,
            format!("role.{}", self.role),
            message,
        )
        .tenant(self.who.tenant_of_database(first))
        .database(first)
        .path(path);
        let in_danger = of_tenants
            .iter()
            .filter_map(|(name, _)| self.who.tenant_of_database(name));
        finding.tenants = in_danger.cloned().collect();
        finding.databases = targets.into_iter().map(str::to_owned).collect();
        findings.add(finding);
    }
}
