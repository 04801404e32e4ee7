//! Privileges on databases and schemas, as ACL items.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::sorted::Sorted;
use crate::address::Name;

/// A privilege on a database or a schema, as `aclexplode()` spells it.
///
/// <https://www.postgresql.org/docs/current/ddl-priv.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Privilege {
    /// On a database: make schemas. In a schema: make objects.
    Create,
    /// On a database: connect.
    Connect,
    /// On a database: make temporary tables.
    Temporary,
    /// In a schema: look objects up.
    Usage,
    /// In the ledger's schema: read every table.
    Select,
}

impl Privilege {
    /// The SQL keyword.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Connect => "CONNECT",
            Self::Temporary => "TEMPORARY",
            Self::Usage => "USAGE",
            Self::Select => "SELECT",
        }
    }

    /// The privilege of a keyword from `aclexplode()`; `None` for one this version does not know.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "CREATE" => Some(Self::Create),
            "CONNECT" => Some(Self::Connect),
            "TEMPORARY" | "TEMP" => Some(Self::Temporary),
            "USAGE" => Some(Self::Usage),
            "SELECT" => Some(Self::Select),
            _ => None,
        }
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who granted an ACL item. A REVOKE removes only what its own grantor gave.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantor {
    /// The object's owner, whoever that is: what a plain GRANT by the owner records.
    Owner,
    /// Another role, by GRANT OPTION.
    Role(Name),
}

/// One item of an ACL, without its grantee.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantItem {
    /// What is allowed.
    pub privilege: Privilege,
    /// By whom.
    pub grantor: Grantor,
    /// Whether the grantee may pass it on.
    pub grantable: bool,
}

/// All that one grantee holds on one object. An empty set says "nothing", which for PUBLIC has to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grant {
    /// The items.
    pub items: Sorted<GrantItem>,
}

impl Grant {
    /// Privileges granted by the owner, none of which may be passed on.
    pub fn by_owner(privileges: &[Privilege]) -> Self {
        let items = privileges
            .iter()
            .map(|&privilege| GrantItem {
                privilege,
                grantor: Grantor::Owner,
                grantable: false,
            })
            .collect();
        Self { items }
    }

    /// The privileges, whoever granted them.
    pub fn privileges(&self) -> BTreeSet<Privilege> {
        self.items.iter().map(|item| item.privilege).collect()
    }
}
