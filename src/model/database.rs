//! Databases and what is inside them.

use serde::{Deserialize, Serialize};

use crate::address::Name;

/// What happens to a tenant's data when the tenant leaves the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionPolicy {
    /// Databases and the role that owns what is in them stay.
    #[default]
    Retain,
    /// Databases are dropped.
    Delete,
}

impl DeletionPolicy {
    /// As the file and the ledger spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retain => "retain",
            Self::Delete => "delete",
        }
    }
}

/// Whether a database takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseState {
    /// `datallowconn` is true.
    Open,
    /// `datallowconn` is false: being created, or closed by somebody.
    Closed,
    /// `datconnlimit = -2`: a DROP DATABASE was interrupted; it can only be dropped.
    Invalid,
}

/// A database, from `pg_database` and the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// The owning role: the admin, never the tenant, because an owner may open its database to anybody.
    pub owner: Name,
    /// Whether it takes connections.
    pub state: DatabaseState,
    /// What the ledger remembers of the tenant's wish; `retain` where nothing is remembered.
    pub deletion_policy: DeletionPolicy,
}

/// A schema, from `pg_namespace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {}

/// An installed extension, from `pg_extension`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {}
