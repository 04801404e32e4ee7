//! Who may assume a tenant's role and from where, and the keys of its user.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::credentials::{Assumer, Credentials};
use super::finding::{Finding, Findings};
use super::rules::{self, Rule};
use super::who::Who;
use crate::address::TenantId;
use crate::desired::{DesiredTenant, Login};
use crate::model::policy::Policy;
use crate::model::policy::evaluate::{From, Trusted};
use crate::model::{Identity, IdentityKind, Known, PolicyDocument, Principal};

const DAY: i64 = 24 * 60 * 60;

/// Adds what is wrong with trust policies and access keys, and who may assume whose role.
pub(super) fn check(
    who: &Who<'_>,
    options: &Options,
    credentials: &mut Credentials,
    findings: &mut Findings,
) {
    if let Known::Yes(account) = &who.evidence.account {
        let roles: BTreeMap<&str, &Identity> = (account.identities.iter())
            .filter(|identity| identity.kind == IdentityKind::Role)
            .map(|identity| (identity.name.as_str(), identity))
            .collect();
        for (id, tenant) in &who.desired.tenants {
            let Login::Iam { networks, .. } = &tenant.login else {
                continue;
            };
            let Some(role) = roles.get(tenant.names.iam_role.as_str()) else {
                continue;
            };
            let declared: BTreeSet<String> = networks
                .iter()
                .map(|network| network.trunc().to_string())
                .collect();
            let trust = role.trust.as_ref().map(PolicyDocument::policy);
            let trusted = trust.as_ref().map(Policy::trusted).unwrap_or_default();
            let gate = Gate {
                who,
                id,
                tenant,
                role,
                declared,
            };
            for one in &trusted {
                let holders = credentials.entry(id.clone()).or_default();
                holders.may_assume.push(gate.assumer(one));
                if let Some(finding) = gate.judge(one) {
                    findings.add(finding);
                }
            }
        }
    }
    keys(who, options, findings);
}

/// The trust policy of one tenant's role.
struct Gate<'a> {
    who: &'a Who<'a>,
    id: &'a TenantId,
    tenant: &'a DesiredTenant,
    role: &'a Identity,
    declared: BTreeSet<String>,
}

