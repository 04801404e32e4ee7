//! Changes of Postgres objects as statements.

use std::collections::BTreeSet;

use super::build::{Context, Draft, forget, own};
use super::grants;
use super::sql::{Expectation, SqlCommand};
use super::step::{Command, PasswordRecord, Phase, Record};
use crate::address::{Address, Name};
use crate::diff::{Action, Change};
use crate::model::quote::{quote_identifier as ident, quote_literal as literal};
use crate::model::{
    Database, DatabaseState, DeletionPolicy, Membership, Object, Password, Role, RoleSetting,
};

pub(super) fn drafts(context: &Context<'_>, change: &Change) -> Vec<Draft> {
    match &*change.address {
        Address::Role { name } => role(context, change, name),
        Address::RoleSetting { role, name } => setting(change, role, name),
        Address::Membership { role, member } => membership(context, change, role, member),
        Address::Database { name } => database(context, change, name),
        Address::DatabaseGrant { .. } | Address::SchemaGrant { .. } => grants::drafts(context, change),
        Address::Schema { database, name } => {
            inside(database, vec![format!("CREATE SCHEMA {}", ident(name))])
        }
        Address::Extension { database, name } => inside(
            database,
            // The target schema is named by search_path, because some extensions insist on one of their own.
            vec![
                "SET LOCAL search_path = public".to_owned(),
                format!("CREATE EXTENSION IF NOT EXISTS {}", ident(name)),
                "SET LOCAL search_path = pg_catalog".to_owned(),
            ],
        ),
        _ => Vec::new(),
    }
}

/// A step in the admin database.
pub(super) fn admin(phase: Phase, statements: Vec<String>, expect: Vec<Expectation>) -> Draft {
    Draft::new(phase, Command::Admin(SqlCommand::new(statements, expect)))
}

fn inside(database: &str, statements: Vec<String>) -> Vec<Draft> {
    let sql = SqlCommand::new(statements, []);
    vec![Draft::new(
        Phase::Inside,
        Command::Inside {
            database: database.into(),
            sql,
        },
    )]
}

fn role(context: &Context<'_>, change: &Change, name: &str) -> Vec<Draft> {
    match &change.action {
        Action::Create(Object::Role(role)) => {
            let mut statement = format!(
                "CREATE ROLE {} {}",
                ident(name),
                if role.login { "LOGIN" } else { "NOLOGIN" }
            );
            if let Some(limit) = role.connection_limit {
                statement.push_str(&format!(" CONNECTION LIMIT {limit}"));
            }
            let born = knows_password(name, Password::None, None);
            let create = admin(Phase::Role, vec![statement], Vec::new())
                .record(own(change))
                .record(born);
            let mut drafts = vec![create];
            drafts.extend(password(context, change, name, role));
            drafts
        }
        Action::Update {
            before: Object::Role(before),
            after: Object::Role(after),
        } => altered(context, change, name, before, after),
        Action::Delete(_) => dropped(context, change, name),
        Action::Adopt(_) => vec![Draft::new(Phase::Role, Command::Record).record(own(change))],
        _ => Vec::new(),
    }
}

/// That it shall go is written down first: once its databases are gone, nothing else would tell.
fn dropped(context: &Context<'_>, change: &Change, name: &str) -> Vec<Draft> {
    let statement = format!("ALTER ROLE {} NOLOGIN", ident(name));
    let mut drafts = vec![admin(Phase::CutAccess, vec![statement], Vec::new()).record(to_go(change))];
    for (database, owners) in &change.rest.disown {
        let revoke = format!("DROP OWNED BY {}", ident(name));
        let command = Command::DropOwned {
            role: name.into(),
            database: database.clone(),
            statements: as_member(context, owners.iter().map(Name::as_str).chain([name]), revoke).into(),
        };
        drafts.push(Draft::new(Phase::DropOwned, command));
    }
    let statement = format!("DROP ROLE {}", ident(name));
    drafts.push(admin(Phase::DropRole, vec![statement], Vec::new()).record(forget(change)));
    drafts
}

fn to_go(change: &Change) -> Record {
    Record::DeletionPolicy {
        address: change.address.clone(),
        policy: DeletionPolicy::Delete,
    }
}

