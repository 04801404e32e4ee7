//! Who can connect to which database, by sets: from each role that holds CONNECT down to those who come to it.
//!
//! A role may connect when it is a superuser, or when PUBLIC, it or a role whose privileges it has holds CONNECT:
//! <https://www.postgresql.org/docs/current/ddl-priv.html>. The owner of a database can grant itself anything on it.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Findings, Severity, count, some};
use super::graph::{Reach, Way};
use super::rules;
use super::who::Who;
use crate::address::{Address, Grantee, TenantId};
use crate::config::SharedDatabases;
use crate::live::Live;
use crate::model::quote::quote_identifier;
use crate::model::{DatabaseState, Grant, GrantItem, Grantor, Object, Privilege};

/// Why a role can connect to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right<'a> {
    /// A grant.
    Connect {
        /// Who gave it.
        grantor: &'a str,
        /// It may be passed on.
        grantable: bool,
    },
    /// It owns the database.
    Owner,
}

impl Right<'_> {
    /// Whoever can act as the role, even without inheriting from it, can use this to let itself in.
    fn opens(self) -> bool {
        matches!(self, Self::Owner | Self::Connect { grantable: true, .. })
    }

    /// For the members of a walk's first role: what they have, and what whoever acts as it can get.
    pub(super) fn start(self) -> &'static [Way] {
        if self.opens() {
            &[Way::Has, Way::CanGet]
        } else {
            &[Way::Has]
        }
    }

    /// The last link of a path.
    pub(super) fn describe(self, database: &str) -> String {
        match self {
            Self::Connect { grantor, grantable } => {
                let option = if grantable { ", with grant option" } else { "" };
                format!("CONNECT on {database} (granted by {grantor}{option})")
            }
            Self::Owner => format!("owner of {database}"),
        }
    }
}

