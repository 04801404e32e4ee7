//! Real attempts to connect: which to make, and what they say of the static proof.

mod choose;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use choose::{Wish, plan};

use super::connect::shared;
use super::finding::{Finding, Findings, Severity, count, some};
use super::graph::Way;
use super::rules::{self, Rule};
use super::who::Who;
use super::why::{connects, why};
use crate::model::quote::quote_identifier;
use crate::model::{Attempt, PROBE_LOGIN, Probe};

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
    /// Tenants as which nobody could log in.
    pub tenants_not_probed: usize,
    /// Tenants whose roles cannot log in.
    pub tenants_without_login: usize,
    /// It was stopped before its end.
    pub stopped: bool,
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
        chosen: probe.plan.chosen(),
        tenants_without_login: probe.plan.without_login,
        tenants_not_probed: probe.plan.superusers.len(),
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
    for (login, because) in &probe.left {
        findings.add(left(login, &format!(": {because}")));
    }
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

/// Adds the logins that earlier probes made and did not drop.
pub(super) fn left_before(who: &Who<'_>, findings: &mut Findings) {
    let logins = who.live.world.roles().map(|(name, _)| name);
    for login in logins.filter(|name| name.starts_with(PROBE_LOGIN)) {
        if who.tenant_of_role(login).is_none() {
            findings.add(left(login, ""));
        }
    }
}

fn left(login: &str, because: &str) -> Finding {
    let message = format!("{login}, a login that a probe made, is still there{because}");
    Finding::new(&rules::PROBE_LOGIN_LEFT, format!("role.{login}"), message)
        .remedy(format!("DROP ROLE {}", quote_identifier(login)))
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
    let superusers: Vec<&str> = probe.plan.superusers.iter().map(String::as_str).collect();
    if !superusers.is_empty() {
        let tenants = count(superusers.len(), "tenant is", "tenants are");
        let names = some(&superusers);
        add(
            &superusers,
            format!(
                "{tenants} not probed, because the role is a superuser, which no login made for the probe is: {names}"
            ),
        );
    }
    if let Some((_, said)) = locked_out.first() {
        let roles: Vec<&str> = locked_out.iter().map(|(role, _)| *role).collect();
        let tenants = count(roles.len(), "tenant is", "tenants are");
        let names = some(&roles);
        add(
            &roles,
            format!(
                "{tenants} not probed, because there is no way to log in as them: {names}; the first: {said}"
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
}