fn password(context: &Context<'_>, change: &Change, name: &str, role: &Role) -> Option<Draft> {
    let handover = context.handover(change.tenant.as_ref()?)?;
    (role.password == Password::Set).then(|| {
        let recipient = Some(handover.recipient.clone());
        let command = Command::HandOverPassword {
            role: name.into(),
            handover,
        };
        Draft::new(Phase::HandOver, command).record(knows_password(name, Password::Set, recipient))
    })
}

fn knows_password(role: &str, password: Password, recipient: Option<String>) -> Record {
    Record::Password(Box::new(PasswordRecord {
        role: role.into(),
        password,
        recipient,
    }))
}

fn altered(context: &Context<'_>, change: &Change, name: &str, before: &Role, after: &Role) -> Vec<Draft> {
    let words = attributes(before, after);
    let mut drafts = Vec::new();
    let loses_password = after.password == Password::None && before.password != Password::None;
    if !words.is_empty() || loses_password {
        let mut statement = format!("ALTER ROLE {}", ident(name));
        for word in &words {
            statement.push(' ');
            statement.push_str(word);
        }
        if loses_password {
            statement.push_str(" PASSWORD NULL");
        }
        let phase = if before.login && !after.login {
            Phase::CutAccess
        } else {
            Phase::Role
        };
        let mut draft = admin(phase, vec![statement], Vec::new());
        if loses_password {
            draft = draft.record(knows_password(name, Password::None, None));
        }
        drafts.push(draft);
    }
    if before.password == Password::None {
        drafts.extend(password(context, change, name, after));
    }
    // One that cannot go yet: see `left_over_roles`.
    if change.fields.iter().any(|field| field.name == "deletion_policy") {
        drafts.push(Draft::new(Phase::CutAccess, Command::Record).record(to_go(change)));
    }
    drafts
}

/// Only what differs: on Postgres 16 a CREATEROLE admin may not even repeat an attribute that it lacks itself.
fn attributes(before: &Role, after: &Role) -> Vec<String> {
    let flags = [
        ("LOGIN", before.login, after.login),
        ("SUPERUSER", before.superuser, after.superuser),
        ("CREATEDB", before.create_database, after.create_database),
        ("CREATEROLE", before.create_role, after.create_role),
        ("REPLICATION", before.replication, after.replication),
        ("BYPASSRLS", before.bypass_rls, after.bypass_rls),
    ];
    let mut words: Vec<_> = flags
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(word, _, after)| {
            if after {
                word.to_owned()
            } else {
                format!("NO{word}")
            }
        })
        .collect();
    if let Some(limit) = after
        .connection_limit
        .filter(|limit| Some(*limit) != before.connection_limit)
    {
        words.push(format!("CONNECTION LIMIT {limit}"));
    }
    words
}

fn setting(change: &Change, role: &str, name: &str) -> Vec<Draft> {
    let parameter: Vec<_> = name.split('.').map(ident).collect();
    let parameter = parameter.join(".");
    let draft = match &change.action {
        Action::Create(Object::RoleSetting(setting))
        | Action::Update {
            after: Object::RoleSetting(setting),
            ..
        } => {
            let RoleSetting { values } = setting;
            let values: Vec<_> = values.iter().map(|value| literal(value)).collect();
            let statement = format!(
                "ALTER ROLE {} SET {parameter} = {}",
                ident(role),
                values.join(", ")
            );
            admin(Phase::Role, vec![statement], Vec::new()).record(own(change))
        }
        Action::Delete(_) => {
            let statement = format!("ALTER ROLE {} RESET {parameter}", ident(role));
            admin(Phase::Role, vec![statement], Vec::new()).record(forget(change))
        }
        _ => return Vec::new(),
    };
    vec![draft]
}

