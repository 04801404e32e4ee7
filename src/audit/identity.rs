//! Who may log in as a tenant by IAM: every policy of every identity, against the tenants' database users.
//!
//! A statement that names its resources is looked up; only one with a pattern is tried on every tenant.

use std::collections::{BTreeMap, BTreeSet};

use super::credentials::Credentials;
use super::finding::{Finding, Findings, count, some};
use super::rules::{self, Rule};
use super::who::Who;
use crate::address::TenantId;
use crate::desired::Login;
use crate::model::iam::{ASSUME_ROLE_POLICY, CONNECT_POLICY};
use crate::model::policy::database_user_arn;
use crate::model::policy::evaluate::{Claim, may};
use crate::model::{Identity, IdentityKind, IdentityPolicy, Known, Object, PolicyDocument};

const CONNECT: &str = "rds-db:connect";

/// Tenants by the ARN of their database user.
type Users<'a> = BTreeMap<String, &'a TenantId>;

/// Adds what is wrong with identity policies, and who may connect as whom. Returns how many patterns were tried.
pub(super) fn check(who: &Who<'_>, credentials: &mut Credentials, findings: &mut Findings) -> usize {
    let Known::Yes(account) = &who.evidence.account else {
        return 0;
    };
    let users = users(who);
    let mut steps = 0;
    for identity in &account.identities {
        let policies = identity.policies.iter();
        let read: Vec<_> = policies
            .map(|policy| (policy, policy.document.policy()))
            .collect();
        let claims: Vec<(Claim<'_>, &IdentityPolicy)> = (read.iter())
            .flat_map(|(policy, read)| read.about(CONNECT).map(move |claim| (claim, *policy)))
            .collect();
        let reached = reached(identity, &claims, &users, &mut steps);
        for tenant in reached.keys().copied().cloned() {
            let holders = credentials.entry(tenant).or_default();
            holders.may_connect.insert(identity.arn.clone());
        }
        let own = who.tenant_of_arn(&identity.arn);
        let mut named = BTreeSet::new();
        named.extend(connects(identity, own, &reached, findings));
        named.extend(ignored_conditions(identity, &claims, &users, findings));
        if let Some(tenant) = own {
            beyond_declared(who, identity, tenant, &named, findings);
        }
    }
    steps
}

/// The database users of all tenants that log in by IAM: those of the file, and those that others made or that are left.
fn users<'a>(who: &'a Who<'_>) -> Users<'a> {
    let facts = &who.desired.facts;
    let wanted = who
        .desired
        .tenants
        .iter()
        .map(|(id, tenant)| (tenant.names.role.as_str(), id));
    let living = who.tenant_roles().map(|(role, _, tenant)| (role, tenant));
    let by_password = |tenant: &TenantId| {
        let desired = who.desired_tenant(tenant);
        desired.is_some_and(|tenant| tenant.login == Login::Password)
    };
    let arn = |role: &str| {
        let (partition, region, account) = (&facts.partition, &facts.region, &facts.account);
        database_user_arn(partition, region, account, &facts.resource_id, role)
    };
    wanted
        .chain(living)
        .filter(|(_, tenant)| !by_password(tenant))
        .map(|(role, tenant)| (arn(role), tenant))
        .collect()
}

/// The tenants that an identity may connect as, each with the policy that allows it.
type Reached<'a> = BTreeMap<&'a TenantId, (&'a IdentityPolicy, bool)>;

fn reached<'a>(
    identity: &'a Identity,
    claims: &[(Claim<'a>, &'a IdentityPolicy)],
    users: &Users<'a>,
    steps: &mut usize,
) -> Reached<'a> {
    let mut reached = Reached::new();
    let boundary = identity.boundary.as_ref().map(PolicyDocument::policy);
    let mut consider = |arn: &str, tenant: &'a TenantId, claim: Claim<'a>, policy: &'a IdentityPolicy| {
        *steps += claims.len();
        let bounded = (boundary.as_ref()).is_none_or(|boundary| may(boundary.about(CONNECT), arn));
        if claim.covers(arn) && bounded && may(claims.iter().map(|(claim, _)| *claim), arn) {
            reached.entry(tenant).or_insert((policy, claim.every_action()));
        }
    };
    for (claim, policy) in claims.iter().filter(|(claim, _)| claim.allows()) {
        match claim.exact() {
            Some(named) => {
                for arn in named {
                    if let Some(tenant) = users.get(arn.as_str()) {
                        consider(arn, tenant, *claim, policy);
                    }
                }
            }
            None => {
                for (arn, tenant) in users {
                    consider(arn, tenant, *claim, policy);
                }
            }
        }
    }
    reached
}

fn subject(identity: &Identity) -> String {
    match identity.kind {
        IdentityKind::User => format!("iam_user.{}", identity.name),
        IdentityKind::Role => format!("iam_role.{}", identity.name),
    }
}

