//! IAM users, roles and access keys.

use serde::{Deserialize, Serialize};

use super::policy::PolicyDocument;
use crate::address::{Name, TenantId};

/// The tag that names the workspace an IAM object belongs to.
pub const WORKSPACE_TAG: &str = "tenantctl:workspace";
/// The tag that names the tenant an IAM object belongs to.
pub const TENANT_TAG: &str = "tenantctl:tenant";
/// The inline policy of a tenant's IAM user.
pub const ASSUME_ROLE_POLICY: &str = "assume-role";
/// The inline policy of a tenant's IAM role.
pub const CONNECT_POLICY: &str = "rds-connect";

/// Our mark on an object: tags in IAM, a ledger row in Postgres.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// The workspace.
    pub workspace: Name,
    /// The tenant.
    pub tenant: TenantId,
}

/// An IAM user. Its tags are its [`Mark`], kept beside the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamUser {
    /// The path, `/` unless somebody chose another; part of the ARN.
    pub path: Name,
}

/// An IAM role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamRole {
    /// The path.
    pub path: Name,
    /// Who may assume it, and from where.
    pub trust: PolicyDocument,
}

/// Whether an access key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It does.
    Active,
    /// It does not, until it is activated again.
    Inactive,
}

/// An access key, without its secret, which exists in the response that created it and in the hand-over file alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA..`; unknown before it is created.
    pub id: Option<Name>,
    /// Whether it works.
    pub status: KeyStatus,
}

/// A count and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many there are.
    pub taken: usize,
    /// How many there may be.
    pub limit: usize,
}

/// The limits that new tenants come up against; `None` for what AWS did not tell.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of users.
    pub users: Option<Quota>,
    /// Of roles.
    pub roles: Option<Quota>,
}
