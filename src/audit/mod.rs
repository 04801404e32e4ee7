//! Proves that no tenant can reach another, or says who can and by which path. Pure.
//!
//! The intent is [`Desired`]: who is which tenant. The facts are [`Live`] and [`Evidence`]. Every check walks from a
//! privilege to those who come to it, so that the work is linear in grants and memberships and not in pairs of tenants.

mod across;
mod connect;
mod credentials;
mod finding;
mod graph;
mod holder;
mod identity;
mod inside;
pub mod probe;
mod reach;
mod roles;
mod rules;
mod trust;
mod who;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Serialize, Serializer};

use crate::address::{Name, TenantId};
use crate::desired::Desired;
use crate::live::Live;
use crate::model::{Digest, Evidence, Known, Probe};

pub use credentials::{Assumer, Credentials, Holders};
pub use finding::{Finding, Severity};
pub use graph::Way;
pub use reach::{Reach, Reachers};
pub use rules::{RULES, Rule};
pub use why::{Why, connects, why};

use finding::Findings;
use who::Who;

/// What is asked of an audit.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// About these tenants alone; all, if there are none.
    pub only: BTreeSet<TenantId>,
    /// How old an access key may be, in seconds; any age without.
    pub max_key_age: Option<i64>,
    /// What real attempts came to, if there were any.
    pub probe: Option<Probe>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The workspace.
    pub workspace: String,
    /// Who gets credentials for whom, where the account was read.
    pub credentials: Credentials,
    /// What was found: the worst first, and always in the same order. Notes are in it.
    pub findings: Vec<Finding>,
    /// What is true of every cluster, and what was left out on request. Whole sentences.
    pub notes: Vec<String>,
    /// What was looked at.
    pub checked: Checked,
    /// What was really tried, if anything was.
    pub probed: Option<probe::Probed>,
    /// The tenants that were asked about; all, if there are none.
    pub only: BTreeSet<TenantId>,
    /// Every tenant, those included that left the file and still have a role or a database.
    pub tenants: BTreeSet<TenantId>,
    /// Whose database each is, by its name; one that is nobody's is not in it.
    pub owners: BTreeMap<String, TenantId>,
    /// Such as `16.4`.
    pub server_version: String,
    /// When it was read, as RFC 3339 in UTC.
    pub read_at: String,
    /// Of the file's meaning and of all that was read: the same on the same facts.
    pub digest: Digest,
}

/// What an audit looked at, counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// Tenants, those included that left the file and still have a role or a database.
    pub tenants: usize,
    /// Roles that may log in.
    pub login_roles: usize,
    /// Databases.
    pub databases: usize,
    /// Databases that were looked into.
    pub opened: usize,
    /// Rows of `pg_auth_members`.
    pub memberships: usize,
    /// Grants on databases.
    pub database_grants: usize,
    /// Pairs of a tenant and a database that is not its own, all decided.
    pub pairs: usize,
    /// IAM users and roles; `None` where the account was not read.
    pub identities: Option<usize>,
    /// Memberships that were walked over and patterns that were tried: the work of it.
    pub steps: usize,
}

/// Looks at everything.
pub fn audit(desired: &Desired, live: &Live, evidence: &Evidence, options: &Options) -> Audit {
    let who = Who::new(desired, live, evidence);
    let mut findings = Findings::default();
    connect::check(&who, &mut findings);
    roles::check(&who, &mut findings);
    inside::check(&who, &mut findings);
    across::check(&who, &mut findings);
    probe::left_before(&who, &mut findings);
    let mut credentials = Credentials::new();
    let iam_steps = identity::check(&who, &mut credentials, &mut findings);
    trust::check(&who, options, &mut credentials, &mut findings);
    credentials.retain(|tenant, _| options.only.is_empty() || options.only.contains(tenant));
    not_proved(&who, &mut findings);
    let probed = (options.probe.as_ref()).map(|tried| probe::check(&who, tried, &mut findings));
    let mut checked = who.checked();
    checked.steps += iam_steps;
    Audit {
        workspace: desired.workspace.to_string(),
        findings: findings.sorted(&options.only),
        notes: notes(&who),
        credentials,
        checked,
        probed,
        only: options.only.clone(),
        tenants: who.tenants().cloned().collect(),
        owners: who.owners(),
        server_version: version(live.server.power.version),
        read_at: evidence.read_at.clone(),
        digest: digest(desired, live, evidence),
    }
}