/// Adds a finding for those who should not; returns the labels of the policies that it named.
fn connects(
    identity: &Identity,
    own: Option<&TenantId>,
    reached: &Reached<'_>,
    findings: &mut Findings,
) -> Vec<String> {
    let mut named = Vec::new();
    let mut add = |rule: &'static Rule, tenants: Vec<(&TenantId, &IdentityPolicy)>, does: &str| {
        let Some((first, policy)) = tenants.first().copied() else {
            return;
        };
        let names: Vec<&str> = tenants.iter().map(|(tenant, _)| tenant.as_str()).collect();
        let message = format!(
            "{} {} {does} {} ({})",
            identity.kind.as_str(),
            identity.name,
            count(names.len(), "tenant", "tenants"),
            some(&names)
        );
        named.push(policy.label.clone());
        let mut finding = Finding::new(rule, subject(identity), message)
            .tenant(Some(first))
            .reacher(own)
            .path(vec![
                identity.arn.clone(),
                policy.label.clone(),
                format!("{CONNECT} as {first}"),
            ])
            .remedy(format!("take {CONNECT} out of {}", policy.label));
        finding.tenants = tenants.iter().map(|(tenant, _)| (*tenant).clone()).collect();
        findings.add(finding);
    };
    let all = || {
        reached
            .iter()
            .map(|(tenant, (policy, every))| (*tenant, *policy, *every))
    };
    let pairs = |wanted: &dyn Fn(&TenantId, bool) -> bool| -> Vec<_> {
        let chosen = all().filter(|(tenant, _, every)| wanted(tenant, *every));
        chosen.map(|(tenant, policy, _)| (tenant, policy)).collect()
    };
    match own {
        Some(own) => {
            let others = pairs(&|tenant, _| tenant != own);
            if others.is_empty() && identity.kind == IdentityKind::User {
                add(
                    &rules::IAM_USER_CONNECTS,
                    pairs(&|tenant, _| tenant == own),
                    "may connect without its role as",
                );
            }
            add(&rules::IAM_CROSS_TENANT, others, "may connect as");
        }
        None => {
            add(
                &rules::IAM_ADMINISTRATOR,
                pairs(&|_, every| every),
                "administers the account and may connect as",
            );
            add(
                &rules::IAM_OUTSIDER_CONNECTS,
                pairs(&|_, every| !every),
                "may connect as",
            );
        }
    }
    named
}

/// Conditions on keys that a connection does not carry: no one should rely on them, neither in an Allow nor in a Deny. A
/// statement about every action is not meant for connections.
fn ignored_conditions(
    identity: &Identity,
    claims: &[(Claim<'_>, &IdentityPolicy)],
    users: &Users<'_>,
    findings: &mut Findings,
) -> Vec<String> {
    let mut named = Vec::new();
    for (claim, policy) in claims.iter().filter(|(claim, _)| !claim.every_action()) {
        let keys = claim.keys_ignored_by_connect();
        let about = || {
            users
                .iter()
                .find(|(arn, _)| claim.covers(arn))
                .map(|(_, tenant)| *tenant)
        };
        let Some(tenant) = (!keys.is_empty()).then(about).flatten() else {
            continue;
        };
        let keys = keys.join(", ");
        let message = format!(
            "{} of {} {} gates {CONNECT} by {keys}, which AWS does not evaluate there",
            policy.label,
            identity.kind.as_str(),
            identity.name
        );
        named.push(policy.label.clone());
        findings.add(
            Finding::new(&rules::CONDITION_IGNORED, subject(identity), message)
                .tenant(Some(tenant))
                .path(vec![identity.arn.clone(), policy.label.clone(), keys]),
        );
    }
    named
}

/// Policies of a tenant's identity that the file does not ask for and no other finding has named.
fn beyond_declared(
    who: &Who<'_>,
    identity: &Identity,
    tenant: &TenantId,
    named: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let Some(desired) = who.desired_tenant(tenant) else {
        return;
    };
    if matches!(desired.login, Login::Password) {
        return;
    }
    for policy in identity
        .policies
        .iter()
        .filter(|policy| !named.contains(&policy.label))
    {
        if policy
            .inline
            .as_deref()
            .is_some_and(|name| declared(who, identity, name, policy))
        {
            continue;
        }
        let message = format!(
            "{} speaks for {} {} of tenant {tenant}",
            policy.label,
            identity.kind.as_str(),
            identity.name
        );
        findings.add(
            Finding::new(&rules::IAM_BEYOND, subject(identity), message)
                .tenant(Some(tenant))
                .path(vec![identity.arn.clone(), policy.label.clone()]),
        );
    }
}

/// Whether an inline policy is the one that the file asks for, word for meaning.
fn declared(who: &Who<'_>, identity: &Identity, name: &str, policy: &IdentityPolicy) -> bool {
    let address = match identity.kind {
        IdentityKind::User if name == ASSUME_ROLE_POLICY => crate::address::Address::IamUserPolicy {
            user: identity.name.as_str().into(),
            name: name.into(),
        },
        IdentityKind::Role if name == CONNECT_POLICY => crate::address::Address::IamRolePolicy {
            role: identity.name.as_str().into(),
            name: name.into(),
        },
        _ => return false,
    };
    matches!(who.desired.world.get(&address), Some(Object::Policy(wanted)) if *wanted == policy.document)
}
