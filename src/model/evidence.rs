//! What only an audit has to know, besides the world: what is inside databases, who hangs on what, and the whole account.

use std::collections::{BTreeMap, BTreeSet};

use super::account::{Account, UserKeys};
use crate::address::{Grantee, Name};

/// Something that was read, or why it was not.
#[derive(Clone, Debug)]
pub enum Known<T> {
    /// It was read.
    Yes(T),
    /// It could not be read: the reason, a phrase.
    No(String),
    /// Nobody asked for it.
    NotAsked,
}

/// What an audit looks at besides [`super::World`].
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What is inside each database that was looked into.
    pub inside: BTreeMap<Name, Vec<Fact>>,
    /// Databases that should have been looked into and could not be, and why.
    pub unopened: BTreeMap<Name, String>,
    /// Nobody wanted the insides of databases.
    pub shallow: bool,
    /// Databases that any role with CREATEDB may copy: `datistemplate`.
    pub templates: BTreeSet<String>,
    /// What roles own or were granted inside databases, counted.
    pub dependencies: Vec<Dependency>,
    /// Grants on configuration parameters.
    pub parameters: Vec<ParameterGrant>,
    /// Subscriptions of logical replication.
    pub subscriptions: Vec<Subscription>,
    /// Every identity of the AWS account.
    pub account: Known<Account>,
    /// Access keys by user.
    pub keys: Known<BTreeMap<String, UserKeys>>,
    /// When it was read, as RFC 3339 in UTC.
    pub read_at: String,
    /// The same in seconds since 1970.
    pub read_at_seconds: i64,
}

/// What kind of thing a [`Fact`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// A privilege in a schema.
    Schema,
    /// A function that runs with its owner's rights; `detail` is the `search_path` it pins, empty for none, and
    /// `grantee` is PUBLIC where everybody may call it.
    DefinerFunction,
    /// A procedural language that is not trusted.
    UntrustedLanguage,
    /// An installed extension; `detail` is its schema.
    Extension,
    /// A foreign server; `detail` is its wrapper.
    Server,
    /// A privilege on a foreign server.
    ServerGrant,
    /// A privilege on a foreign-data wrapper.
    WrapperGrant,
    /// Credentials for a foreign server; `name` is the server.
    UserMapping,
    /// A privilege on what `owner` will create; `name` is the schema, empty for all, `detail` the kind of object.
    DefaultGrant,
    /// A function that runs as whoever causes an event; `owner` is the function's, `detail` the event.
    EventTrigger,
}

/// One thing inside a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub kind: FactKind,
    /// Its name, with its schema where it has one.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Who holds the privilege, where it is about one.
    pub grantee: Option<Grantee>,
    /// The privilege, as `aclexplode()` spells it; empty where it is not about one.
    pub privilege: String,
    /// The privilege may be passed on.
    pub grantable: bool,
    /// What else there is to know.
    pub detail: String,
}

/// Rows of `pg_shdepend` of one role, database and catalog: what the role owns, or was granted, there.
///
/// <https://www.postgresql.org/docs/current/catalog-pg-shdepend.html>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The database.
    pub database: String,
    /// The role.
    pub role: String,
    /// The catalog that the objects stand in, such as `pg_class`.
    pub catalog: String,
    /// It owns them; otherwise their ACLs name it.
    pub owns: bool,
    /// How many there are.
    pub objects: i64,
}

/// A grant on a configuration parameter, from `pg_parameter_acl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterGrant {
    /// The parameter.
    pub parameter: String,
    /// Who.
    pub grantee: Grantee,
    /// `SET` or `ALTER SYSTEM`.
    pub privilege: String,
}

/// A subscription of logical replication, from `pg_subscription`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The database that receives.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
}
