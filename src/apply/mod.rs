//! The only code that writes. Every choice was made in the plan.

mod approve;
mod bundle;
mod disown;
pub mod error;
mod execute;
pub mod handover;
pub mod iam;
mod ledger;
pub mod lock;
mod pool;
mod read_back;
mod run;
mod scribe;
pub mod secret_material;
mod sessions;
pub mod stand_in;
mod statement;
pub mod unlock;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::address::{Address, SharedAddress, TenantId};
use crate::diag::Problem;
use crate::live::Server;
use crate::live::aws::Aws;
use crate::live::connect::Connector;
use crate::live::iam::Recent;
use crate::plan::{Plan, Step};

pub use approve::{Candidate, Live, approve, prepare};
pub use error::ApplyError;
pub use run::run;

/// A plan that was found to be still true, under the lock. Only [`approve()`] makes one.
pub struct ApprovedPlan<'p> {
    plan: &'p Plan,
    /// What IAM may not know everywhere yet, though this run did not make it.
    recent: BTreeMap<Address, Recent>,
    /// How much room the server has.
    server: Server,
}

/// Where a plan is applied.
pub struct Target {
    /// The AWS account.
    pub aws: Aws,
    /// The cluster.
    pub connector: Arc<Connector>,
    /// The admin database, which holds the ledger.
    pub admin_database: String,
    /// The configuration directory, which gets the hand-over files.
    pub directory: PathBuf,
    /// How many tenants are worked on at a time.
    pub parallelism: usize,
    /// User and host, for the ledger.
    pub actor: String,
}

/// Set by the first interrupt: running steps finish, no other starts.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks for the end.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody did.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Told of each step as it ends.
pub trait Progress: Sync {
    /// A step has ended.
    fn ended(&self, step: &Step, outcome: &Outcome);
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and read back where that matters.
    Done,
    /// It was not, for this reason.
    Failed(Box<Problem>),
    /// It was not started: an earlier step of its tenant failed.
    Skipped,
    /// It was not started: somebody interrupted.
    Interrupted,
}

/// A step and how it ended.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// Its number.
    pub id: usize,
    /// What it would change.
    pub address: SharedAddress,
    /// Whose.
    pub tenant: Option<TenantId>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What an apply did.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every step, in the order of the plan.
    pub results: Vec<StepResult>,
    /// The hand-over files that were written.
    pub handed_over: Vec<PathBuf>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// Whether every step was done.
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(|result| result.outcome == Outcome::Done)
    }
}
