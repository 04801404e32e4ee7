//! Who can connect to which database, by sets: from each role that holds CONNECT down to those who come to it.
//!
//! A role may connect when it is a superuser, or when PUBLIC, it or a role whose privileges it has holds CONNECT:
//! <https://www.postgresql.org/docs/current/ddl-priv.html>. The owner of a database can grant itself anything on it.

use std::collections::BTreeMap;

use super::finding::{Finding, Findings, Severity, count};
use super::graph::Way;
use super::holder::Holder;
use super::rules;
use super::who::Who;
use crate::address::{Address, Grantee};
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

pub(super) fn address(database: &str, grantee: &Grantee) -> String {
    let address = Address::DatabaseGrant {
        database: database.into(),
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
    findings.add(finding.tenant(tenant).database(database).everyone());
}

/// Where the file says that shared databases are to be left alone, somebody has thought of it.
pub(super) fn shared(who: &Who<'_>) -> Severity {
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
    let subject = || address(database, &Grantee::Role(role.into()));
    let finding = |rule, message| {
        Finding::new(rule, subject(), message)
            .tenant(who.tenant_of_database(database))
            .reacher(Some(tenant))
            .database(database)
    };
    let too_much = |privilege: &Privilege| match privilege {
        Privilege::Connect => false,
        Privilege::Temporary => !own,
        Privilege::Create | Privilege::Usage | Privilege::Select => true,
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
