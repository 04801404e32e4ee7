//! What each database engine can do: the rows that access and isolation are looked up in.

use crate::address::{Address, Grantee};
use crate::model::{Grant, Object, Privilege, Schema, World};

/// The engines a `cluster` block may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Aurora PostgreSQL.
    Aurora,
    /// PostgreSQL run by its user; refused until built.
    Postgres,
}

/// What an engine offers to those who lower tenants onto it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The role whose members log in by IAM token, and by nothing else.
    pub iam_login_role: Option<&'static str>,
    /// Roles of the service itself, whose members are not tenants' business.
    pub service_databases: &'static [&'static str],
}

impl Engine {
    /// The engine's row; `None` for one that is not built yet.
    pub fn capabilities(self) -> Option<Capabilities> {
        match self {
            Self::Aurora => Some(Capabilities {
                iam_login_role: Some("rds_iam"),
                service_databases: &["rdsadmin"],
            }),
            Self::Postgres => None,
        }
    }
}

/// The schema of the ledger, in the admin database.
pub const LEDGER_SCHEMA: &str = "tenantctl";

/// The schema every database is born with.
pub const PUBLIC_SCHEMA: &str = "public";

/// What a database made from `template0` holds for PUBLIC before anybody has revoked anything, from Postgres 15 on.
///
/// <https://www.postgresql.org/docs/current/ddl-priv.html#PRIVILEGES-SUMMARY-TABLE>
pub fn fresh_database(name: &str) -> World {
    let mut world = World::default();
    world.insert(
        Address::DatabaseGrant {
            database: name.into(),
            grantee: Grantee::Public,
        },
        Object::Grant(Grant::by_owner(&[Privilege::Connect, Privilege::Temporary])),
    );
    world.insert(
        Address::Schema {
            database: name.into(),
            name: PUBLIC_SCHEMA.into(),
        },
        Object::Schema(Schema {}),
    );
    world.insert(
        Address::SchemaGrant {
            database: name.into(),
            schema: PUBLIC_SCHEMA.into(),
            grantee: Grantee::Public,
        },
        Object::Grant(Grant::by_owner(&[Privilege::Usage])),
    );
    world
}
