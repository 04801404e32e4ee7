//! The documents that tenantctl writes, and the ARNs in them.
//!
//! Every ARN takes its partition from the cluster's facts: `aws-cn` and `aws-us-gov` are no stranger than `aws`. Names
//! are not escaped: `config` has refused those with `*`, `?` and `$`, which IAM would read as patterns.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use smol_str::ToSmolStr;

use super::{Effect, Folded, Policy, PolicyDocument, Sorted, Statement};

/// The policy language in use; the older one, from 2008, knows no variables.
const VERSION: &str = "2012-10-17";
const ASSUME_ROLE: &str = "sts:AssumeRole";

/// The ARN of an IAM user. `path` begins and ends with `/`.
pub fn user_arn(partition: &str, account: &str, path: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:user{path}{name}")
}

/// The ARN of an IAM role. `path` begins and ends with `/`.
pub fn role_arn(partition: &str, account: &str, path: &str, name: &str) -> String {
    format!("arn:{partition}:iam::{account}:role{path}{name}")
}

/// The ARN of a database user of a cluster, by the cluster's resource id (`cluster-..`), not its identifier:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>.
pub fn database_user_arn(
    partition: &str,
    region: &str,
    account: &str,
    resource_id: &str,
    user: &str,
) -> String {
    format!("arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}")
}

impl PolicyDocument {
    /// Permission to assume one role and nothing else.
    pub fn assume_role(role_arn: &str) -> Self {
        Self::of(Statement {
            action: Some(Sorted::from([Folded(ASSUME_ROLE.into())])),
            resource: Some(Sorted::from([role_arn.into()])),
            ..Statement::empty(Effect::Allow)
        })
    }

    /// Trust in one user, calling from these networks.
    ///
    /// `IpAddress` without `IfExists`: a call that carries no address, as through a VPC endpoint, is refused. No
    /// networks at all leave a condition that nothing meets, never a trust without condition. The condition gates
    /// `sts:AssumeRole` alone; `rds-db:connect` knows no `aws:SourceIp`.
    pub fn trust(user_arn: &str, cidrs: &BTreeSet<IpNet>) -> Self {
        let networks = cidrs.iter().map(|cidr| cidr.trunc().to_smolstr()).collect();
        let test = Sorted::from([(Folded("aws:SourceIp".into()), networks)]);
        Self::of(Statement {
            condition: Sorted::from([(Folded("IpAddress".into()), test)]),
            ..Self::about_user(Effect::Allow, user_arn)
        })
    }

    /// The trust policy of a suspended tenant's role: an explicit denial for its user.
    pub fn trust_denied(user_arn: &str) -> Self {
        Self::of(Self::about_user(Effect::Deny, user_arn))
    }

    /// Permission to log in as one database user; `resource_arn` is a [`database_user_arn`].
    pub fn rds_connect(resource_arn: &str) -> Self {
        Self::of(Statement {
            action: Some(Sorted::from([Folded("rds-db:connect".into())])),
            resource: Some(Sorted::from([resource_arn.into()])),
            ..Statement::empty(Effect::Allow)
        })
    }

    fn about_user(effect: Effect, user_arn: &str) -> Statement {
        let names = Sorted::from([user_arn.into()]);
        Statement {
            principal: Some(Sorted::from([("AWS".into(), names)])),
            action: Some(Sorted::from([Folded(ASSUME_ROLE.into())])),
            ..Statement::empty(effect)
        }
    }

    fn of(statement: Statement) -> Self {
        Policy::assemble(Some(VERSION.into()), None, vec![statement], BTreeMap::new()).document()
    }
}

impl Statement {
    fn empty(effect: Effect) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            not_principal: None,
            action: None,
            not_action: None,
            resource: None,
            not_resource: None,
            condition: Sorted::default(),
            other: BTreeMap::new(),
        }
    }
}
