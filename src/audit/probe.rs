//! Real attempts to connect: which to make, and what they say of the static proof.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::connect::shared;
use super::finding::{Finding, Findings, Severity, count, some};
use super::graph::Way;
use super::rules::{self, Rule};
use super::who::Who;
use super::why::{connects, why};
use crate::address::TenantId;
use crate::desired::{Desired, Login};
use crate::live::Live;
use crate::model::{Attempt, DatabaseState, Evidence, Probe, ProbePlan, Visitor};

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

/// A probe, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Probed {
    /// Chose the sample.
    pub seed: u32,
    /// Pairs of a tenant's login and a database, its own included.
    pub pairs: usize,
    /// Pairs that were chosen.
    pub chosen: usize,
    /// Pairs that the server answered by entry, or by "permission denied for database".
    pub tried: usize,
    /// Own databases that were entered.
    pub own_entered: usize,
    /// Own databases that were refused.
    pub own_refused: usize,
    /// Databases that are not the tenant's and were refused.
    pub foreign_refused: usize,
    /// Other tenants' databases that were entered.
    pub foreign_entered: usize,
    /// Nobody's databases that were entered.
    pub shared_entered: usize,
    /// Attempts that showed nothing.
    pub unclear: usize,
    /// Pairs on which entry or refusal is not what the static proof says.
    pub disagreements: usize,
    /// Tenants as which something was tried.
    pub tenants: usize,
    /// Tenants as which nobody could log in, or that log in by password.
    pub tenants_not_probed: usize,
    /// Tenants whose roles cannot log in.
    pub tenants_without_login: usize,
    /// It was stopped before its end.
    pub stopped: bool,
}

/// Chooses what to try: each tenant's login at each database that takes connections, its own included.
pub fn plan(desired: &Desired, live: &Live, evidence: &Evidence, wish: &Wish) -> ProbePlan {
    let who = Who::new(desired, live, evidence);
    let service = desired.capabilities.service_databases;
    let databases: Vec<&str> = (live.world.databases())
        .filter(|(name, database)| database.state == DatabaseState::Open && !service.contains(name))
        .map(|(name, _)| name)
        .collect();
    let group = desired.capabilities.iam_login_role;
    let by_token = group.map(|group| who.graph.reach(group, &[Way::CanGet], |_| false));
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
        if by_token.as_ref().is_none_or(|reach| reach.way(role).is_none()) {
            plan.by_password.push(role.to_owned());
            continue;
        }
        candidates.push((role, role_arn(&who, tenant), at));
    }
    let sizes: Vec<usize> = candidates.iter().map(|(.., at)| at.len()).collect();
    let shares = shares(&sizes, wish.sample.unwrap_or(usize::MAX));
    for ((role, role_arn, mut at), share) in candidates.into_iter().zip(shares) {
        if share < at.len() {
            at.sort_by_cached_key(|database| spread(wish.seed, role, database));
            at.truncate(share);
        }
        plan.visitors.push(Visitor {
            role: role.to_owned(),
            role_arn,
            databases: at.into_iter().map(str::to_owned).collect(),
        });
    }
    plan
}

