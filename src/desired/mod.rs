//! What the file asks for, lowered into objects. Pure.
//!
//! An isolation model is a function from a tenant to objects ([`database`]); how a tenant logs in is where it meets
//! the engine ([`access`]).

pub mod access;
pub mod clusters;
pub mod compile;
pub mod database;
pub mod lint;
pub mod naming;
pub mod permissions;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::address::{Address, Name, TenantId};
use crate::config::{Naming, SharedDatabases};
use crate::engine::Capabilities;
use crate::model::{ClusterFacts, DeletionPolicy, Digest, Object, Sorted, World};

pub use clusters::Elsewhere;
pub use compile::compile;

/// Everything the file asks for.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The ownership mark.
    pub workspace: Name,
    /// The cluster it is asked of.
    pub facts: ClusterFacts,
    /// What that cluster's engine can do.
    pub capabilities: Capabilities,
    /// The role that administers the cluster and owns the tenants' databases.
    pub admin: Name,
    /// The database that its sessions begin in, with the ledger.
    pub admin_database: String,
    /// Login roles that may plan and nothing else.
    pub readers: BTreeSet<Name>,
    /// Whether it logs in by password, and so must never become a member of the role that IAM logins belong to.
    pub admin_by_password: bool,
    /// The objects.
    pub world: World,
    /// Whose each object is, in the world's order.
    owners: Vec<TenantId>,
    /// The tenants.
    pub tenants: BTreeMap<TenantId, DesiredTenant>,
    /// How names are made.
    pub naming: Naming,
    /// Tenants that have another name now, by the old one.
    pub moves: BTreeMap<TenantId, TenantId>,
    /// What happens to PUBLIC on databases that are not ours.
    pub shared_databases: SharedDatabases,
    /// What is on the file's other clusters; nothing, until those were looked at.
    pub elsewhere: Elsewhere,
    /// A digest of the meaning: two files that mean the same have the same.
    pub digest: Digest,
}

impl Desired {
    /// Every object, in order, and whose it is.
    pub fn objects(&self) -> impl Iterator<Item = (&Address, &Object, &TenantId)> {
        let objects = self.world.iter().zip(&self.owners);
        objects.map(|((address, object), tenant)| (address, object, tenant))
    }
}

/// What is known of a tenant besides its objects.
#[derive(Clone, Debug)]
pub struct DesiredTenant {
    /// The names of its objects.
    pub names: naming::TenantNames,
    /// How it logs in.
    pub login: Login,
    /// Whether its access is cut.
    pub suspended: bool,
    /// The catalog names of the databases it may open.
    pub databases: Sorted<Name>,
    /// What happens to its data when it leaves, also to that in databases it no longer wants.
    pub deletion_policy: DeletionPolicy,
    /// To whom its secrets go.
    pub recipient: Option<String>,
}

/// How a tenant logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// By a token of an IAM role.
    Iam {
        /// The role to assume.
        role_arn: Name,
        /// From where it may be assumed.
        networks: Sorted<IpNet>,
    },
    /// By a password.
    Password,
}

/// Collects the objects of tenants while they are lowered.
pub(crate) struct Builder<'a> {
    pub facts: &'a ClusterFacts,
    pub admin: &'a Name,
    pub readers: &'a BTreeSet<Name>,
    pub capabilities: Capabilities,
    pub objects: Vec<(Address, Object, TenantId)>,
}

impl Builder<'_> {
    /// Adds one object of a tenant.
    pub(crate) fn add(&mut self, tenant: &crate::config::Tenant, address: Address, object: Object) {
        self.objects.push((address, object, tenant.id.clone()));
    }
}
