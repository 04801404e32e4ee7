//! What has to be known of a cluster before a tenant can be lowered into objects.

use serde::{Deserialize, Serialize};

/// Facts of an Aurora cluster and of the caller's AWS account.
///
/// From `DescribeDBClusters` and `GetCallerIdentity`. The resource id (`cluster-..`), not the identifier, is what an
/// `rds-db:connect` policy names:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// `aws`, `aws-cn` or `aws-us-gov`: the second part of every ARN.
    pub partition: String,
    /// The twelve digits of the account that holds the cluster.
    pub account: String,
    /// The cluster's region.
    pub region: String,
    /// The RDS cluster identifier.
    pub identifier: String,
    /// `cluster-..`; changes when a cluster is restored or cloned.
    pub resource_id: String,
    /// The writer endpoint's host name, the one that tokens are signed for.
    pub endpoint: String,
    /// The port of the writer endpoint.
    pub port: u16,
    /// The master user's name.
    pub master_username: String,
    /// Whether IAM database authentication is on.
    pub iam_enabled: bool,
    /// The ARN of the master user's secret, where RDS manages it.
    pub master_secret_arn: Option<String>,
}
