//! Names of things: which tenant, which object.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// The name of an object. Up to 23 bytes, as most are, stand in the value itself; longer ones are shared by its copies. A world
/// holds some seventy names a tenant.
pub type Name = smol_str::SmolStr;

/// The name of a tenant as its block or list entry gives it, such as `client01`. Shared: it stands beside each object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct TenantId(Arc<str>);

impl From<String> for TenantId {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl TenantId {
    /// Wraps a name; `config` has refused the impossible ones before one gets here.
    pub fn new(name: impl AsRef<str>) -> Self {
        Self(name.as_ref().into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who receives a privilege. `PUBLIC` is a case of its own, so that no role name can ever become it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// Everybody: grantee 0 in an ACL.
    Public,
    /// One role, by its exact catalog name.
    Role(Name),
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("PUBLIC"),
            Self::Role(name) => f.write_str(name),
        }
    }
}

/// The address of one object that tenantctl manages. Its order is the order of every plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Address {
    /// A cluster, by its name in the file.
    Cluster {
        /// Its name.
        name: Name,
    },
    /// An IAM user.
    IamUser {
        /// Its name, without the path.
        name: Name,
    },
    /// An inline policy of an IAM user.
    IamUserPolicy {
        /// The user's name.
        user: Name,
        /// The policy's name.
        name: Name,
    },
    /// An IAM role.
    IamRole {
        /// Its name, without the path.
        name: Name,
    },
    /// An inline policy of an IAM role.
    IamRolePolicy {
        /// The role's name.
        role: Name,
        /// The policy's name.
        name: Name,
    },
    /// An access key of an IAM user.
    IamAccessKey {
        /// The user's name.
        user: Name,
        /// The key's id (`AKIA..`) where it is not the one tenantctl made; `None` for that one.
        id: Option<Name>,
    },
    /// A Postgres role.
    Role {
        /// Its catalog name.
        name: Name,
    },
    /// `ALTER ROLE .. SET` of one role, in every database.
    RoleSetting {
        /// The role.
        role: Name,
        /// The parameter.
        name: Name,
    },
    /// A membership: `GRANT role TO member`.
    Membership {
        /// The role that is granted.
        role: Name,
        /// The role that receives it.
        member: Name,
    },
    /// A database.
    Database {
        /// Its catalog name.
        name: Name,
    },
    /// What one grantee may do on a database.
    DatabaseGrant {
        /// The database.
        database: Name,
        /// Who.
        grantee: Grantee,
    },
    /// A schema in a database.
    Schema {
        /// The database.
        database: Name,
        /// The schema.
        name: Name,
    },
    /// What one grantee may do in a schema.
    SchemaGrant {
        /// The database.
        database: Name,
        /// The schema.
        schema: Name,
        /// Who.
        grantee: Grantee,
    },
    /// An extension in a database.
    Extension {
        /// The database.
        database: Name,
        /// The extension.
        name: Name,
    },
}

impl Address {
    /// The kind as `plan --json` and the ledger spell it, such as `iam_user_policy`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Cluster { .. } => "cluster",
            Self::IamUser { .. } => "iam_user",
            Self::IamUserPolicy { .. } => "iam_user_policy",
            Self::IamRole { .. } => "iam_role",
            Self::IamRolePolicy { .. } => "iam_role_policy",
            Self::IamAccessKey { .. } => "iam_access_key",
            Self::Role { .. } => "role",
            Self::RoleSetting { .. } => "role_setting",
            Self::Membership { .. } => "membership",
            Self::Database { .. } => "database",
            Self::DatabaseGrant { .. } => "database_grant",
            Self::Schema { .. } => "schema",
            Self::SchemaGrant { .. } => "schema_grant",
            Self::Extension { .. } => "extension",
        }
    }

    /// The object's name within its kind: its parts joined by `/`, such as `client01_db1/PUBLIC`.
    pub fn name(&self) -> String {
        match self {
            Self::Cluster { name }
            | Self::IamUser { name }
            | Self::IamRole { name }
            | Self::Role { name }
            | Self::Database { name } => name.to_string(),
            Self::IamUserPolicy { user, name } => format!("{user}/{name}"),
            Self::IamRolePolicy { role, name } | Self::RoleSetting { role, name } => {
                format!("{role}/{name}")
            }
            Self::IamAccessKey { user, id: None } => user.to_string(),
            Self::IamAccessKey { user, id: Some(id) } => format!("{user}/{id}"),
            Self::Membership { role, member } => format!("{role}/{member}"),
            Self::DatabaseGrant { database, grantee } => format!("{database}/{grantee}"),
            Self::Schema { database, name } | Self::Extension { database, name } => {
                format!("{database}/{name}")
            }
            Self::SchemaGrant {
                database,
                schema,
                grantee,
            } => format!("{database}/{schema}/{grantee}"),
        }
    }

    /// The database that has to be opened to see this object, if it lives inside one.
    pub fn inside_database(&self) -> Option<&Name> {
        match self {
            Self::Schema { database, .. }
            | Self::SchemaGrant { database, .. }
            | Self::Extension { database, .. } => Some(database),
            Self::Cluster { .. }
            | Self::IamUser { .. }
            | Self::IamUserPolicy { .. }
            | Self::IamRole { .. }
            | Self::IamRolePolicy { .. }
            | Self::IamAccessKey { .. }
            | Self::Role { .. }
            | Self::RoleSetting { .. }
            | Self::Membership { .. }
            | Self::Database { .. }
            | Self::DatabaseGrant { .. } => None,
        }
    }
}

/// An address that many hold: a world, marks and the ledger, and of a plan the changes, their steps and what those record. It
/// takes a hundred bytes, and there are a dozen a tenant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "Address")]
pub struct SharedAddress(Arc<Address>);

impl From<Address> for SharedAddress {
    fn from(address: Address) -> Self {
        Self(Arc::new(address))
    }
}

impl Deref for SharedAddress {
    type Target = Address;

    fn deref(&self) -> &Address {
        &self.0
    }
}

impl Borrow<Address> for SharedAddress {
    fn borrow(&self) -> &Address {
        self
    }
}

impl Serialize for SharedAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Address::serialize(self, serializer)
    }
}

impl fmt::Debug for SharedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for SharedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind(), self.name())
    }
}
