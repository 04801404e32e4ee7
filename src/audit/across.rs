//! What crosses databases: tenants' objects in those of others, and subscriptions. From the shared catalogs, so that it is
//! known of databases that nobody opened too.

use std::collections::BTreeMap;

use super::finding::{Finding, Findings, count};
use super::rules;
use super::who::Who;
use crate::model::quote::quote_identifier;

/// Adds what was found across databases.
pub(super) fn check(who: &Who<'_>, findings: &mut Findings) {
    dependencies(who, findings);
    for subscription in &who.evidence.subscriptions {
        let (database, name) = (&subscription.database, &subscription.name);
        let message = format!(
            "subscription {name} of {} copies into database {database}",
            subscription.owner
        );
        let subject = format!("subscription.{database}/{name}");
        findings.add(
            Finding::new(&rules::SUBSCRIPTION, subject, message)
                .tenant(who.tenant_of_database(database))
                .database(database)
                .remedy(format!(
                    "in {database}: DROP SUBSCRIPTION {}",
                    quote_identifier(name)
                )),
        );
    }
}

/// Catalogs whose ACLs are told more exactly once a database is open.
const TOLD_INSIDE: [&str; 4] = [
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_namespace",
    "pg_user_mapping",
];

/// Tenants' objects in databases that are not theirs: one finding a role and database.
fn dependencies(who: &Who<'_>, findings: &mut Findings) {
    let mut found: BTreeMap<(&str, &str), [i64; 2]> = BTreeMap::new();
    for dependency in &who.evidence.dependencies {
        let database = dependency.database.as_str();
        let Some(tenant) = who.tenant_of_role(&dependency.role) else {
            continue;
        };
        let told = who.evidence.inside.contains_key(database)
            && TOLD_INSIDE.contains(&dependency.catalog.as_str())
            && !(dependency.owns && dependency.catalog == "pg_namespace");
        if who.tenant_of_database(database) == Some(tenant) || told {
            continue;
        }
        found.entry((database, &dependency.role)).or_default()[usize::from(dependency.owns)] +=
            dependency.objects;
    }
    for ((database, role), [named, owned]) in found {
        let number = |objects: i64| usize::try_from(objects).unwrap_or_default();
        let whose = match who.tenant_of_database(database) {
            Some(tenant) => format!("database {database} of tenant {tenant}"),
            None => format!("database {database}, which is no tenant's"),
        };
        let what = match (named, owned) {
            (0, owned) => format!("owns {}", count(number(owned), "object", "objects")),
            (named, 0) => format!("was granted {}", count(number(named), "object", "objects")),
            (named, owned) => format!(
                "owns {owned} and was granted {}",
                count(number(named), "object", "objects")
            ),
        };
        let message = format!("{role} {what} in {whose}");
        findings.add(
            Finding::new(
                &rules::ROLE_IN_DATABASE,
                format!("role.{role}/{database}"),
                message,
            )
            .tenant(who.tenant_of_database(database))
            .reacher(who.tenant_of_role(role))
            .database(database)
            .path(vec![role.to_owned(), format!("objects in {database}")])
            .remedy(format!(
                "in {database}: REASSIGN OWNED BY {0} TO {1}; DROP OWNED BY {0}. Look at what it is first",
                quote_identifier(role),
                quote_identifier(&who.desired.admin)
            )),
        );
    }
}
