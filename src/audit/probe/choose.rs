//! Which attempts a probe is to make.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::address::TenantId;
use crate::audit::graph::Way;
use crate::audit::who::Who;
use crate::desired::{Desired, Login};
use crate::live::Live;
use crate::model::{DatabaseState, Evidence, ProbePlan, Visitor};

/// What is to be tried.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Pairs in which one of these tenants is either part; all, if there are none.
    pub only: BTreeSet<TenantId>,
    /// So many pairs, and at least one of each tenant; all without.
    pub sample: Option<usize>,
    /// Chooses them: the same from the same.
    pub seed: u32,
}

/// Chooses what to try: each tenant's login at each database that takes connections, its own included.
pub fn plan(desired: &Desired, live: &Live, evidence: &Evidence, wish: &Wish) -> ProbePlan {
    let who = Who::new(desired, live, evidence);
    let service = desired.capabilities.service_databases;
    let databases: Vec<&str> = (live.world.databases())
        .filter(|(name, database)| database.state == DatabaseState::Open && !service.contains(&name.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    // RDS asks every member of its group for a token, and from 16 on only those that inherit from it.
    let asked = match live.server.power.version {
        160_000.. => Way::Has,
        _ => Way::CanGet,
    };
    let group = desired.capabilities.iam_login_role;
    let by_token = group.map(|group| who.graph.reach(group, &[asked], |_| false));
    let mut plan = ProbePlan {
        seed: wish.seed,
        ..ProbePlan::default()
    };
    let mut candidates = Vec::new();
    for (role, is, tenant) in who.tenant_roles() {
        let wanted = |database: &&str| {
            let of = who.tenant_of_database(database);
            wish.only.is_empty() || wish.only.contains(tenant) || of.is_some_and(|of| wish.only.contains(of))
        };
        let at: Vec<&str> = databases.iter().copied().filter(wanted).collect();
        if at.is_empty() {
            continue;
        }
        if !is.login || is.connection_limit == Some(0) {
            plan.without_login += 1;
            continue;
        }
        plan.pairs += at.len();
        let by_token = by_token
            .as_ref()
            .is_some_and(|reach| reach.way(role) == Some(asked));
        if is.superuser && !by_token {
            plan.superusers.push(role.to_owned());
            continue;
        }
        candidates.push((role, role_arn(&who, tenant), by_token, at));
    }
    let sizes: Vec<usize> = candidates.iter().map(|(.., at)| at.len()).collect();
    let shares = shares(&sizes, wish.sample.unwrap_or(usize::MAX));
    for ((role, role_arn, by_token, mut at), share) in candidates.into_iter().zip(shares) {
        if share < at.len() {
            at.sort_by_cached_key(|database| spread(wish.seed, role, database));
            at.truncate(share);
        }
        let visitors = if by_token {
            &mut plan.by_token
        } else {
            &mut plan.by_password
        };
        visitors.push(Visitor {
            role: role.to_owned(),
            role_arn,
            databases: at.into_iter().map(str::to_owned).collect(),
        });
    }
    plan
}

fn role_arn(who: &Who<'_>, tenant: &TenantId) -> Option<String> {
    match &who.desired_tenant(tenant)?.login {
        Login::Iam { role_arn, .. } => Some(role_arn.to_string()),
        Login::Password => None,
    }
}

/// Divides a sample as evenly as can be: at least one each, nobody more than it has.
fn shares(sizes: &[usize], sample: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|index| sizes[*index]);
    let mut left = sample.max(sizes.len());
    let mut shares = vec![0; sizes.len()];
    for (done, index) in order.into_iter().enumerate() {
        shares[index] = sizes[index].min(left / (sizes.len() - done));
        left -= shares[index];
    }
    shares
}

/// The place of a pair in a shuffled order.
fn spread(seed: u32, role: &str, database: &str) -> [u8; 32] {
    Sha256::digest(format!("{seed}\0{role}\0{database}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_divided_evenly_and_everybody_gets_one() {
        assert_eq!(shares(&[5, 5, 5], usize::MAX), [5, 5, 5]);
        assert_eq!(shares(&[5, 5, 5], 7), [2, 2, 3]);
        assert_eq!(shares(&[5, 5, 5], 0), [1, 1, 1]);
        assert_eq!(shares(&[9, 1, 1], 8), [6, 1, 1]);
        assert_eq!(shares(&[], 8), [0_usize; 0]);
    }

    #[test]
    fn a_seed_chooses_another_order() {
        assert_eq!(spread(1, "a", "b"), spread(1, "a", "b"));
        assert_ne!(spread(1, "a", "b"), spread(2, "a", "b"));
    }
}
