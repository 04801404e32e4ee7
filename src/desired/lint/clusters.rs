//! Clusters: each is there once, and has its own password.

use std::collections::BTreeMap;

use crate::config::{Cluster, Config, password_variable};
use crate::diag::{Diagnostic, quote};

/// Checks the clusters against each other.
pub(super) fn check(config: &Config, findings: &mut Vec<Diagnostic>) {
    let mut by_identifier: BTreeMap<(String, Option<&str>), &Cluster> = BTreeMap::new();
    let mut by_variable: BTreeMap<String, &Cluster> = BTreeMap::new();
    let mut clusters: Vec<_> = config.clusters.values().collect();
    clusters.sort_by_key(|cluster| cluster.span);
    for cluster in clusters {
        // RDS knows no case in identifiers.
        let identifier = cluster.identifier.value.to_lowercase();
        let place = (identifier, cluster.region.as_deref());
        if let Some(first) = by_identifier.get(&place) {
            findings.push(twice(first, cluster));
        } else {
            by_identifier.insert(place, cluster);
        }
        let variable = password_variable(&cluster.name);
        if let Some(first) = by_variable.get(&variable) {
            let message = format!(
                "clusters {} and {} would both take their password from {variable}",
                quote(&first.name),
                quote(&cluster.name)
            );
            findings.push(
                Diagnostic::error("name_collision", message)
                    .at(cluster.span)
                    .related(first.span, "the other one is here")
                    .help("give one of them another name"),
            );
        } else {
            by_variable.insert(variable, cluster);
        }
    }
}

/// Two blocks about one cluster: each would take the tenants of the other for its own that left.
pub fn twice(first: &Cluster, second: &Cluster) -> Diagnostic {
    let message = format!(
        "clusters {} and {} are the same RDS cluster",
        quote(&first.name),
        quote(&second.name)
    );
    Diagnostic::error("same_cluster", message)
        .at(second.identifier.span)
        .related(first.identifier.span, "the other one is here")
        .help("keep one of the blocks, and name it in the tenants of the other")
}
