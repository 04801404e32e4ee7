//! Privileges: the fewest statements from what is held to what shall be, additions first.

use std::collections::BTreeSet;

use super::build::{Context, Draft, forget, own};
use super::sql::{Expectation, SqlCommand};
use super::sql_steps::admin;
use super::step::{Command, Phase, Record, Records};
use crate::address::{Address, Grantee};
use crate::diff::{Action, Change};
use crate::model::quote::quote_identifier as ident;
use crate::model::{Grant, Grantor, Object, Privilege};

pub(super) fn drafts(context: &Context<'_>, change: &Change) -> Vec<Draft> {
    let nothing = Grant::default();
    let (before, after) = match &change.action {
        Action::Create(Object::Grant(after)) => (&nothing, after),
        Action::Update {
            before: Object::Grant(before),
            after: Object::Grant(after),
        } => (before, after),
        Action::Delete(Object::Grant(before)) => (before, &nothing),
        _ => return Vec::new(),
    };
    match &*change.address {
        Address::DatabaseGrant { database, grantee } => {
            if change.tenant.is_none() {
                return vec![shared(context, change, database, grantee, before, after)];
            }
            let on = format!("DATABASE {}", ident(database));
            let statements = statements(context, &on, grantee, before, after);
            // What only goes, goes early: an extension that fails must not keep a stranger in.
            let phase = if *grantee == Grantee::Public || after.items.is_empty() {
                Phase::Close
            } else {
                Phase::Grant
            };
            vec![admin(phase, statements, vec![expect(database, grantee, after)])]
        }
        Address::SchemaGrant { schema, grantee, .. } if change.tenant.is_none() => {
            vec![ledger(change, schema, grantee, after)]
        }
        Address::SchemaGrant {
            database,
            schema,
            grantee,
        } => {
            let on = format!("SCHEMA {}", ident(schema));
            let statements = statements(context, &on, grantee, before, after);
            let expectation = Expectation::SchemaGrant {
                schema: schema.clone(),
                grantee: grantee.clone(),
                grant: after.clone(),
            };
            let sql = SqlCommand::new(statements, [expectation]);
            vec![Draft::new(
                Phase::Inside,
                Command::Inside {
                    database: database.clone(),
                    sql,
                },
            )]
        }
        _ => Vec::new(),
    }
}

fn expect(database: &str, grantee: &Grantee, grant: &Grant) -> Expectation {
    Expectation::DatabaseGrant {
        database: database.into(),
        grantee: grantee.clone(),
        grant: grant.clone(),
    }
}

/// A reader and the ledger. SELECT is on every table, those that a later version adds too: whatever was held goes first.
fn ledger(change: &Change, schema: &str, grantee: &Grantee, after: &Grant) -> Draft {
    let on_tables = format!("ALL TABLES IN SCHEMA {}", ident(schema));
    let on = format!("SCHEMA {}", ident(schema));
    let who = who(grantee);
    let mut statements = vec![
        format!("REVOKE ALL ON {on_tables} FROM {who}"),
        format!("REVOKE ALL ON {on} FROM {who}"),
    ];
    let mut usage = after.clone();
    usage.items.retain(|item| item.privilege != Privilege::Select);
    let record = if after.items.is_empty() {
        forget(change)
    } else {
        statements.push(format!("GRANT USAGE ON {on} TO {who}"));
        statements.push(format!("GRANT SELECT ON {on_tables} TO {who}"));
        own(change)
    };
    let expectation = Expectation::SchemaGrant {
        schema: schema.into(),
        grantee: grantee.clone(),
        grant: usage,
    };
    admin(Phase::SharedDatabase, statements, vec![expectation]).record(record)
}

fn who(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Public => "PUBLIC".to_owned(),
        Grantee::Role(name) => ident(name),
    }
}

