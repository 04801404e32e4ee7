//! What is refused, or warned about, before any connection.
//!
//! Types were checked when the file was read; these are the rules of Postgres and of IAM, and the accidents that
//! either would answer with silence.

mod access;
mod clusters;
mod moved;
mod names;
mod readers;

use crate::config::{Config, Loaded};
use crate::diag::{Diagnostic, Diagnostics};

pub use access::{TRUST_POLICY_SIZE, trust_policy_size};
pub use clusters::twice;

/// Checks the tenants of a configuration against the rules and against each other.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for tenant in config.tenants.values() {
        names::check(config, tenant, &mut findings);
        access::check(config, tenant, &mut findings);
    }
    names::check_collisions(config, &mut findings);
    clusters::check(config, &mut findings);
    readers::check(config, &mut findings);
    moved::check(config, &mut findings);
    findings
}

/// Everything `validate` has to say: what loading found, the checks, and what only matters to whoever
/// wants to connect later. `plan` uses [`check`] and refuses a configuration without a cluster itself.
pub fn validate(loaded: &Loaded) -> Diagnostics {
    let mut findings = loaded.diagnostics.clone();
    findings.extend(check(loaded.draft()));
    if loaded.draft().clusters.is_empty() && !loaded.diagnostics.has_errors() {
        findings.push(
            Diagnostic::warning("no_cluster", "there is no cluster block: nothing can be planned")
                .help("add: cluster \"main\" { identifier = \"the-rds-cluster-identifier\" }"),
        );
    }
    findings.sort();
    findings
}
