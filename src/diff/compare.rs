//! Two objects of one address, field by field. Destructured in full: a new field has to be given a meaning here.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::model::{AccessKey, Database, Grant, GrantItem, IamRole, IamUser, Object, Password, Role};

/// One field that differs, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub name: String,
    /// As it lives.
    pub before: String,
    /// As it shall be.
    pub after: String,
}

impl FieldChange {
    pub(super) fn new(name: &str, before: impl Display, after: impl Display) -> Self {
        Self {
            name: name.to_owned(),
            before: before.to_string(),
            after: after.to_string(),
        }
    }
}

/// What differs; nothing when the two mean the same.
pub(super) fn compare(desired: &Object, live: &Object) -> Vec<FieldChange> {
    // Nearly always, and nothing has to be put into words then.
    if desired == live {
        return Vec::new();
    }
    match (desired, live) {
        // A path is part of an ARN and is compared before: see `hold`.
        (Object::IamUser(IamUser { path: _ }), Object::IamUser(IamUser { path: _ }))
        | (Object::Schema(_), Object::Schema(_))
        | (Object::Extension(_), Object::Extension(_)) => Vec::new(),
        (Object::IamRole(wanted), Object::IamRole(found)) => {
            let IamRole { path: _, trust } = wanted;
            field(
                "trust",
                trust == &found.trust,
                found.trust.pretty_lines(),
                trust.pretty_lines(),
            )
        }
        (Object::Policy(wanted), Object::Policy(found)) => field(
            "document",
            wanted == found,
            found.pretty_lines(),
            wanted.pretty_lines(),
        ),
        (Object::AccessKey(wanted), Object::AccessKey(found)) => {
            let AccessKey { id: _, status } = wanted;
            field(
                "status",
                status == &found.status,
                status_word(found),
                status_word(wanted),
            )
        }
        (Object::Role(wanted), Object::Role(found)) => roles(wanted, found),
        (Object::RoleSetting(wanted), Object::RoleSetting(found)) => field(
            "value",
            wanted == found,
            found.values.join(", "),
            wanted.values.join(", "),
        ),
        (Object::Membership(wanted), Object::Membership(found)) => field(
            "admin_option",
            wanted.admin_option == found.admin_option,
            found.admin_option,
            wanted.admin_option,
        ),
        (Object::Database(wanted), Object::Database(found)) => databases(wanted, found),
        (Object::Grant(wanted), Object::Grant(found)) => field(
            "privileges",
            wanted == found,
            privileges(found),
            privileges(wanted),
        ),
        // Addresses fix the kind, so two kinds under one address cannot be.
        _ => vec![FieldChange::new("kind", "another", "this")],
    }
}

fn field(name: &str, same: bool, before: impl Display, after: impl Display) -> Vec<FieldChange> {
    if same {
        Vec::new()
    } else {
        vec![FieldChange::new(name, before, after)]
    }
}

fn status_word(key: &AccessKey) -> &'static str {
    match key.status {
        crate::model::KeyStatus::Active => "active",
        crate::model::KeyStatus::Inactive => "inactive",
    }
}

fn roles(wanted: &Role, found: &Role) -> Vec<FieldChange> {
    let Role {
        login,
        superuser,
        create_database,
        create_role,
        replication,
        bypass_rls,
        connection_limit,
        password,
    } = wanted;
    let flags = [
        ("login", *login, found.login),
        ("superuser", *superuser, found.superuser),
        ("createdb", *create_database, found.create_database),
        ("createrole", *create_role, found.create_role),
        ("replication", *replication, found.replication),
        ("bypassrls", *bypass_rls, found.bypass_rls),
    ];
    let mut fields: Vec<_> = flags
        .into_iter()
        .filter(|(_, wanted, found)| wanted != found)
        .map(|(name, wanted, found)| FieldChange::new(name, found, wanted))
        .collect();
    if let Some(limit) = connection_limit
        && Some(*limit) != found.connection_limit
    {
        fields.push(FieldChange::new(
            "connection_limit",
            found.connection_limit.unwrap_or(-1),
            limit,
        ));
    }
    // A password that we did not make may be in use: only its absence is enforced, never a replacement.
    let differs = match (password, found.password) {
        (Password::None, known) => known != Password::None,
        (Password::Set, known) => known == Password::None,
        (Password::Unknown, _) => false,
    };
    if differs {
        fields.push(FieldChange::new(
            "password",
            found.password.as_str(),
            password.as_str(),
        ));
    }
    fields
}

fn databases(wanted: &Database, found: &Database) -> Vec<FieldChange> {
    let Database {
        owner,
        state,
        deletion_policy,
    } = wanted;
    let mut fields = field("owner", owner == &found.owner, &found.owner, owner);
    fields.extend(field(
        "state",
        state == &found.state,
        state_word(found),
        state_word(wanted),
    ));
    fields.extend(field(
        "deletion_policy",
        deletion_policy == &found.deletion_policy,
        found.deletion_policy.as_str(),
        deletion_policy.as_str(),
    ));
    fields
}

fn state_word(database: &Database) -> &'static str {
    match database.state {
        crate::model::DatabaseState::Open => "open",
        crate::model::DatabaseState::Closed => "closed",
        crate::model::DatabaseState::Invalid => "invalid",
    }
}

/// `CONNECT, TEMPORARY`, or `nothing`.
pub(super) fn privileges(grant: &Grant) -> String {
    if grant.items.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<_> = grant
        .items
        .iter()
        .map(
            |GrantItem {
                 privilege,
                 grantor,
                 grantable,
             }| {
                let option = if *grantable { " WITH GRANT OPTION" } else { "" };
                match grantor {
                    crate::model::Grantor::Owner => format!("{privilege}{option}"),
                    crate::model::Grantor::Role(name) => format!("{privilege}{option} (granted by {name})"),
                }
            },
        )
        .collect();
    words.join(", ")
}