fn role_arn(who: &Who<'_>, tenant: &TenantId) -> Option<String> {
    match &who.desired_tenant(tenant)?.login {
        Login::Iam { role_arn, .. } => Some(role_arn.clone()),
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

/// By what they have in common: the rule, the database, and more words.
type Groups<'a> = BTreeMap<(&'a str, Case), Vec<(&'a str, bool)>>;

/// What an attempt showed that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Case {
    Entered,
    OwnRefused,
    EnteredAgainstProof,
    RefusedAgainstProof,
}

/// Adds what the attempts showed.
pub(super) fn check(who: &Who<'_>, probe: &Probe, findings: &mut Findings) -> Probed {
    let mut probed = Probed {
        seed: probe.plan.seed,
        pairs: probe.plan.pairs,
        chosen: (probe.plan.visitors.iter())
            .map(|visitor| visitor.databases.len())
            .sum(),
        tenants_without_login: probe.plan.without_login,
        tenants_not_probed: probe.plan.by_password.len(),
        stopped: probe.stopped,
        ..Probed::default()
    };
    let proof = connects(who.live);
    let mut groups = Groups::new();
    let mut unclear: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut locked_out = Vec::new();
    for visit in &probe.visits {
        let role = visit.role.as_str();
        match &visit.locked_out {
            Some(because) => locked_out.push((role, because.as_str())),
            None => probed.tenants += usize::from(!visit.attempts.is_empty()),
        }
        for (database, attempt) in &visit.attempts {
            let entered = match attempt {
                Attempt::Entered => true,
                Attempt::Refused => false,
                Attempt::LoginRefused(said) => {
                    unclear.entry("a refused login").or_default().push((role, said));
                    continue;
                }
                Attempt::Unclear { kind, said } => {
                    unclear.entry(kind).or_default().push((role, said));
                    continue;
                }
            };
            let owner = who.tenant_of_database(database);
            let own = owner.is_some() && owner == who.tenant_of_role(role);
            let proved = proof.get(&(database.clone(), role.to_owned())) == Some(&Way::Has);
            probed.tally(entered, own, owner.is_some());
            for case in cases(entered, own, proved) {
                probed.disagreements += usize::from(case >= Case::EnteredAgainstProof);
                groups.entry((database, case)).or_default().push((role, own));
            }
        }
    }
    probed.unclear = unclear.values().map(Vec::len).sum();
    probed.tenants_not_probed += locked_out.len();
    for ((database, case), roles) in groups {
        findings.add(shown(who, database, case, &roles));
    }
    not_shown(who, probe, &unclear, &locked_out, findings);
    let begun = probed.tried + probed.unclear;
    if probe.stopped {
        let message = format!(
            "the probe was stopped when it had tried {begun} of {} pairs",
            probed.chosen
        );
        findings.add(Finding::new(&rules::NOT_PROVED, "probe".to_owned(), message).everyone());
    }
    probed
}

fn cases(entered: bool, own: bool, proved: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    match (entered, own) {
        (true, false) => cases.push(Case::Entered),
        (false, true) => cases.push(Case::OwnRefused),
        _ => {}
    }
    match (entered, proved) {
        (true, false) => cases.push(Case::EnteredAgainstProof),
        (false, true) => cases.push(Case::RefusedAgainstProof),
        _ => {}
    }
    cases
}

impl Probed {
    fn tally(&mut self, entered: bool, own: bool, of_tenant: bool) {
        self.tried += 1;
        let place = match (entered, own, of_tenant) {
            (true, true, _) => &mut self.own_entered,
            (false, true, _) => &mut self.own_refused,
            (false, false, _) => &mut self.foreign_refused,
            (true, false, true) => &mut self.foreign_entered,
            (true, false, false) => &mut self.shared_entered,
        };
        *place += 1;
    }
}

/// A finding about what the server answered.
fn shown(who: &Who<'_>, database: &str, case: Case, roles: &[(&str, bool)]) -> Finding {
    let (first, _) = roles.first().copied().unwrap_or_default();
    let names: Vec<&str> = roles.iter().map(|(role, _)| *role).collect();
    let names = some(&names);
    let owner = who.tenant_of_database(database);
    let because = why(who.live, first, database);
    let (rule, message): (&'static Rule, String) = match case {
        Case::Entered => (
            &rules::PROBE_ENTERED,
            format!(
                "{names} logged in to database {database}, which is not their own: the server let them in"
            ),
        ),
        Case::OwnRefused => (
            &rules::PROBE_OWN_REFUSED,
            format!("the server refused {names} their own database {database}"),
        ),
        Case::EnteredAgainstProof => (
            &rules::PROBE_DISAGREES,
            format!(
                "the server let {names} in to database {database}, and by the static proof they cannot connect"
            ),
        ),
        Case::RefusedAgainstProof => (
            &rules::PROBE_DISAGREES,
            format!(
                "the server refused {names} database {database}, and by the static proof they can connect"
            ),
        ),
    };
    let severity = match (case, owner) {
        (Case::Entered, None) => shared(who),
        _ => rule.severity,
    };
    let unknown = || {
        vec![
            first.to_owned(),
            format!("{database}, by a way that the static proof does not know"),
        ]
    };
    let path = match case {
        Case::Entered => because.paths.into_iter().next().unwrap_or_else(unknown),
        Case::RefusedAgainstProof => because.paths.into_iter().next().unwrap_or_default(),
        Case::EnteredAgainstProof | Case::OwnRefused => Vec::new(),
    };
    let mut finding = Finding::new(rule, format!("database.{database}"), message)
        .severity(severity)
        .tenant(owner)
        .database(database)
        .path(path);
    for (role, _) in roles {
        finding = finding.reacher(who.tenant_of_role(role));
    }
    finding
}

/// Findings about what nobody could try.
fn not_shown(
    who: &Who<'_>,
    probe: &Probe,
    unclear: &BTreeMap<&str, Vec<(&str, &str)>>,
    locked_out: &[(&str, &str)],
    findings: &mut Findings,
) {
    let mut add = |roles: &[&str], message: String| {
        let mut finding = Finding::new(&rules::NOT_PROVED, "probe".to_owned(), message);
        for role in roles {
            finding = finding.reacher(who.tenant_of_role(role));
        }
        findings.add(finding.severity(Severity::Medium));
    };
    let passwords: Vec<&str> = probe.plan.by_password.iter().map(String::as_str).collect();
    if !passwords.is_empty() {
        let tenants = count(passwords.len(), "tenant is", "tenants are");
        let names = some(&passwords);
        add(
            &passwords,
            format!("{tenants} not probed, because nobody else knows their password: {names}"),
        );
    }
    if let Some((_, said)) = locked_out.first() {
        let roles: Vec<&str> = locked_out.iter().map(|(role, _)| *role).collect();
        let tenants = count(roles.len(), "tenant is", "tenants are");
        let names = some(&roles);
        add(
            &roles,
            format!(
                "{tenants} not probed, because the caller may not log in as them: {names}; the first: {said}"
            ),
        );
    }
    for (kind, attempts) in unclear {
        let roles: BTreeSet<&str> = attempts.iter().map(|(role, _)| *role).collect();
        let roles: Vec<&str> = roles.into_iter().collect();
        let number = count(attempts.len(), "attempt", "attempts");
        let said = attempts.first().map_or("", |(_, said)| *said);
        add(
            &roles,
            format!(
                "{number} to connect as {} showed nothing ({kind}); the first: {said}",
                some(&roles)
            ),
        );
    }
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
    fn what_an_attempt_shows() {
        assert_eq!(cases(true, true, true), []);
        assert_eq!(cases(false, false, false), []);
        assert_eq!(cases(true, false, true), [Case::Entered]);
        assert_eq!(
            cases(true, false, false),
            [Case::Entered, Case::EnteredAgainstProof]
        );
        assert_eq!(
            cases(false, true, true),
            [Case::OwnRefused, Case::RefusedAgainstProof]
        );
        assert_eq!(cases(false, false, true), [Case::RefusedAgainstProof]);
        assert_eq!(cases(false, true, false), [Case::OwnRefused]);
    }

    #[test]
    fn a_seed_chooses_another_order() {
        assert_eq!(spread(1, "a", "b"), spread(1, "a", "b"));
        assert_ne!(spread(1, "a", "b"), spread(2, "a", "b"));
    }
}
