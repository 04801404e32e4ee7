//! What the caller has to be allowed to do in AWS, narrowed to what a configuration is about. Pure.
//!
//! One table: the policies of `iam-policy` and the table in `docs/ci.md` come from it, and `tests/ci` holds it against the
//! calls that are made. Which actions can be narrowed, and by which conditions:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

use serde_json::{Map, Value, json};

use crate::config::{AdminAuth, Cluster, Config, NamePart, NameTemplate};
use crate::model::iam::{TENANT_TAG, WORKSPACE_TAG};

/// What somebody is to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `plan`.
    Plan,
    /// `apply` and `adopt`, which plan too.
    Apply,
    /// `audit` without a probe, and `why`.
    Audit,
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// AWS narrows the action to nothing.
    Everything,
    /// The cluster.
    Cluster,
    /// Users with names that tenants' users have.
    Users,
    /// Roles with names that tenants' roles have.
    Roles,
    /// The secret in which RDS keeps the master password. Only with `auth = "secret"`.
    MasterSecret,
    /// The admin as a database user. Only with `auth = "iam"`.
    AdminLogin,
}

/// A condition on tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// None.
    Open,
    /// The call gives the mark of our workspace, and no other tag.
    GivesOurMark,
    /// The user or role bears the mark of our workspace.
    BearsOurMark,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// `service:Action`.
    pub action: &'static str,
    /// On what.
    pub resource: Resource,
    /// Under which condition.
    pub gate: Gate,
    /// What needs it.
    pub purposes: &'static [Purpose],
    /// What for.
    pub why: &'static str,
}

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
        Resource::AdminLogin,
        ALL,
        "logs in as the admin, with `auth = \"iam\"`",
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

/// The admin logs in by IAM, and nothing says who it is.
#[derive(Debug, thiserror::Error)]
#[error(
    "the admin logs in by IAM, but the file does not say who it is: write its `username` in the `admin` block. Without it \
     the policy would have to allow every login"
)]
pub struct AdminUnknown;

/// The policy document for a purpose. Without an account it is for whichever account it is attached in.
///
/// # Errors
/// With `auth = "iam"` the file has to name the admin: nothing else can tell whose login is to be allowed.
pub fn policy(
    config: &Config,
    cluster: &Cluster,
    purpose: Purpose,
    account: Option<&str>,
) -> Result<Value, AdminUnknown> {
    let place = Place::of(config, cluster, account)?;
    let mut statements: Vec<(Resource, Gate, Vec<&str>)> = Vec::new();
    let needed = PERMISSIONS.iter().filter(|row| row.purposes.contains(&purpose));
    for row in needed.filter(|row| cluster.admin.auth.asks_for(row.resource)) {
        let like = |(resource, gate, _): &&mut (_, _, _)| (*resource, *gate) == (row.resource, row.gate);
        match statements.iter_mut().find(like) {
            Some((_, _, actions)) => actions.push(row.action),
            None => statements.push((row.resource, row.gate, vec![row.action])),
        }
    }
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|(resource, gate, actions)| place.statement(resource, gate, &actions))
        .collect();
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

impl AdminAuth {
    fn asks_for(self, resource: Resource) -> bool {
        match resource {
            Resource::MasterSecret => self == Self::Secret,
            Resource::AdminLogin => self == Self::Iam,
            _ => true,
        }
    }
}

/// What ARNs are made of.
struct Place<'a> {
    partition: &'static str,
    region: &'a str,
    account: &'a str,
    cluster: String,
    admin: &'a str,
    users: String,
    roles: String,
    workspace: &'a str,
}

impl<'a> Place<'a> {
    fn of(config: &'a Config, cluster: &'a Cluster, account: Option<&'a str>) -> Result<Self, AdminUnknown> {
        let admin = cluster.admin.username.as_deref();
        if admin.is_none() && cluster.admin.auth == AdminAuth::Iam {
            return Err(AdminUnknown);
        }
        let region = cluster.region.as_deref().unwrap_or("*");
        Ok(Self {
            partition: match region {
                region if region.starts_with("cn-") => "aws-cn",
                region if region.starts_with("us-gov-") => "aws-us-gov",
                _ => "aws",
            },
            region,
            account: account.unwrap_or("*"),
            // RDS has identifiers in lower case, however they are asked for.
            cluster: cluster.identifier.value.to_lowercase(),
            admin: admin.unwrap_or_default(),
            users: pattern(&config.naming.iam_user),
            roles: pattern(&config.naming.iam_role),
            workspace: &config.workspace,
        })
    }

    fn statement(&self, resource: Resource, gate: Gate, actions: &[&str]) -> Value {
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), sid(resource, gate).into());
        statement.insert("Effect".to_owned(), "Allow".into());
        statement.insert("Action".to_owned(), actions.into());
        statement.insert("Resource".to_owned(), self.arn(resource).into());
        if let Some(condition) = self.condition(gate) {
            statement.insert("Condition".to_owned(), condition);
        }
        Value::Object(statement)
    }

    fn arn(&self, resource: Resource) -> String {
        let Self {
            partition,
            region,
            account,
            cluster,
            admin,
            users,
            roles,
            ..
        } = self;
        match resource {
            Resource::Everything => "*".to_owned(),
            Resource::Cluster => format!("arn:{partition}:rds:{region}:{account}:cluster:{cluster}"),
            Resource::Users => format!("arn:{partition}:iam::{account}:user/{users}"),
            Resource::Roles => format!("arn:{partition}:iam::{account}:role/{roles}"),
            // RDS calls it `rds!cluster-` and a number:
            // <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html>
            Resource::MasterSecret => {
                format!("arn:{partition}:secretsmanager:{region}:{account}:secret:rds!cluster-*")
            }
            // The cluster's resource id is known only to who may look it up.
            Resource::AdminLogin => format!("arn:{partition}:rds-db:{region}:{account}:dbuser:*/{admin}"),
        }
    }

    fn condition(&self, gate: Gate) -> Option<Value> {
        let workspace = self.workspace;
        match gate {
            Gate::Open => None,
            Gate::GivesOurMark => Some(json!({
                "StringEquals": { format!("aws:RequestTag/{WORKSPACE_TAG}"): workspace },
                "ForAllValues:StringEquals": { "aws:TagKeys": [WORKSPACE_TAG, TENANT_TAG] },
            })),
            Gate::BearsOurMark => Some(json!({
                "StringEquals": { format!("aws:ResourceTag/{WORKSPACE_TAG}"): workspace },
            })),
        }
    }
}

fn sid(resource: Resource, gate: Gate) -> &'static str {
    match (resource, gate) {
        (Resource::Everything, _) => "ReadTheAccount",
        (Resource::Cluster, _) => "FindTheCluster",
        (Resource::Users, Gate::Open) => "ReadUsers",
        (Resource::Users, Gate::GivesOurMark) => "MakeUsers",
        (Resource::Users, Gate::BearsOurMark) => "ChangeOurUsers",
        (Resource::Roles, Gate::Open) => "ReadRoles",
        (Resource::Roles, Gate::GivesOurMark) => "MakeRoles",
        (Resource::Roles, Gate::BearsOurMark) => "ChangeOurRoles",
        (Resource::MasterSecret, _) => "ReadTheMasterSecret",
        (Resource::AdminLogin, _) => "LogInAsTheAdmin",
    }
}

/// Every name that a template can make.
fn pattern(template: &NameTemplate) -> String {
    let parts = template.0.iter().map(|part| match part {
        NamePart::Literal(text) => text.as_str(),
        NamePart::Tenant | NamePart::Database => "*",
    });
    parts.collect()
}