impl Gate<'_> {
    fn assumer(&self, trusted: &Trusted<'_>) -> Assumer {
        let from = match &trusted.from {
            From::Networks(networks) => networks.iter().map(|network| (*network).to_owned()).collect(),
            other => vec![place(other)],
        };
        let who = match &trusted.principal {
            Principal::Arn(arn) => arn.clone(),
            other => self.rule_about(other).1,
        };
        Assumer { who, from }
    }

    /// What it means that somebody else than the tenant's own user is trusted, and who that is.
    fn rule_about(&self, principal: &Principal) -> (&'static Rule, String) {
        let facts = &self.who.desired.facts;
        match principal {
            Principal::Any => (&rules::TRUST_ANYBODY, "anybody".to_owned()),
            Principal::UniqueId(id) => (&rules::TRUST_STALE, format!("{id}, which is gone")),
            Principal::Account(account) if *account != facts.account => {
                (&rules::TRUST_THIRD_PARTY, format!("account {account}"))
            }
            Principal::Account(account) => (&rules::TRUST_OUTSIDER, format!("the whole account {account}")),
            Principal::Arn(arn) if account_of(arn) != Some(facts.account.as_str()) => {
                (&rules::TRUST_THIRD_PARTY, arn.clone())
            }
            Principal::Arn(arn) => match self.who.tenant_of_arn(arn) {
                Some(tenant) if tenant != self.id => {
                    (&rules::IAM_CROSS_TENANT, format!("{arn} of tenant {tenant}"))
                }
                _ => (&rules::TRUST_OUTSIDER, arn.clone()),
            },
            Principal::Service(service) => (&rules::TRUST_OUTSIDER, format!("service {service}")),
            Principal::Other(other) => (&rules::TRUST_OUTSIDER, other.clone()),
        }
    }

    fn judge(&self, trusted: &Trusted<'_>) -> Option<Finding> {
        let name = &self.tenant.names.iam_role;
        if let Principal::Arn(arn) = &trusted.principal
            && account_of(arn) == Some(self.who.desired.facts.account.as_str())
            && self.who.tenant_of_arn(arn) == Some(self.id)
            && self.is_own_user(arn)
        {
            return self.addresses(trusted);
        }
        let (rule, whom) = self.rule_about(&trusted.principal);
        let first = match &trusted.principal {
            Principal::Arn(arn) => arn.clone(),
            _ => whom.clone(),
        };
        let reacher = match &trusted.principal {
            Principal::Arn(arn) => self.who.tenant_of_arn(arn).filter(|tenant| *tenant != self.id),
            _ => None,
        };
        let message = format!(
            "IAM role {name} of tenant {} trusts {whom}, from {}",
            self.id,
            place(&trusted.from)
        );
        let remedy = "write the trust policy anew: tenantctl apply does it";
        Some(
            self.finding(rule, message)
                .reacher(reacher)
                .path(self.path(first))
                .remedy(remedy),
        )
    }

    fn finding(&self, rule: &'static Rule, message: String) -> Finding {
        let subject = format!("iam_role.{}", self.tenant.names.iam_role);
        Finding::new(rule, subject, message).tenant(Some(self.id))
    }

    fn path(&self, first: String) -> Vec<String> {
        vec![
            first,
            format!("{} (sts:AssumeRole)", self.role.arn),
            format!("rds-db:connect as {}", self.id),
        ]
    }

    fn is_own_user(&self, arn: &str) -> bool {
        let user = &self.tenant.names.iam_user;
        arn.contains(":user/") && arn.rsplit('/').next() == Some(user)
    }

    /// The tenant's own user: from where?
    fn addresses(&self, trusted: &Trusted<'_>) -> Option<Finding> {
        let name = &self.tenant.names.iam_role;
        let found = match &trusted.from {
            From::Networks(networks) => {
                let more: Vec<&str> = networks
                    .iter()
                    .copied()
                    .filter(|one| !self.declared.contains(*one))
                    .collect();
                if more.is_empty() {
                    return None;
                }
                format!("also from {}", super::finding::some(&more))
            }
            other => format!("from {}", place(other)),
        };
        let message = format!("IAM role {name} of tenant {} may be assumed {found}", self.id);
        let first = match &trusted.principal {
            Principal::Arn(arn) => arn.clone(),
            _ => name.to_string(),
        };
        Some(
            self.finding(&rules::TRUST_ADDRESSES, message)
                .path(self.path(first)),
        )
    }
}

/// The account in an ARN: its fifth part.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

fn place(from: &From<'_>) -> String {
    match from {
        From::Networks(networks) => super::finding::some(&networks.iter().copied().collect::<Vec<_>>()),
        From::Anywhere => "anywhere".to_owned(),
        From::Conditional => "anywhere, under another condition".to_owned(),
    }
}

fn keys(who: &Who<'_>, options: &Options, findings: &mut Findings) {
    let Known::Yes(by_user) = &who.evidence.keys else {
        return;
    };
    for (id, tenant) in &who.desired.tenants {
        let user = &tenant.names.iam_user;
        let (Some(keys), Login::Iam { .. }) = (by_user.get(user.as_str()), &tenant.login) else {
            continue;
        };
        let about =
            |rule, message| Finding::new(rule, format!("iam_access_key.{user}"), message).tenant(Some(id));
        if keys.active.len() + keys.inactive > 1 {
            let message = format!(
                "IAM user {user} has {} access keys, {} of them active",
                keys.active.len() + keys.inactive,
                keys.active.len()
            );
            findings.add(about(&rules::SECOND_KEY, message));
        }
        let Some(limit) = options.max_key_age else {
            continue;
        };
        let oldest = keys.active.iter().flatten().min();
        if let Some(age) = oldest
            .map(|made| who.evidence.read_at_seconds - made)
            .filter(|age| *age > limit)
        {
            let message = format!("an access key of IAM user {user} is {} days old", age / DAY);
            findings.add(about(&rules::OLD_KEY, message));
        }
    }
}
