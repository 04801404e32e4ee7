//! Postgres roles, their settings and memberships.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::quote::quote_identifier;
use crate::address::Name;

/// What is known of a role's password. `pg_authid` is closed to an RDS master, so the ledger remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Password {
    /// It has none.
    None,
    /// We made one and handed it over.
    Set,
    /// Live: nobody told us. Desired: whatever it is, leave it.
    Unknown,
}

impl Password {
    /// As the ledger spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Set => "set",
            Self::Unknown => "unknown",
        }
    }
}

/// A role, from `pg_roles`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the role attributes of Postgres are so many flags"
)]
pub struct Role {
    /// May log in.
    pub login: bool,
    /// SUPERUSER.
    pub superuser: bool,
    /// CREATEDB.
    pub create_database: bool,
    /// CREATEROLE.
    pub create_role: bool,
    /// REPLICATION.
    pub replication: bool,
    /// BYPASSRLS.
    pub bypass_rls: bool,
    /// Sessions at a time, -1 for any number. Desired `None`: not managed.
    pub connection_limit: Option<i32>,
    /// What is known of its password.
    pub password: Password,
}

/// One parameter of `ALTER ROLE .. SET`, in every database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleSetting {
    /// Its elements: one for most parameters, several for a list such as `search_path`.
    pub values: Vec<String>,
}

/// Parameters whose value is a list of identifiers, which Postgres stores quoted one by one (`GUC_LIST_QUOTE`).
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

impl RoleSetting {
    /// Reads a value as the file or `pg_db_role_setting` spells it.
    pub fn new(name: &str, value: &str) -> Self {
        if !LISTS.contains(&name.to_ascii_lowercase().as_str()) {
            return Self {
                values: vec![value.to_owned()],
            };
        }
        let mut values = Vec::new();
        let mut element = String::new();
        let mut quoted = false;
        let mut characters = value.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    element.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => values.push(std::mem::take(&mut element)),
                character if character.is_whitespace() && !quoted => {}
                character => element.push(character),
            }
        }
        values.push(element);
        Self { values }
    }

    /// The value as a file spells it: what [`Self::new`] reads as this setting.
    pub fn text(&self, name: &str) -> String {
        if !LISTS.contains(&name.to_ascii_lowercase().as_str()) {
            return self.values.concat();
        }
        let is_plain = |value: &str| {
            !value.is_empty() && !value.contains([',', '"']) && !value.contains(char::is_whitespace)
        };
        let element = |value: &String| match is_plain(value) {
            true => value.clone(),
            false => quote_identifier(value),
        };
        let elements: Vec<_> = self.values.iter().map(element).collect();
        elements.join(", ")
    }
}

/// What keeps a role from being dropped, in one place.
///
/// <https://www.postgresql.org/docs/current/catalog-pg-shdepend.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dependents {
    /// The role.
    pub role: Name,
    /// The database; `None` for something else that all databases share.
    pub database: Option<Name>,
    /// Inside the database, not the database itself.
    pub inside: bool,
    /// How many objects it owns there.
    pub owned: i64,
    /// How many objects it is granted something on, or has default privileges or policies for.
    pub privileges: i64,
    /// Who owns those.
    pub owners: BTreeSet<Name>,
}

/// A membership, from `pg_auth_members`, its rows per grantor folded into one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The member may grant the role on.
    pub admin_option: bool,
    /// Who granted it: each row can be revoked only as its own grantor. Not compared.
    pub grantors: BTreeSet<Name>,
}

#[cfg(test)]
mod tests {
    use super::RoleSetting;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for (name, value) in [
            ("search_path", "\"$user\", app, \"with \"\"quotes\"\", and more\""),
            ("search_path", "\"\""),
            ("statement_timeout", "30s"),
            ("app.text", "a, \"b\""),
        ] {
            let setting = RoleSetting::new(name, value);
            assert_eq!(RoleSetting::new(name, &setting.text(name)), setting, "{value}");
        }
    }
}
