//! Reading back what statements should have done: Postgres answers a REVOKE that revoked nothing with success.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::ApplyError;
use crate::address::{Grantee, Name};
use crate::live::connect::Session;
use crate::model::quote::quote_literal;
use crate::model::{Grant, GrantItem, Grantor, Privilege};
use crate::plan::Expectation;

const DATABASES: &str = "
SELECT d.datname::text AS object, CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END AS grantee,
       CASE WHEN x.grantor <> d.datdba THEN pg_get_userbyid(x.grantor)::text END AS grantor,
       x.privilege_type AS privilege, x.is_grantable AS grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
WHERE d.datname = ANY ($1::name[])";

const SCHEMAS: &str = "
SELECT n.nspname::text AS object, CASE WHEN x.grantee <> 0 THEN pg_get_userbyid(x.grantee)::text END AS grantee,
       CASE WHEN x.grantor <> n.nspowner THEN pg_get_userbyid(x.grantor)::text END AS grantor,
       x.privilege_type AS privilege, x.is_grantable AS grantable
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
WHERE n.nspname IN ";

const MEMBERSHIPS: &str = "
SELECT g.rolname::text AS role, m.rolname::text AS member
FROM pg_auth_members a
JOIN pg_roles g ON g.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member
WHERE g.rolname = ANY ($1::name[]) AND m.rolname = ANY ($2::name[])";

/// What one grantee should hold on one object.
type Wanted<'e> = (&'e Name, &'e Grantee, &'e Grant);

/// Checks what has to be true before a transaction commits: a query a kind, however many there are.
///
/// # Errors
/// Something is not.
pub(super) async fn check(session: &Session, expectations: &[Expectation]) -> Result<(), ApplyError> {
    let (mut databases, mut schemas, mut memberships) = (Vec::new(), Vec::new(), Vec::new());
    for expectation in expectations {
        match expectation {
            Expectation::DatabaseGrant {
                database,
                grantee,
                grant,
            } => databases.push((database, grantee, grant)),
            Expectation::SchemaGrant {
                schema,
                grantee,
                grant,
            } => schemas.push((schema, grantee, grant)),
            Expectation::Membership {
                role,
                member,
                present,
            } => memberships.push((role.as_str(), member.as_str(), *present)),
        }
    }
    let failed = |error| ApplyError::sql(session, error);
    if !databases.is_empty() {
        let names = names(&databases);
        let rows = session.query(DATABASES, &[&names]).await.map_err(failed)?;
        same(&rows, &databases, |name| format!("database {name}"))?;
    }
    if !schemas.is_empty() {
        // The session is new, and asks this once: in one round trip.
        let names: Vec<_> = names(&schemas).into_iter().map(quote_literal).collect();
        let query = format!("{SCHEMAS}({})", names.join(", "));
        let rows = session.query_once(&query).await.map_err(failed)?;
        same(&rows, &schemas, |name| {
            format!("schema {name} of {}", session.database)
        })?;
    }
    if !memberships.is_empty() {
        let roles: BTreeSet<_> = memberships.iter().map(|(role, ..)| *role).collect();
        let roles: Vec<_> = roles.into_iter().collect();
        let members: Vec<_> = memberships.iter().map(|(_, member, _)| *member).collect();
        let rows = session.query(MEMBERSHIPS, &[&roles, &members]).await;
        are_members(&rows.map_err(failed)?, &memberships)?;
    }
    Ok(())
}

/// What there are expectations about, each once.
fn names<'e>(wanted: &[Wanted<'e>]) -> Vec<&'e str> {
    let names: BTreeSet<_> = wanted.iter().map(|(name, ..)| name.as_str()).collect();
    names.into_iter().collect()
}

fn same(rows: &[Row], wanted: &[Wanted<'_>], object: impl Fn(&str) -> String) -> Result<(), ApplyError> {
    let mut found: BTreeMap<(&str, Option<&str>), Vec<GrantItem>> = BTreeMap::new();
    for row in rows {
        let Some(privilege) = Privilege::parse(row.get("privilege")) else {
            continue;
        };
        let grantor: Option<&str> = row.get("grantor");
        let items = found.entry((row.get("object"), row.get("grantee"))).or_default();
        items.push(GrantItem {
            privilege,
            grantor: grantor.map_or(Grantor::Owner, |name| Grantor::Role(name.into())),
            grantable: row.get("grantable"),
        });
    }
    for (name, grantee, grant) in wanted {
        let role = match grantee {
            Grantee::Public => None,
            Grantee::Role(role) => Some(role.as_str()),
        };
        let items = found.get(&(name.as_str(), role)).into_iter().flatten();
        let held = Grant {
            items: items.cloned().collect(),
        };
        if held != **grant {
            return Err(ApplyError::ReadBack(format!(
                "{grantee} holds {} on {} where it should hold {}",
                words(&held),
                object(name),
                words(grant)
            )));
        }
    }
    Ok(())
}

fn words(grant: &Grant) -> String {
    let words: Vec<_> = grant.privileges().iter().map(ToString::to_string).collect();
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(", "),
    }
}

fn are_members(rows: &[Row], wanted: &[(&str, &str, bool)]) -> Result<(), ApplyError> {
    let found: BTreeSet<(&str, &str)> = rows
        .iter()
        .map(|row| (row.get("role"), row.get("member")))
        .collect();
    for (role, member, present) in wanted {
        let is = found.contains(&(*role, *member));
        if is != *present {
            let is = if is { "still is" } else { "is not" };
            return Err(ApplyError::ReadBack(format!(
                "\"{member}\" {is} a member of \"{role}\""
            )));
        }
    }
    Ok(())
}
