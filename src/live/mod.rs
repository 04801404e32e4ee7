//! What lives: Postgres catalogs, IAM, RDS and the ledger, read whole and read only.

pub mod access;
mod ask;
pub mod aws;
pub mod connect;
mod error;
pub mod evidence;
pub mod history;
pub mod iam;
pub mod knock;
pub mod ledger;
pub mod postgres;
pub mod rds;
mod read;
pub mod remedy;
pub mod tls;
pub mod trace;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::address::{Address, Name, SharedAddress};
use crate::model::{Dependents, Digest, Mark, MembershipRow, Power, Quotas, World};

pub use error::{ReadError, describe, is_lost};
pub use ledger::Ledger;
pub use read::{ReadRequest, Source, read, read_all};

/// Everything that lives, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The objects.
    pub world: World,
    /// Whose they are: tags in IAM, ledger rows in Postgres. What is not here is not ours.
    pub marks: BTreeMap<SharedAddress, Mark>,
    /// What tenantctl remembers.
    pub ledger: Ledger,
    /// The server and what the admin may do on it.
    pub server: Server,
    /// Memberships, a row per grantor.
    pub memberships: Vec<MembershipRow>,
    /// What keeps roles that are ours, and that nobody asks for, from being dropped.
    pub dependents: Vec<Dependents>,
    /// Encoding and locale of each database.
    pub locales: BTreeMap<Name, Name>,
    /// Sessions by role and database.
    pub sessions: BTreeMap<(Name, Name), i64>,
    /// What hangs on our IAM objects without being ours: attached policies, groups, profiles.
    pub attachments: BTreeMap<Address, Vec<String>>,
    /// IAM names that differ from a wanted one in case alone, which IAM takes for the same.
    pub case_variants: Vec<(Address, Address)>,
    /// Users and roles that IAM may not know everywhere yet.
    pub recent: BTreeMap<Address, iam::Recent>,
    /// How many IAM users and roles there may be. Read only when some are missing.
    pub quotas: Quotas,
    /// What the reading of IAM wants to be said.
    pub notes: Vec<String>,
    /// Databases that were looked into.
    pub opened: BTreeSet<Name>,
    /// Places that could not be read, and why. What lies under one is held, never deleted.
    pub gaps: BTreeMap<Address, String>,
    /// What reading cost.
    pub cost: ReadCost,
}

/// The server and the admin on it.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// What the admin may do.
    pub power: Power,
    /// A reader: it takes no writes.
    pub in_recovery: bool,
    /// Connections that nobody had and that any role could get, when this was read.
    pub free_connections: i32,
}

impl Server {
    /// How many sessions may be opened at a time, where so many are asked for: half of what is free stays free, for
    /// those who come later. One in any case.
    pub fn share(&self, parallelism: usize) -> usize {
        let half = usize::try_from(self.free_connections / 2).unwrap_or_default();
        parallelism.min(half).max(1)
    }
}

/// What reading cost, for people and for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadCost {
    /// Calls to AWS.
    pub aws_calls: usize,
    /// Databases opened.
    pub connections: usize,
}

impl Live {
    /// A digest of one object as it lives, with its mark: what a saved plan compares.
    pub fn digest(&self, address: &Address) -> Digest {
        Digest::of(&(self.world.get(address), self.marks.get(address)))
    }

    /// What bears a mark, in order.
    pub fn marked(&self) -> impl Iterator<Item = (&Address, &Mark)> {
        self.marks.iter().map(|(address, mark)| (&**address, mark))
    }

    /// The roles among them.
    pub fn marked_roles(&self) -> impl Iterator<Item = (&Name, &Mark)> {
        let first = Address::Role {
            name: Name::default(),
        };
        let from_first = self.marks.range::<Address, _>(first..);
        from_first.map_while(|(address, mark)| match &**address {
            Address::Role { name } => Some((name, mark)),
            _ => None,
        })
    }

    /// Whether an object lies under a gap: at which address, and why it could not be read. A database's gap is about
    /// what is inside; the database itself and the grants on it are in the shared catalogs.
    pub fn gap(&self, address: &Address) -> Option<(Address, &str)> {
        if self.gaps.is_empty() {
            return None;
        }
        let above = match address {
            Address::IamUserPolicy { user, .. } | Address::IamAccessKey { user, .. } => {
                Some(Address::IamUser { name: user.clone() })
            }
            Address::IamRolePolicy { role, .. } => Some(Address::IamRole { name: role.clone() }),
            other => other
                .inside_database()
                .map(|name| Address::Database { name: name.clone() }),
        };
        let keys = match address {
            Address::IamAccessKey { user, .. } => Some(Address::IamAccessKey {
                user: user.clone(),
                id: None,
            }),
            _ => None,
        };
        let own = (!matches!(address, Address::Database { .. })).then(|| address.clone());
        [own, keys, above]
            .into_iter()
            .flatten()
            .find_map(|at| Some((at.clone(), self.gaps.get(&at)?.as_str())))
    }

    /// The databases that are a workspace's.
    pub fn databases_of(&self, workspace: &str) -> BTreeSet<Name> {
        self.marked()
            .filter_map(|(address, mark)| match address {
                Address::Database { name } if mark.workspace == workspace => Some(name.clone()),
                _ => None,
            })
            .collect()
    }
}
