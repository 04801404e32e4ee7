//! From what lives to a file that asks for it. Pure.
//!
//! [`draft`] decides which login roles, databases and IAM identities make up tenants: by our marks where there are any,
//! else by the policies that let an IAM role log in, by who may connect to a database, and by names. [`Draft::text`]
//! writes that down as a person would. Whatever lives and is not in the file is named in a comment, with the reason.

mod gates;
mod login;
mod names;
mod owners;
mod tenants;
pub mod tfstate;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use crate::address::{Name, TenantId};
use crate::config::Naming;
use crate::desired::naming::fill;
use crate::engine::Capabilities;
use crate::live::Live;
use crate::model::{Account, ClusterFacts, DeletionPolicy};

pub use tenants::draft;
pub use write::{Header, literal};

/// What a draft is made from.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Roles, databases and grants, and what is inside databases as far as they were opened.
    pub live: &'a Live,
    /// Users and roles of the AWS account.
    pub account: &'a Account,
    /// The cluster.
    pub facts: &'a ClusterFacts,
    /// What its engine can do.
    pub capabilities: Capabilities,
    /// The role that administers it.
    pub admin: &'a str,
    /// The database that holds the ledger.
    pub admin_database: &'a str,
    /// Whose marks are ours.
    pub workspace: &'a str,
    /// The names that the file already fixes.
    pub naming: Option<&'a Naming>,
    /// Tenants that the file already has, and the objects that are theirs: nothing of these is written again.
    pub known: &'a Known,
}

/// What the loaded files ask for already.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Tenants.
    pub tenants: BTreeSet<TenantId>,
    /// Their login roles.
    pub roles: BTreeSet<String>,
    /// Their databases.
    pub databases: BTreeSet<String>,
    /// Their IAM roles.
    pub iam_roles: BTreeSet<String>,
}

/// A file before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// How the names of a tenant's objects are made.
    pub naming: Naming,
    /// The tenants, by name.
    pub tenants: BTreeMap<TenantId, Drafted>,
    /// What lives and is not in the file.
    pub left_out: Vec<LeftOut>,
    /// Databases without a mark that PUBLIC may enter, those of tenants too.
    open_to_public: BTreeSet<String>,
}

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// Logical database names; `false` for one that is kept and closed to it.
    pub databases: BTreeMap<String, bool>,
    /// From where its IAM role may be assumed.
    pub allowed_ips: BTreeSet<IpNet>,
    /// Whether it logs in by IAM.
    pub rds_iam_auth: bool,
    /// Connections at a time, where they are limited.
    pub connection_limit: Option<i32>,
    /// Parameters of its login role.
    pub settings: BTreeMap<Name, String>,
    /// Extensions that each of its databases has.
    pub extensions: BTreeSet<Name>,
    /// Whether its access is cut.
    pub suspended: bool,
    /// What happens to its data when it leaves.
    pub deletion_policy: DeletionPolicy,
    /// What a reader should know of it.
    pub notes: Vec<String>,
}

/// Something that is not in the file, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What kind of thing: `role`, `database`, `IAM role`, `tenant`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Why.
    pub because: String,
}

impl Draft {
    /// Databases that are no tenant's of this file, and that PUBLIC may enter.
    pub fn open_to_public(&self) -> BTreeSet<&str> {
        let wanted: BTreeSet<String> = (self.tenants.iter())
            .flat_map(|(id, tenant)| {
                tenant
                    .databases
                    .iter()
                    .map(move |(logical, wanted)| (id, logical, *wanted))
            })
            .filter(|(_, _, wanted)| *wanted)
            .map(|(id, logical, _)| fill(&self.naming.database, id.as_str(), logical))
            .collect();
        let open = self.open_to_public.iter().filter(|name| !wanted.contains(*name));
        open.map(String::as_str).collect()
    }

    /// Takes a tenant out again.
    pub fn leave_out(&mut self, tenant: &TenantId, because: String) {
        if self.tenants.remove(tenant).is_some() {
            self.left_out.push(LeftOut {
                kind: "tenant",
                name: tenant.to_string(),
                because,
            });
        }
    }
}