/// A database that is nobody's. What PUBLIC had goes to each login role by name in the same transaction.
fn shared(
    context: &Context<'_>,
    change: &Change,
    database: &str,
    grantee: &Grantee,
    before: &Grant,
    after: &Grant,
) -> Draft {
    let on = format!("DATABASE {}", ident(database));
    let had: BTreeSet<Privilege> = before.privileges();
    let mut all = Vec::new();
    let mut expectations = Vec::new();
    let mut records = Records::new();
    if !change.rest.keep.is_empty() && !had.is_empty() {
        let roles: Vec<_> = change.rest.keep.iter().map(|role| ident(role)).collect();
        all.push(format!("GRANT {} ON {on} TO {}", words(&had), roles.join(", ")));
        for role in &change.rest.keep {
            let grantee = Grantee::Role(role.clone());
            let mut grant = context
                .live
                .world
                .database_grant(database, &grantee)
                .cloned()
                .unwrap_or_default();
            for privilege in &had {
                if !grant
                    .items
                    .iter()
                    .any(|item| item.privilege == *privilege && item.grantor == Grantor::Owner)
                {
                    grant.items.extend(Grant::by_owner(&[*privilege]).items);
                }
            }
            expectations.push(expect(database, &grantee, &grant));
            let address = Address::DatabaseGrant {
                database: database.into(),
                grantee,
            };
            records.push(Record::Own {
                address: address.into(),
                tenant: None,
            });
        }
    }
    all.extend(statements(context, &on, grantee, before, after));
    expectations.push(expect(database, grantee, after));
    if after.items.is_empty() && matches!(grantee, Grantee::Role(_)) {
        records.push(Record::Forget {
            address: change.address.clone(),
        });
    }
    let mut draft = admin(Phase::SharedDatabase, all, expectations);
    draft.records = records;
    draft
}

/// What one grantee gets and loses on one object.
fn statements(
    context: &Context<'_>,
    on: &str,
    grantee: &Grantee,
    before: &Grant,
    after: &Grant,
) -> Vec<String> {
    let who = who(grantee);
    let mut statements = Vec::new();
    let owned = |grant: &Grant| -> BTreeSet<Privilege> {
        grant
            .items
            .iter()
            .filter(|item| item.grantor == Grantor::Owner)
            .map(|item| item.privilege)
            .collect()
    };
    let missing: BTreeSet<_> = owned(after).difference(&owned(before)).copied().collect();
    if !missing.is_empty() {
        statements.push(format!("GRANT {} ON {on} TO {who}", words(&missing)));
    }
    let extra: BTreeSet<_> = owned(before).difference(&owned(after)).copied().collect();
    if !extra.is_empty() {
        let all = extra == owned(before) && after.items.is_empty();
        let what = if all { "ALL".to_owned() } else { words(&extra) };
        let cascade = if before.items.iter().any(|item| item.grantable) {
            " CASCADE"
        } else {
            ""
        };
        statements.push(format!("REVOKE {what} ON {on} FROM {who}{cascade}"));
    }
    for item in before.items.difference(&after.items) {
        let privilege = item.privilege;
        match &item.grantor {
            Grantor::Owner if item.grantable && owned(after).contains(&privilege) => {
                statements.push(format!(
                    "REVOKE GRANT OPTION FOR {privilege} ON {on} FROM {who} CASCADE"
                ));
            }
            Grantor::Owner => {}
            // Only its grantor can revoke an item, or the owner by taking the grantor's own option away.
            Grantor::Role(grantor) if context.live.server.power.may_become(grantor) => {
                statements.push(format!("SET LOCAL ROLE {}", ident(grantor)));
                statements.push(format!("REVOKE {privilege} ON {on} FROM {who} CASCADE"));
                statements.push("RESET ROLE".to_owned());
            }
            Grantor::Role(grantor) => {
                statements.push(format!(
                    "REVOKE GRANT OPTION FOR {privilege} ON {on} FROM {} CASCADE",
                    ident(grantor)
                ));
            }
        }
    }
    statements
}

fn words(privileges: &BTreeSet<Privilege>) -> String {
    let words: Vec<_> = privileges.iter().map(|privilege| privilege.as_str()).collect();
    words.join(", ")
}