fn membership(context: &Context<'_>, change: &Change, role: &str, member: &str) -> Vec<Draft> {
    let expect = |present| {
        vec![Expectation::Membership {
            role: role.into(),
            member: member.into(),
            present,
        }]
    };
    let revoke = |what: &str, grantors: &BTreeSet<Name>| -> Vec<String> {
        let statement = format!("REVOKE {what}{} FROM {}", ident(role), ident(member));
        // From 16 on there is a row per grantor and a REVOKE removes only what its grantor gave, so each is named.
        // Before there is one row, whose grantor may be gone; any REVOKE removes it.
        if !context.live.server.power.scoped_create_role() {
            return vec![format!("{statement} CASCADE")];
        }
        grantors
            .iter()
            .map(|grantor| format!("{statement} GRANTED BY {} CASCADE", ident(grantor)))
            .collect()
    };
    match &change.action {
        Action::Create(_) => {
            let command = Command::GrantMembership {
                role: role.into(),
                member: member.into(),
            };
            vec![Draft::new(Phase::Membership, command)]
        }
        Action::Update {
            before: Object::Membership(Membership { grantors, .. }),
            ..
        } => {
            let statements = revoke("ADMIN OPTION FOR ", grantors);
            vec![admin(Phase::Membership, statements, expect(true))]
        }
        Action::Delete(Object::Membership(Membership { grantors, .. })) => {
            // One tenant that is another loses that before anything else can fail; one that no longer logs in by IAM
            // keeps its way in until the next is about to be made.
            let phase = if context.desired.capabilities.iam_login_role == Some(role) {
                Phase::Membership
            } else {
                Phase::CutAccess
            };
            vec![admin(phase, revoke("", grantors), expect(false))]
        }
        _ => Vec::new(),
    }
}

fn database(context: &Context<'_>, change: &Change, name: &str) -> Vec<Draft> {
    let open = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", ident(name));
    match &change.action {
        Action::Create(Object::Database(database)) => {
            // Closed from its first moment: PUBLIC may connect to a new database until the revoke.
            let statement = format!(
                "CREATE DATABASE {} TEMPLATE template0 ALLOW_CONNECTIONS false",
                ident(name)
            );
            let create = Draft::new(
                Phase::Database,
                Command::Alone {
                    statement: statement.into(),
                },
            )
            .record(own(change))
            .record(policy(name, database));
            vec![create, admin(Phase::Open, vec![open], Vec::new())]
        }
        Action::Update {
            before: Object::Database(before),
            after: Object::Database(after),
        } => {
            let mut drafts = Vec::new();
            if before.owner != after.owner {
                let statements = take_over(context, name, &before.owner, &after.owner);
                drafts.push(admin(Phase::Close, statements, Vec::new()));
            }
            if before.state == DatabaseState::Closed && after.state == DatabaseState::Open {
                drafts.push(admin(Phase::Open, vec![open], Vec::new()));
            }
            if before.deletion_policy != after.deletion_policy {
                drafts.push(Draft::new(Phase::Database, Command::Record).record(policy(name, after)));
            }
            drafts
        }
        Action::Delete(_) => {
            let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", ident(name));
            vec![
                Draft::new(
                    Phase::DropDatabase,
                    Command::Alone {
                        statement: statement.into(),
                    },
                )
                .record(forget(change)),
            ]
        }
        Action::Adopt(_) => vec![Draft::new(Phase::Database, Command::Record).record(own(change))],
        _ => Vec::new(),
    }
}

fn policy(name: &str, database: &Database) -> Record {
    Record::DeletionPolicy {
        address: Address::Database { name: name.into() }.into(),
        policy: database.deletion_policy,
    }
}

/// Owner to owner.
fn take_over(context: &Context<'_>, name: &str, before: &str, after: &str) -> Vec<String> {
    let alter = format!("ALTER DATABASE {} OWNER TO {}", ident(name), ident(after));
    as_member(context, [before], alter)
}

/// A statement that takes the privileges of some roles. Where the admin has no part in one it takes one for the length of
/// the transaction: nobody else ever sees it, so it cannot drag the admin into what that role is a member of.
fn as_member<'a>(
    context: &Context<'_>,
    roles: impl IntoIterator<Item = &'a str>,
    statement: String,
) -> Vec<String> {
    let power = &context.live.server.power;
    let roles: Vec<_> = roles
        .into_iter()
        .filter(|role| !power.has_privileges_of(role))
        .map(ident)
        .collect();
    if roles.is_empty() {
        return vec![statement];
    }
    let options = if power.scoped_create_role() {
        " WITH INHERIT TRUE, SET TRUE"
    } else {
        ""
    };
    let (roles, admin) = (roles.join(", "), ident(&power.admin));
    vec![
        format!("GRANT {roles} TO {admin}{options}"),
        statement,
        format!("REVOKE {roles} FROM {admin} GRANTED BY {admin}"),
    ]
}
