//! Which tenants are on which of the file's clusters.

use std::collections::BTreeMap;

use super::naming::final_names;
use crate::address::{Address, TenantId};
use crate::config::Config;

/// What a comparison on one cluster has to know of the file's other clusters. IAM is one for all of them, and a tenant that
/// the file has on another cluster must not look as if it had left.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Tenants that the file has on another cluster, under every name they had, and on which.
    pub tenants: BTreeMap<TenantId, String>,
    /// Tenants that the file has on this cluster and that live on another, under every name they had, and why nothing of
    /// theirs is touched here.
    pub living: BTreeMap<TenantId, String>,
    /// IAM users and roles with our mark, of tenants that the file does not have: those that are another cluster's, and those
    /// that are held, and why.
    pub identities: BTreeMap<Address, Option<String>>,
}

impl Elsewhere {
    /// Whether a tenant is left alone on this cluster.
    pub fn leaves_alone(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant) || self.living.contains_key(tenant)
    }
}

/// The cluster of every tenant, under each name that a `moved` block knows it by.
pub fn places(config: &Config) -> BTreeMap<TenantId, String> {
    let place = |tenant: &TenantId| {
        let cluster = config.cluster_of(config.tenants.get(tenant)?)?;
        Some(cluster.name.clone())
    };
    let moved = final_names(config);
    let earlier = (moved.into_iter()).filter_map(|(from, to)| Some((from, place(&to)?)));
    let now = config
        .tenants
        .keys()
        .filter_map(|id| Some((id.clone(), place(id)?)));
    earlier.chain(now).collect()
}

/// One configuration a cluster, each with the tenants that are on it, in the order of the clusters' names.
pub fn split(config: Config) -> Vec<Config> {
    if config.clusters.len() == 1 {
        return vec![config];
    }
    let places = places(&config);
    let mut parts: BTreeMap<String, Config> = (config.clusters.into_iter())
        .map(|(name, cluster)| {
            let part = Config {
                workspace: config.workspace.clone(),
                clusters: BTreeMap::from([(name.clone(), cluster)]),
                naming: config.naming.clone(),
                tenants: BTreeMap::new(),
                moves: Vec::new(),
            };
            (name, part)
        })
        .collect();
    for (id, tenant) in config.tenants {
        if let Some(part) = places.get(&id).and_then(|place| parts.get_mut(place)) {
            part.tenants.insert(id, tenant);
        }
    }
    for moved in config.moves {
        if let Some(part) = places.get(&moved.from).and_then(|place| parts.get_mut(place)) {
            part.moves.push(moved);
        }
    }
    parts.into_values().collect()
}
