//! What the caller has to be allowed to do in AWS, narrowed to what a configuration is about. Pure.
//!
//! One table: the policies of `iam-policy` and the table in `docs/ci.md` come from it, and `tests/ci` holds it against the
//! calls that are made. Which actions can be narrowed, and by which conditions:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

mod table;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::config::{AdminAuth, Cluster, Config, NamePart, NameTemplate};
use crate::model::iam::{TENANT_TAG, WORKSPACE_TAG};

pub use table::PERMISSIONS;

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
    /// Database users that log in by token: the admin with `auth = "iam"`, and for `plan` the readers instead, if there are any.
    Login,
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
pub fn policy(config: &Config, purpose: Purpose, account: Option<&str>) -> Result<Value, AdminUnknown> {
    let places: Vec<Place<'_>> = (config.clusters.values())
        .map(|cluster| Ok(Place::of(config, cluster, account, logins(cluster, purpose)?)))
        .collect::<Result<_, _>>()?;
    let asks_for = |resource| places.iter().any(|place| place.asks_for(resource));
    let mut statements: Vec<(Resource, Gate, Vec<&str>)> = Vec::new();
    let needed = PERMISSIONS.iter().filter(|row| row.purposes.contains(&purpose));
    for row in needed.filter(|row| asks_for(row.resource)) {
        let like = |(resource, gate, _): &&mut (_, _, _)| (*resource, *gate) == (row.resource, row.gate);
        match statements.iter_mut().find(like) {
            Some((_, _, actions)) => actions.push(row.action),
            None => statements.push((row.resource, row.gate, vec![row.action])),
        }
    }
    let statements: Vec<Value> = statements
        .into_iter()
        .map(|(resource, gate, actions)| statement(&places, resource, gate, &actions))
        .collect();
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// As whom somebody logs in by token.
fn logins(cluster: &Cluster, purpose: Purpose) -> Result<Vec<&str>, AdminUnknown> {
    if purpose == Purpose::Plan && !cluster.readers.is_empty() {
        return Ok(cluster
            .readers
            .iter()
            .map(|reader| reader.value.as_str())
            .collect());
    }
    match (cluster.admin.auth, &cluster.admin.username) {
        (AdminAuth::Iam, Some(admin)) => Ok(vec![admin]),
        (AdminAuth::Iam, None) => Err(AdminUnknown),
        (AdminAuth::Password | AdminAuth::Secret, _) => Ok(Vec::new()),
    }
}

/// What ARNs are made of.
struct Place<'a> {
    partition: &'static str,
    region: &'a str,
    account: &'a str,
    cluster: String,
    logins: Vec<&'a str>,
    by_secret: bool,
    users: String,
    roles: String,
    workspace: &'a str,
}

impl<'a> Place<'a> {
    fn of(config: &'a Config, cluster: &'a Cluster, account: Option<&'a str>, logins: Vec<&'a str>) -> Self {
        let region = cluster.region.as_deref().unwrap_or("*");
        Self {
            partition: match region {
                region if region.starts_with("cn-") => "aws-cn",
                region if region.starts_with("us-gov-") => "aws-us-gov",
                _ => "aws",
            },
            region,
            account: account.unwrap_or("*"),
            // RDS has identifiers in lower case, however they are asked for.
            cluster: cluster.identifier.value.to_lowercase(),
            by_secret: cluster.admin.auth == AdminAuth::Secret && logins.is_empty(),
            logins,
            users: pattern(&config.naming.iam_user),
            roles: pattern(&config.naming.iam_role),
            workspace: &config.workspace,
        }
    }

    fn asks_for(&self, resource: Resource) -> bool {
        match resource {
            Resource::Login => !self.logins.is_empty(),
            Resource::MasterSecret => self.by_secret,
            _ => true,
        }
    }

    fn arns(&self, resource: Resource) -> Vec<String> {
        let Self {
            partition,
            region,
            account,
            cluster,
            logins,
            users,
            roles,
            ..
        } = self;
        let one = match resource {
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
            Resource::Login => {
                let user =
                    |login: &&str| format!("arn:{partition}:rds-db:{region}:{account}:dbuser:*/{login}");
                return logins.iter().map(user).collect();
            }
        };
        vec![one]
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

/// One statement about the resources of all clusters. A single one is no list, but for logins.
fn statement(places: &[Place<'_>], resource: Resource, gate: Gate, actions: &[&str]) -> Value {
    let asking = places.iter().filter(|place| place.asks_for(resource));
    let arns: BTreeSet<String> = asking.flat_map(|place| place.arns(resource)).collect();
    let mut arns: Vec<Value> = arns.into_iter().map(Value::from).collect();
    let arns = match arns.len() {
        1 if resource != Resource::Login => arns.remove(0),
        _ => arns.into(),
    };
    let mut statement = Map::new();
    statement.insert("Sid".to_owned(), sid(resource, gate).into());
    statement.insert("Effect".to_owned(), "Allow".into());
    statement.insert("Action".to_owned(), actions.into());
    statement.insert("Resource".to_owned(), arns);
    if let Some(condition) = places.first().and_then(|place| place.condition(gate)) {
        statement.insert("Condition".to_owned(), condition);
    }
    Value::Object(statement)
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
        (Resource::Login, _) => "LogIn",
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
