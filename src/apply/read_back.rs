//! Reading back what a statement should have done: Postgres answers a REVOKE that revoked nothing with success.

use super::ApplyError;
use crate::address::Grantee;
use crate::live::connect::Session;
use crate::model::{Grant, GrantItem, Grantor, Privilege};
use crate::plan::Expectation;

const DATABASE: &str = "
SELECT x.grantor = d.datdba AS by_owner, b.rolname::text AS grantor, x.privilege_type AS privilege,
       x.is_grantable AS grantable
FROM pg_database d
CROSS JOIN LATERAL aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
LEFT JOIN pg_roles b ON b.oid = x.grantor
WHERE d.datname = $1
  AND CASE WHEN $2::text IS NULL THEN x.grantee = 0
           ELSE x.grantee = (SELECT oid FROM pg_roles WHERE rolname = $2) END";

const SCHEMA: &str = "
SELECT x.grantor = n.nspowner AS by_owner, b.rolname::text AS grantor, x.privilege_type AS privilege,
       x.is_grantable AS grantable
FROM pg_namespace n
CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
LEFT JOIN pg_roles b ON b.oid = x.grantor
WHERE n.nspname = $1
  AND CASE WHEN $2::text IS NULL THEN x.grantee = 0
           ELSE x.grantee = (SELECT oid FROM pg_roles WHERE rolname = $2) END";

const MEMBERSHIP: &str = "
SELECT EXISTS (SELECT FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
               WHERE g.rolname = $1 AND m.rolname = $2)";

/// Checks what has to be true before a transaction commits.
///
/// # Errors
/// It is not.
pub(super) async fn check(session: &Session, expectation: &Expectation) -> Result<(), ApplyError> {
    match expectation {
        Expectation::DatabaseGrant {
            database,
            grantee,
            grant,
        } => {
            let found = read(session, DATABASE, database, grantee).await?;
            same(&format!("database {database}"), grantee, grant, &found)
        }
        Expectation::SchemaGrant {
            schema,
            grantee,
            grant,
        } => {
            let found = read(session, SCHEMA, schema, grantee).await?;
            same(
                &format!("schema {schema} of {}", session.database),
                grantee,
                grant,
                &found,
            )
        }
        Expectation::Membership {
            role,
            member,
            present,
        } => {
            let row = session
                .query_one(MEMBERSHIP, &[&role.as_str(), &member.as_str()])
                .await;
            let found: bool = row.map_err(|error| ApplyError::sql(session, error))?.get(0);
            if found == *present {
                return Ok(());
            }
            let is = if found { "still is" } else { "is not" };
            Err(ApplyError::ReadBack(format!(
                "\"{member}\" {is} a member of \"{role}\""
            )))
        }
    }
}

async fn read(session: &Session, sql: &str, object: &str, grantee: &Grantee) -> Result<Grant, ApplyError> {
    let role = match grantee {
        Grantee::Public => None,
        Grantee::Role(name) => Some(name.as_str()),
    };
    let rows = session
        .query(sql, &[&object, &role])
        .await
        .map_err(|error| ApplyError::sql(session, error))?;
    let items = rows.iter().filter_map(|row| {
        let grantor = if row.get("by_owner") {
            Grantor::Owner
        } else {
            Grantor::Role(row.get::<_, Option<&str>>("grantor").unwrap_or_default().into())
        };
        let privilege = Privilege::parse(row.get("privilege"))?;
        Some(GrantItem {
            privilege,
            grantor,
            grantable: row.get("grantable"),
        })
    });
    Ok(Grant {
        items: items.collect(),
    })
}

fn same(object: &str, grantee: &Grantee, wanted: &Grant, found: &Grant) -> Result<(), ApplyError> {
    if wanted == found {
        return Ok(());
    }
    let words = |grant: &Grant| {
        let words: Vec<_> = grant.privileges().iter().map(ToString::to_string).collect();
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }
    };
    Err(ApplyError::ReadBack(format!(
        "{grantee} holds {} on {object} where it should hold {}",
        words(found),
        words(wanted)
    )))
}