impl Audit {
    /// Findings of a severity or worse.
    pub fn at_least(&self, severity: Severity) -> usize {
        let found = self.findings.iter();
        found.filter(|finding| finding.severity <= severity).count()
    }

    /// Whether a tenant reaches another, whatever else there is.
    pub fn crosses(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Critical)
    }
}

/// What nobody could look at.
fn not_proved(who: &Who<'_>, findings: &mut Findings) {
    for (database, because) in &who.evidence.unopened {
        let message = format!("what is inside database {database} is not proved: {because}");
        let subject = format!("database.{database}");
        findings.add(
            Finding::new(&rules::NOT_PROVED, subject, message)
                .tenant(who.tenant_of_database(database))
                .database(database)
                .everyone(),
        );
    }
    let unread = |subject: &str, because: &str| {
        let message = format!("what IAM allows is not proved: {because}");
        Finding::new(&rules::NOT_PROVED, subject.to_owned(), message).everyone()
    };
    match &who.evidence.account {
        Known::No(because) => findings.add(unread("account", because)),
        Known::Yes(account) => {
            for what in &account.unreadable {
                findings.add(unread("account", what));
            }
        }
        Known::NotAsked => {}
    }
    if let Known::No(because) = &who.evidence.keys {
        findings.add(unread("account.access_keys", because));
    }
}

fn notes(who: &Who<'_>) -> Vec<String> {
    let mut notes = vec![
        "The names of all databases and roles, and the settings and comments on them, can be read by every login of a \
         cluster: Postgres cannot hide them."
            .to_owned(),
        format!(
            "The admin \"{}\", superusers and the members of the roles of the service reach everything; that is inherent.",
            who.desired.admin
        ),
    ];
    if !who.desired.readers.is_empty() {
        let readers: Vec<&str> = who.desired.readers.iter().map(Name::as_str).collect();
        notes.push(format!(
            "Readers ({}) can connect to the databases of all tenants, as the file asks; nothing inside is granted to them \
             by that.",
            readers.join(", ")
        ));
    }
    if matches!(who.evidence.account, Known::Yes(_)) {
        notes.push(
            "The addresses of a tenant gate who gets credentials, not who opens a connection: for up to an hour, or as \
             long as the role's sessions last, credentials work from anywhere that reaches the cluster."
                .to_owned(),
        );
        notes.push(
            "Service control policies and session policies were not read; they can only narrow. Conditions were taken \
             to hold. Who may change policies or trust was not looked at."
                .to_owned(),
        );
        notes.push("AWS makes the report of access keys anew at most every four hours.".to_owned());
    }
    if who.evidence.shallow {
        notes.push("What is inside databases was left out, as asked: --shallow.".to_owned());
    }
    if matches!(who.evidence.account, Known::NotAsked) {
        notes.push("IAM was not looked at.".to_owned());
    }
    let missing: Vec<&str> = who.missing().collect();
    if !missing.is_empty() {
        notes.push(format!(
            "{} in the file and not on the cluster yet: {}.",
            crate::audit::finding::count(missing.len(), "tenant is", "tenants are"),
            crate::audit::finding::some(&missing)
        ));
    }
    notes
}

/// `160004` is 16.4.
fn version(number: i32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

fn digest(desired: &Desired, live: &Live, evidence: &Evidence) -> Digest {
    let objects: Vec<_> = live.world.iter().collect();
    Digest::of(&(
        &desired.digest,
        objects,
        &live.memberships,
        // Not the time of reading, which is the only thing that differs between two readings of the same.
        InWords((&evidence.inside, &evidence.unopened, &evidence.templates)),
        InWords((
            &evidence.dependencies,
            &evidence.parameters,
            &evidence.subscriptions,
        )),
        InWords((&evidence.account, &evidence.keys)),
    ))
}

/// What serialises as its debugging text, which is written and never held.
struct InWords<T>(T);

impl<T: fmt::Debug> Serialize for InWords<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:?}", self.0))
    }
}
