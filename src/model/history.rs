//! What was applied, as the ledger remembers it.

use std::collections::BTreeMap;

use crate::address::{Address, TenantId};

/// A run of `apply` or `adopt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRun {
    /// Its id.
    pub id: String,
    /// User and host.
    pub actor: String,
    /// The version that ran.
    pub tool_version: String,
    /// When it began, such as `2026-01-31T09:00:00Z`.
    pub started_at: String,
    /// When it ended; a run that died did not.
    pub finished_at: Option<String>,
    /// Counts of planned changes by action, such as `create`. Earlier versions did not write them down.
    pub summary: Option<BTreeMap<String, i64>>,
    /// How many steps were planned. Earlier versions did not write it down.
    pub planned: Option<i64>,
    /// Steps that were done.
    pub done: i64,
    /// Steps that were begun and not done.
    pub failed: i64,
    /// How many tenants were touched.
    pub tenants: i64,
    /// The steps, of every tenant or of the one that was asked for.
    pub steps: Vec<AppliedStep>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedStep {
    /// What it was about.
    pub address: Address,
    /// Whose.
    pub tenant: Option<TenantId>,
    /// `create`, `update`, `delete` or `adopt`. Earlier versions did not write it down.
    pub action: Option<String>,
    /// `done`, `failed: ..`, or what a later run found out; nothing while nobody knows.
    pub outcome: Option<String>,
}

impl AppliedRun {
    /// Whether everything that was planned was done, as far as anybody wrote it down.
    pub fn is_complete(&self) -> bool {
        let all = self.planned.is_none_or(|planned| planned == self.done);
        self.finished_at.is_some() && self.failed == 0 && all
    }
}
