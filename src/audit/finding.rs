//! Findings, and how they are sorted.

use std::collections::BTreeSet;

use serde::Serialize;

use super::rules::Rule;
use crate::address::{Name, TenantId};

/// How bad a finding is; the worst is the least, so that it sorts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A tenant reaches another, or everything.
    Critical,
    /// One mistake more, and it does.
    High,
    /// A hole in a wall behind which there is another.
    Medium,
    /// Untidy.
    Low,
    /// No finding: inherent, or asked for.
    Note,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Note];

    /// As every output spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Of which kind.
    pub rule: &'static Rule,
    /// How bad it is.
    pub severity: Severity,
    /// What has to change: an address such as `database_grant.client01_db1/PUBLIC`, or one in its style.
    pub subject: String,
    /// The tenant that is in danger, or whose object it is.
    pub tenant: Option<TenantId>,
    /// All tenants that are in danger.
    pub tenants: BTreeSet<TenantId>,
    /// The database that is reached, or that it is in; the first one where there are more.
    pub database: Option<String>,
    /// Everybody can, so that there is no list.
    pub everyone: bool,
    /// The tenants that can.
    pub reachers: BTreeSet<TenantId>,
    /// All databases that they can reach.
    pub databases: BTreeSet<String>,
    /// One example of how, link by link, from who reaches to what is reached.
    pub path: Vec<String>,
    /// What was found, in one sentence without a full stop.
    pub message: String,
    /// The statement or action that mends it.
    pub remedy: String,
}

impl Finding {
    pub(super) fn new(rule: &'static Rule, subject: String, message: String) -> Self {
        Self {
            rule,
            severity: rule.severity,
            subject,
            tenant: None,
            tenants: BTreeSet::new(),
            database: None,
            everyone: false,
            reachers: BTreeSet::new(),
            databases: BTreeSet::new(),
            path: Vec::new(),
            message,
            remedy: rule.remedy.to_owned(),
        }
    }

    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(super) fn tenant(mut self, tenant: Option<&TenantId>) -> Self {
        self.tenant = tenant.cloned();
        self.tenants.extend(tenant.cloned());
        self
    }

    pub(super) fn database(mut self, database: &str) -> Self {
        self.database = Some(database.to_owned());
        self.databases.insert(database.to_owned());
        self
    }

    pub(super) fn reacher(mut self, tenant: Option<&TenantId>) -> Self {
        self.reachers.extend(tenant.cloned());
        self
    }

    pub(super) fn path(mut self, path: Vec<String>) -> Self {
        self.path = path;
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Everybody is who reaches it.
    pub(super) fn everyone(mut self) -> Self {
        self.everyone = true;
        self
    }

    /// Whether it is about one of these tenants, in either part.
    fn concerns(&self, only: &BTreeSet<TenantId>) -> bool {
        let mut named = self.tenants.iter().chain(&self.reachers);
        // A schema that is open to everybody concerns its own tenant; a database that is, concerns all.
        let all = self.everyone && (self.tenants.is_empty() || *self.rule == super::rules::PUBLIC_CONNECT);
        only.is_empty() || all || named.any(|tenant| only.contains(tenant))
    }
}

/// Findings while they are made.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    /// Memberships (role, member) that a finding has named already, so that no other needs to.
    explained: BTreeSet<(Name, Name)>,
}

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        self.all.push(finding);
    }

    /// Remembers the memberships of a path.
    pub(super) fn explain(&mut self, rows: &[&crate::model::MembershipRow]) {
        let pairs = rows.iter().map(|row| (row.role.clone(), row.member.clone()));
        self.explained.extend(pairs);
    }

    /// Whether a path begins with a membership that a finding has named.
    pub(super) fn explained(&self, rows: &[&crate::model::MembershipRow]) -> bool {
        let pair = |row: &&crate::model::MembershipRow| (row.role.clone(), row.member.clone());
        rows.first()
            .is_some_and(|row| self.explained.contains(&pair(row)))
    }

    /// The worst first; then by rule, subject and message.
    pub(super) fn sorted(mut self, only: &BTreeSet<TenantId>) -> Vec<Finding> {
        self.all.retain(|finding| finding.concerns(only));
        self.all.sort_by(|left, right| {
            let key = |finding: &Finding| (finding.severity, finding.rule.id);
            key(left)
                .cmp(&key(right))
                .then_with(|| left.subject.cmp(&right.subject))
                .then_with(|| left.message.cmp(&right.message))
        });
        self.all.dedup_by(|left, right| {
            (left.rule.id, &left.subject, &left.message) == (right.rule.id, &right.subject, &right.message)
        });
        self.all
    }
}

/// `1 tenant`, `12 tenants`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The first few of a list.
pub(super) fn some(names: &[&str]) -> String {
    const FEW: usize = 5;
    let shown = names.iter().take(FEW).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(FEW) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
