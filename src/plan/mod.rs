//! Changes become steps, in a fixed order of phases. Pure.

mod build;
mod change;
mod clusters;
mod effects;
pub mod file;
mod grants;
pub mod guards;
mod iam_steps;
mod moves;
mod sql;
mod sql_steps;
pub mod step;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Address, SharedAddress, TenantId};
use crate::diff::{HeldKind, Mode, Warning};
use crate::model::Digest;

pub use build::{Options, Outline, build, outline};
pub use change::{ActionWord, Details, Json, PlannedChange};
pub use clusters::{ClusterPlan, guard_together, unread};
pub use guards::Guard;
pub use sql::{Expectation, SqlCommand};
pub use step::{
    AccessKeyRecord, Command, HandOver, IamCommand, MovedRecord, PasswordRecord, Phase, Record, Records, Step,
};

/// The format of plan files and of `plan --json`; a change that breaks readers raises it.
pub const FORMAT: u32 = 1;

/// Everything an apply would do, and everything it would not and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The version that made it.
    pub tool_version: String,
    /// The ownership mark.
    pub workspace: String,
    /// The cluster's resource id: a plan is for one cluster.
    pub cluster: String,
    /// The tenants it is confined to; none for all.
    pub only: Vec<TenantId>,
    /// How many tenants it was allowed to remove.
    pub max_removals: Option<usize>,
    /// How far it may go.
    #[serde(default)]
    pub mode: Mode,
    /// Of the file's meaning.
    pub config_digest: Digest,
    /// Of what it touches, as that lives.
    pub live_digest: Digest,
    /// Each object it touches, with its digest.
    pub touched: Vec<(SharedAddress, Digest)>,
    /// What changes.
    pub changes: Vec<PlannedChange>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What is not done.
    pub held: Vec<HeldObject>,
    /// What is worth saying.
    pub warnings: Vec<Warning>,
    /// What forbids applying it.
    pub guards: Vec<Guard>,
    /// One line a tenant: who can log in to what, from where, once it is applied.
    pub effects: BTreeMap<TenantId, String>,
    /// Counts.
    pub summary: Summary,
    /// Objects that are as they should be.
    pub unchanged: usize,
}

/// Counts of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Creates.
    pub add: usize,
    /// Updates and adoptions.
    pub change: usize,
    /// Deletes.
    pub destroy: usize,
}

/// Something that is not done, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldObject {
    /// The object.
    pub address: Address,
    /// Whose it would be.
    pub tenant: Option<TenantId>,
    /// The kind of reason.
    pub kind: HeldKind,
    /// The reason, with what to do about it.
    pub because: String,
}

impl Plan {
    /// What it takes to make it again.
    pub fn options(&self) -> Options {
        Options {
            only: self.only.clone(),
            max_removals: self.max_removals,
            mode: self.mode,
            brief: false,
        }
    }

    /// Drops what only people look at, once they have: in memory there is room then for what an apply reads again.
    pub fn was_shown(&mut self) {
        for change in &mut self.changes {
            change.was_shown();
        }
    }

    /// Drops how things were done: what is said of it afterwards needs no statements, and there is room for the audit.
    pub fn was_run(&mut self) {
        self.steps = Vec::new();
        self.touched = Vec::new();
    }

    /// Whether there is anything to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}
