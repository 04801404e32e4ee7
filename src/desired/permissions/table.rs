//! Every action, on what, under which condition, and what for.

use super::{Gate, Permission, Purpose, Resource};

const ALL: &[Purpose] = &[Purpose::Plan, Purpose::Apply, Purpose::Audit];
const PLANS: &[Purpose] = &[Purpose::Plan, Purpose::Apply];
const APPLIES: &[Purpose] = &[Purpose::Apply];
const AUDITS: &[Purpose] = &[Purpose::Audit];

const fn reads(
    action: &'static str,
    resource: Resource,
    purposes: &'static [Purpose],
    why: &'static str,
) -> Permission {
    Permission {
        action,
        resource,
        gate: Gate::Open,
        purposes,
        why,
    }
}

const fn writes(action: &'static str, resource: Resource, gate: Gate, why: &'static str) -> Permission {
    Permission {
        action,
        resource,
        gate,
        purposes: APPLIES,
        why,
    }
}

/// Everything that is ever asked for. `sts:GetCallerIdentity` is not in it: AWS answers that to everybody.
pub const PERMISSIONS: &[Permission] = &[
    reads(
        "rds:DescribeDBClusters",
        Resource::Cluster,
        ALL,
        "finds the cluster: its endpoint, its resource id, its master user",
    ),
    reads(
        "iam:GetAccountAuthorizationDetails",
        Resource::Everything,
        ALL,
        "reads all users, roles and policies in a few calls",
    ),
    reads(
        "iam:GetAccountSummary",
        Resource::Everything,
        PLANS,
        "whether the account has room for what is missing",
    ),
    reads(
        "iam:ListAccessKeys",
        Resource::Users,
        PLANS,
        "the keys of users with a `handover`, of suspended ones and of those that leave",
    ),
    reads(
        "iam:GenerateCredentialReport",
        Resource::Everything,
        AUDITS,
        "the age of all access keys, in one report",
    ),
    reads(
        "iam:GetCredentialReport",
        Resource::Everything,
        AUDITS,
        "fetches that report",
    ),
    reads(
        "secretsmanager:GetSecretValue",
        Resource::MasterSecret,
        ALL,
        "the admin's password, with `auth = \"secret\"`",
    ),
    reads(
        "rds-db:connect",
        Resource::Login,
        ALL,
        "logs in by token: as the admin with `auth = \"iam\"`, for `plan` as the readers",
    ),
    writes(
        "iam:CreateUser",
        Resource::Users,
        Gate::GivesOurMark,
        "a tenant's user",
    ),
    writes(
        "iam:TagUser",
        Resource::Users,
        Gate::GivesOurMark,
        "our mark: AWS asks for it when a user is made with tags; and `adopt`",
    ),
    writes(
        "iam:CreateRole",
        Resource::Roles,
        Gate::GivesOurMark,
        "a tenant's role",
    ),
    writes(
        "iam:TagRole",
        Resource::Roles,
        Gate::GivesOurMark,
        "our mark: AWS asks for it when a role is made with tags; and `adopt`",
    ),
    reads(
        "iam:GetUser",
        Resource::Users,
        APPLIES,
        "whose a user is that exists already, as after a lost answer",
    ),
    reads(
        "iam:GetRole",
        Resource::Roles,
        APPLIES,
        "whose a role is that exists already, as after a lost answer",
    ),
    // AWS asks for it on the new name as well, which bears no mark yet.
    writes(
        "iam:UpdateUser",
        Resource::Users,
        Gate::Open,
        "the new name of a `moved` tenant's user",
    ),
    writes(
        "iam:PutUserPolicy",
        Resource::Users,
        Gate::BearsOurMark,
        "that the user may assume its role",
    ),
    writes(
        "iam:DeleteUserPolicy",
        Resource::Users,
        Gate::BearsOurMark,
        "takes that back",
    ),
    writes(
        "iam:CreateAccessKey",
        Resource::Users,
        Gate::BearsOurMark,
        "a key for a tenant with a `handover`",
    ),
    writes(
        "iam:UpdateAccessKey",
        Resource::Users,
        Gate::BearsOurMark,
        "switches the keys of a suspended tenant off, and ours on again",
    ),
    writes(
        "iam:DeleteAccessKey",
        Resource::Users,
        Gate::BearsOurMark,
        "the keys of a tenant that leaves, or one whose secret was lost",
    ),
    writes(
        "iam:DeleteUser",
        Resource::Users,
        Gate::BearsOurMark,
        "the user of a tenant that leaves",
    ),
    writes(
        "iam:UpdateAssumeRolePolicy",
        Resource::Roles,
        Gate::BearsOurMark,
        "who may assume the role, and from which addresses",
    ),
    writes(
        "iam:PutRolePolicy",
        Resource::Roles,
        Gate::BearsOurMark,
        "that the role may log in as its database user",
    ),
    writes(
        "iam:DeleteRolePolicy",
        Resource::Roles,
        Gate::BearsOurMark,
        "takes that back",
    ),
    writes(
        "iam:DeleteRole",
        Resource::Roles,
        Gate::BearsOurMark,
        "the role of a tenant that leaves",
    ),
];
