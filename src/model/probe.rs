//! Real attempts to connect as a tenant: what is tried, and what came of it.

use std::collections::BTreeMap;

use super::Secret;

/// How the names of the logins begin that a probe makes.
pub const PROBE_LOGIN: &str = "tenantctl_probe_";

/// A login that stands in for a tenant.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was let in; the session was closed at once.
    Entered,
    /// The server knew who it was and refused the database: SQLSTATE 42501, "permission denied for database".
    Refused,
    /// The login was refused, before any privilege was looked at: this says nothing about the database.
    LoginRefused(String),
    /// Neither: this says nothing about the database either.
    Unclear {
        /// Of which kind, such as `SQLSTATE 53300`.
        kind: String,
        /// What was said.
        said: String,
    },
}

/// A tenant's login role, and the databases at which it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The login role.
    pub role: String,
    /// The IAM role of the tenant, where the file names one.
    pub role_arn: Option<String>,
    /// The databases.
    pub databases: Vec<String>,
}

/// What a visitor came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The login role.
    pub role: String,
    /// By database, in the order of the attempts. Fewer than was asked for, if it ended before.
    pub attempts: Vec<(String, Attempt)>,
    /// Why nobody could log in as this role.
    pub locked_out: Option<String>,
}

/// What is to be tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbePlan {
    /// Chooses the sample.
    pub seed: u32,
    /// Pairs of a tenant's login and a database that there are.
    pub pairs: usize,
    /// Who tries what by a login token.
    pub by_token: Vec<Visitor>,
    /// Who tries what by a stand-in: tenants with a password, which nobody else knows.
    pub by_password: Vec<Visitor>,
    /// Login roles that are superusers: no stand-in is one by its membership.
    pub superusers: Vec<String>,
    /// How many tenants' roles cannot log in, by NOLOGIN or a connection limit of 0: there is nothing to try.
    pub without_login: usize,
}

impl ProbePlan {
    /// All who try something.
    pub fn visitors(&self) -> impl Iterator<Item = &Visitor> {
        self.by_token.iter().chain(&self.by_password)
    }

    /// Pairs that were chosen.
    pub fn chosen(&self) -> usize {
        self.visitors().map(|visitor| visitor.databases.len()).sum()
    }
}

/// What was tried, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// What was to be tried.
    pub plan: ProbePlan,
    /// What came of it.
    pub visits: Vec<Visit>,
    /// Somebody stopped it before its end.
    pub stopped: bool,
    /// Stand-ins that could not be dropped, and why.
    pub left: BTreeMap<String, String>,
}
