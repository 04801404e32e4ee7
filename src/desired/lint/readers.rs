//! Readers: login roles that exist, and are nobody else's.

use super::names::{postgres_name, reserved_role};
use crate::config::{Cluster, Config, Tenant};
use crate::desired::naming::compose;
use crate::diag::{Diagnostic, quote};

/// Readers of one cluster, at most.
const MOST: usize = 16;

/// Checks that no reader is the admin, a tenant, or a role of the server.
pub(super) fn check(config: &Config, findings: &mut Vec<Diagnostic>) {
    for cluster in config.clusters.values() {
        let readers = &cluster.readers;
        let (Some(first), Some(last)) = (readers.first(), readers.get(MOST)) else {
            each(config, cluster, findings);
            continue;
        };
        let message = format!("there are more than {MOST} readers");
        findings.push(
            Diagnostic::error("too_many", message)
                .at(last.span)
                .related(first.span, "the first one")
                .help("each gets a grant on every database: give those who plan a role together"),
        );
    }
}

fn each(config: &Config, cluster: &Cluster, findings: &mut Vec<Diagnostic>) {
    let is_here = |tenant: &Tenant| {
        let of = config.cluster_of(tenant);
        of.is_some_and(|of| of.name == cluster.name)
    };
    for reader in &cluster.readers {
        let name = reader.value.as_str();
        let is_role = |tenant: &&Tenant| is_here(tenant) && compose(&config.naming, tenant).role == name;
        let finding = if name.is_empty() {
            Some(Diagnostic::error("invalid_name", "a reader has a name"))
        } else if let Some(why) = reserved_role(Some(cluster), name) {
            let message = format!("{} cannot be a reader: {why}", quote(name));
            Some(Diagnostic::error("reserved_name", message))
        } else if let Some(tenant) = config.tenants.values().find(is_role) {
            let message = format!(
                "{} cannot be a reader: it is the login role of tenant {}",
                quote(name),
                quote(tenant.id.as_str())
            );
            Some(Diagnostic::error("name_collision", message))
        } else {
            postgres_name("reader", name)
        };
        findings.extend(finding.map(|finding| finding.at(reader.span)));
    }
}
