//! IAM roles through which somebody logs in to this cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Found;
use crate::address::Name;
use crate::model::policy::evaluate::{From, may};
use crate::model::{Identity, IdentityKind, Mark, PolicyDocument, Principal, policy};

const CONNECT: &str = "rds-db:connect";

/// An IAM role that may log in to this cluster.
#[derive(Debug)]
pub(super) struct Gate<'a> {
    /// Its name.
    pub iam_role: &'a str,
    /// Our mark, if it bears one.
    pub mark: Option<&'a Mark>,
    /// As whom it may log in.
    pub roles: BTreeSet<String>,
    /// Who may assume it.
    pub trust: Trust,
}

/// What a trust policy says, as far as a tenants file can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// One user, from these networks. `exact` is false where the document says more than that.
    User {
        user: String,
        networks: BTreeSet<IpNet>,
        exact: bool,
    },
    /// One user, from anywhere.
    Anywhere { user: String },
    /// One user, who is shut out: a suspended tenant.
    Denied { user: String },
    /// Something that no file can say: a phrase.
    Other(String),
}

/// Every IAM role that may log in to the cluster.
pub(super) fn gates<'a>(found: &Found<'a>) -> Vec<Gate<'a>> {
    let users: BTreeMap<&str, &str> = (found.account.identities.iter())
        .filter(|identity| identity.kind == IdentityKind::User)
        .map(|identity| (identity.arn.as_str(), identity.name.as_str()))
        .collect();
    let roles = (found.account.identities.iter()).filter(|identity| identity.kind == IdentityKind::Role);
    roles
        .filter_map(|identity| {
            let roles = logs_in_as(found, identity);
            (!roles.is_empty()).then(|| Gate {
                iam_role: &identity.name,
                mark: identity.mark.as_ref(),
                roles,
                trust: trust(found, identity, &users),
            })
        })
        .collect()
}

fn logs_in_as(found: &Found<'_>, identity: &Identity) -> BTreeSet<String> {
    let facts = found.facts;
    let arn = |role: &str| {
        policy::database_user_arn(
            &facts.partition,
            &facts.region,
            &facts.account,
            &facts.resource_id,
            role,
        )
    };
    let documents = identity.policies.iter().map(|policy| &policy.document);
    let read: Vec<_> = documents.map(PolicyDocument::policy).collect();
    let claims = read.iter().flat_map(|policy| policy.about(CONNECT));
    let prefix = arn("");
    let mut exact = BTreeSet::new();
    let mut patterns = false;
    for claim in claims.clone().filter(|claim| claim.allows()) {
        match claim.exact() {
            Some(resources) => exact.extend(
                resources
                    .iter()
                    .filter_map(|resource| resource.strip_prefix(&prefix))
                    .map(str::to_owned),
            ),
            None => patterns = true,
        }
    }
    if !patterns {
        return exact;
    }
    let roles = found.live.world.roles().map(|(name, _)| name);
    roles
        .filter(|role| may(claims.clone(), &arn(role)))
        .map(Name::to_string)
        .chain(exact.iter().cloned())
        .collect()
}

fn trust(found: &Found<'_>, identity: &Identity, users: &BTreeMap<&str, &str>) -> Trust {
    let facts = found.facts;
    if identity.arn != policy::role_arn(&facts.partition, &facts.account, "/", &identity.name) {
        return Trust::Other("it lives under an IAM path, which is part of every ARN".into());
    }
    let Some(document) = &identity.trust else {
        return Trust::Other("its trust policy could not be read".into());
    };
    let arn = match document.principals().as_slice() {
        [Principal::Arn(arn)] => arn.clone(),
        [] => return Trust::Other("it trusts nobody".into()),
        [_] => return Trust::Other("it trusts something else than one IAM user".into()),
        _ => return Trust::Other("it trusts more than one principal".into()),
    };
    let Some(user) = users.get(arn.as_str()).map(|user| (*user).to_owned()) else {
        return Trust::Other(format!("it trusts {arn}, which is no IAM user of this account"));
    };
    if arn != policy::user_arn(&facts.partition, &facts.account, "/", &user) {
        return Trust::Other(format!(
            "its IAM user \"{user}\" lives under an IAM path, which is part of every ARN"
        ));
    }
    if *document == PolicyDocument::trust_denied(&arn) {
        return Trust::Denied { user };
    }
    let policy = document.policy();
    let trusted = policy.trusted();
    let networks = match trusted.first().map(|one| &one.from) {
        Some(From::Networks(networks)) if trusted.len() == 1 => networks,
        Some(From::Anywhere) if trusted.len() == 1 => return Trust::Anywhere { user },
        Some(From::Conditional) => {
            return Trust::Other("its trust policy has a condition that allowed_ips cannot say".into());
        }
        _ => return Trust::Other("its trust policy has several statements".into()),
    };
    let parsed: Option<BTreeSet<IpNet>> = networks.iter().map(|text| network(text)).collect();
    match parsed {
        Some(networks) if !networks.is_empty() => Trust::User {
            exact: *document == PolicyDocument::trust(&arn, &networks),
            user,
            networks,
        },
        _ => Trust::Other("its trust policy names networks that are none".into()),
    }
}

fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse::<IpNet>()
        .or_else(|_| address())
        .ok()
        .map(|net| net.trunc())
}