/// Databases that can be entered, by the role that holds a right on them.
pub(super) fn holders(live: &Live) -> BTreeMap<&str, Vec<(&str, Right<'_>)>> {
    let mut holders: BTreeMap<&str, Vec<(&str, Right<'_>)>> = BTreeMap::new();
    for (database, grantee, item, owner) in connect_items(live) {
        if let Grantee::Role(role) = grantee {
            let right = Right::Connect {
                grantor: grantor(item, owner),
                grantable: item.grantable,
            };
            holders.entry(role).or_default().push((database, right));
        }
    }
    for (name, database) in live.world.databases() {
        if database.state == DatabaseState::Open {
            holders
                .entry(&database.owner)
                .or_default()
                .push((name, Right::Owner));
        }
    }
    holders
}

pub(super) fn grantor<'a>(item: &'a GrantItem, owner: &'a str) -> &'a str {
    match &item.grantor {
        Grantor::Owner => owner,
        Grantor::Role(role) => role,
    }
}

/// Grants on databases that can be entered.
fn grants(live: &Live) -> impl Iterator<Item = (&str, &Grantee, &Grant, &str)> {
    let world = &live.world;
    world.iter().filter_map(|(address, object)| {
        let (Address::DatabaseGrant { database, grantee }, Object::Grant(grant)) = (address, object) else {
            return None;
        };
        let of = world
            .database(database)
            .filter(|of| of.state == DatabaseState::Open)?;
        Some((database.as_str(), grantee, grant, of.owner.as_str()))
    })
}

/// Every grant of CONNECT, with the owner of its database.
pub(super) fn connect_items(live: &Live) -> impl Iterator<Item = (&str, &Grantee, &GrantItem, &str)> {
    grants(live).flat_map(|(database, grantee, grant, owner)| {
        let connect = grant
            .items
            .iter()
            .filter(|item| item.privilege == Privilege::Connect);
        connect.map(move |item| (database, grantee, item, owner))
    })
}

/// Adds what is wrong with grants on databases and with their owners.
pub(super) fn check(who: &Who<'_>, findings: &mut Findings) {
    for (database, grantee, grant, owner) in grants(who.live) {
        match grantee {
            Grantee::Public => public(who, database, grant, owner, findings),
            Grantee::Role(role) => more_than_declared(who, database, role, grant, findings),
        }
    }
    for (role, rights) in holders(who.live) {
        for acting in [false, true] {
            let rights: Vec<_> = rights
                .iter()
                .copied()
                .filter(|(_, right)| right.opens() == acting)
                .collect();
            if let Some((_, right)) = rights.first() {
                Holder::new(who, role, right.start(), rights).check(findings);
            }
        }
    }
    for database in &who.evidence.templates {
        if let Some(tenant) = who.tenant_of_database(database) {
            let message = format!("every role with CREATEDB may copy database {database}");
            let statement = format!("ALTER DATABASE {} IS_TEMPLATE false", quote_identifier(database));
            let subject = format!("database.{database}");
            findings.add(
                Finding::new(&rules::DATABASE_IS_TEMPLATE, subject, message)
                    .tenant(Some(tenant))
                    .database(database)
                    .remedy(statement),
            );
        }
    }
}

fn address(database: &str, grantee: &Grantee) -> String {
    let address = Address::DatabaseGrant {
        database: database.to_owned(),
        grantee: grantee.clone(),
    };
    address.to_string()
}

fn public(who: &Who<'_>, database: &str, grant: &Grant, owner: &str, findings: &mut Findings) {
    let tenant = who.tenant_of_database(database);
    let held = grant
        .items
        .iter()
        .find(|item| item.privilege == Privilege::Connect);
    let name = quote_identifier(database);
    let subject = address(database, &Grantee::Public);
    let finding = match (tenant, held) {
        (Some(_), None) if !grant.items.is_empty() => {
            let words: Vec<_> = grant.privileges().into_iter().map(Privilege::as_str).collect();
            let message = format!("PUBLIC holds {} on database {database}", words.join(", "));
            Finding::new(&rules::PUBLIC_PRIVILEGE, subject, message)
                .remedy(format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"))
        }
        (_, None) => return,
        (_, Some(item)) => {
            let mut others = who.tenant_roles().filter(|(_, _, of)| Some(*of) != tenant);
            let example = others.next().map_or("any login role", |(role, _, _)| role);
            let tenants = others.count() + usize::from(example != "any login role");
            let message = format!(
                "PUBLIC may connect to database {database}: every login role, those of {} among them",
                count(tenants, "other tenant", "other tenants")
            );
            let message = match tenant {
                Some(_) => message,
                None => message.replace(" other tenant", " tenant"),
            };
            let right = Right::Connect {
                grantor: grantor(item, owner),
                grantable: false,
            };
            let path = vec![example.to_owned(), "PUBLIC".to_owned(), right.describe(database)];
            let finding = match tenant {
                Some(_) => Finding::new(&rules::PUBLIC_CONNECT, subject, message),
                None => Finding::new(&rules::SHARED_DATABASE_OPEN, subject, message).severity(shared(who)),
            };
            let statement = format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC");
            finding.path(path).remedy(statement)
        }
    };
    let mut finding = finding.tenant(tenant).database(database);
    finding.everyone = true;
    findings.add(finding);
}

/// Where the file says that shared databases are to be left alone, somebody has thought of it.
fn shared(who: &Who<'_>) -> Severity {
    match who.desired.shared_databases {
        SharedDatabases::Leave => Severity::Low,
        SharedDatabases::Close | SharedDatabases::Warn => Severity::Medium,
    }
}

/// What a tenant's role holds besides CONNECT and TEMPORARY on its own database.
fn more_than_declared(who: &Who<'_>, database: &str, role: &str, grant: &Grant, findings: &mut Findings) {
    let Some(tenant) = who.tenant_of_role(role) else {
        return;
    };
    let own = who.tenant_of_database(database) == Some(tenant);
    let (name, quoted) = (quote_identifier(database), quote_identifier(role));
    let subject = || address(database, &Grantee::Role(role.to_owned()));
    let finding = |rule, message| {
        Finding::new(rule, subject(), message)
            .tenant(who.tenant_of_database(database))
            .reacher(Some(tenant))
            .database(database)
    };
    let too_much = |privilege: &Privilege| match privilege {
        Privilege::Connect => false,
        Privilege::Temporary => !own,
        Privilege::Create | Privilege::Usage => true,
    };
    let words: Vec<_> = grant
        .privileges()
        .into_iter()
        .filter(too_much)
        .map(Privilege::as_str)
        .collect();
    // Next to CONNECT on a database that is not its own, the rest matters little.
    let connects = grant.privileges().contains(&Privilege::Connect);
    if !words.is_empty() && (own || !connects) {
        let words = words.join(", ");
        let message = format!("{role} holds {words} on database {database}");
        findings.add(
            finding(&rules::PRIVILEGE_BEYOND, message)
                .remedy(format!("REVOKE {words} ON DATABASE {name} FROM {quoted}")),
        );
    }
    if own && grant.items.iter().any(|item| item.grantable) {
        let message = format!("{role} may pass on what it holds on database {database}");
        findings.add(finding(&rules::GRANT_OPTION, message).remedy(format!(
            "REVOKE GRANT OPTION FOR ALL ON DATABASE {name} FROM {quoted} CASCADE"
        )));
    }
}

/// A role with rights of one kind, and everybody who comes to them.
struct Holder<'w, 'a> {
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
    fn new(who: &'w Who<'a>, role: &'a str, start: &[Way], rights: Vec<(&'a str, Right<'a>)>) -> Self {
        let reach = who.graph.reach(role, start, |at| who.is_inherent(at));
        Self {
            who,
            role,
            rights,
            reach,
        }
    }

    fn check(&self, findings: &mut Findings) {
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
                let subject = address(database, &Grantee::Role(role.to_owned()));
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
        let subject = match (top.first(), reachers.len()) {
            (Some(row), 1) => format!("membership.{}/{}", row.role, row.member),
            _ => format!("role.{}", self.role),
        };
        let mut finding = self
            .finding(kind, way, subject, message)
            .tenant(self.who.tenant_of_database(first))
            .database(first)
            .path(path)
            .remedy(statement);
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
        finding.databases = targets.into_iter().map(str::to_owned).collect();
        findings.add(finding);
    }
}
