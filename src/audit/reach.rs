//! Which tenant reaches which, by the findings: what a map of tenants shows.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Severity};
use super::{Audit, rules};
use crate::address::TenantId;

/// Who reaches whom. It grows with tenants and findings; no list of pairs is made.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Every tenant, in order. All numbers of tenants here are places in it.
    pub tenants: Vec<TenantId>,
    /// By the number of a tenant in danger, the numbers of the findings about it, the worst first.
    pub rows: BTreeMap<usize, Vec<usize>>,
    /// By the number of a finding.
    pub reachers: BTreeMap<usize, Reachers>,
}

/// Who reaches what a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachers {
    /// Every tenant.
    All,
    /// The tenants of these numbers.
    These(BTreeSet<usize>),
}

impl Reachers {
    /// Whether a tenant is one of them.
    pub fn contains(&self, tenant: usize) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(&tenant),
        }
    }
}

impl Reach {
    /// For a tenant in danger: by each tenant, the worst finding by which that one reaches it, and how many more there
    /// are. Nobody reaches itself.
    pub fn row(&self, tenant: usize) -> Vec<Option<(usize, usize)>> {
        let mut row: Vec<Option<(usize, usize)>> = vec![None; self.tenants.len()];
        let mut mark = |at: usize, finding: usize| match row.get_mut(at) {
            Some(Some((_, more))) => *more += 1,
            Some(empty) if at != tenant => *empty = Some((finding, 0)),
            _ => {}
        };
        for finding in self.rows.get(&tenant).into_iter().flatten() {
            match self.reachers.get(finding) {
                Some(Reachers::All) => (0..self.tenants.len()).for_each(|at| mark(at, *finding)),
                Some(Reachers::These(these)) => these.iter().for_each(|at| mark(*at, *finding)),
                None => {}
            }
        }
        row
    }
}

impl Audit {
    /// What the findings say of pairs of tenants.
    pub fn reach(&self) -> Reach {
        let tenants: Vec<TenantId> = self.tenants.iter().cloned().collect();
        let number = |tenant: &TenantId| tenants.binary_search(tenant).ok();
        let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut all_reachers = BTreeMap::new();
        for (index, finding) in self.findings.iter().enumerate() {
            let reachers = if is_everybody(finding) {
                Reachers::All
            } else {
                Reachers::These(finding.reachers.iter().filter_map(number).collect())
            };
            let in_danger: BTreeSet<usize> = if rules_everything(finding) {
                (0..tenants.len()).collect()
            } else {
                self.in_danger(finding).into_iter().filter_map(number).collect()
            };
            // One who reaches nobody but itself is in nobody's row.
            let reached = |tenant: &usize| match &reachers {
                Reachers::All => true,
                Reachers::These(these) => these.iter().any(|reacher| reacher != tenant),
            };
            let reached: Vec<usize> = in_danger.into_iter().filter(reached).collect();
            if !reached.is_empty() {
                all_reachers.insert(index, reachers);
            }
            for tenant in reached {
                rows.entry(tenant).or_default().push(index);
            }
        }
        Reach {
            tenants,
            rows,
            reachers: all_reachers,
        }
    }

    /// The owners of the databases that a finding names; where it names none, the tenants that it is about.
    fn in_danger<'a>(&'a self, finding: &'a Finding) -> BTreeSet<&'a TenantId> {
        if finding.databases.is_empty() {
            return finding.tenants.iter().collect();
        }
        let databases = finding.databases.iter();
        databases.filter_map(|name| self.owners.get(name)).collect()
    }
}

/// Every tenant can: PUBLIC may, or the whole world may become the tenant. What could not be looked at is shown so too.
fn is_everybody(finding: &Finding) -> bool {
    finding.everyone || *finding.rule == rules::TRUST_ANYBODY
}

/// A power of a role that no grant on a database holds back.
fn rules_everything(finding: &Finding) -> bool {
    let powers = [
        &rules::TENANT_SUPERUSER,
        &rules::TENANT_CREATEROLE,
        &rules::TENANT_REPLICATION,
        &rules::POWERFUL_MEMBERSHIP,
    ];
    finding.severity == Severity::Critical && powers.contains(&finding.rule)
}
