//! What has to be known of a cluster, from one `DescribeDBClusters` and one `GetCallerIdentity`.

use aws_sdk_rds::types::DbCluster;

use super::aws::{Aws, AwsError, AwsErrorKind};
use crate::model::ClusterFacts;

const DESCRIBE: &str = "rds:DescribeDBClusters";
const IDENTITY: &str = "sts:GetCallerIdentity";
/// How alike two identifiers have to be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// A cluster, and what a person should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The facts.
    pub facts: ClusterFacts,
    /// What is odd: a pending change, another account, a state other than `available`. Each a whole sentence.
    pub notes: Vec<String>,
}

/// Looks a cluster up by its identifier, in the region of the configuration.
///
/// Partition and account are those of the cluster's ARN: `rds-db:connect` resources carry the account of the cluster.
///
/// # Errors
///
/// When a call fails, no cluster has the identifier (the error names those that are nearly called so), or the cluster
/// is no Postgres.
pub async fn discover(aws: &Aws, identifier: &str) -> Result<Discovery, AwsError> {
    let (found, caller) = tokio::join!(find(aws, identifier), caller_partition_and_account(aws));
    let cluster = found?;
    let (_, caller) = caller?;
    facts(&cluster, identifier, &caller)
}

async fn find(aws: &Aws, identifier: &str) -> Result<DbCluster, AwsError> {
    let answer = aws
        .rds()
        .describe_db_clusters()
        .db_cluster_identifier(identifier)
        .send()
        .await;
    let missing = match answer {
        Ok(output) => match output.db_clusters.unwrap_or_default().into_iter().next() {
            Some(cluster) => return Ok(cluster),
            None => AwsError::new(DESCRIBE, identifier, AwsErrorKind::NotFound, "no such cluster"),
        },
        Err(error) => AwsError::from_sdk(DESCRIBE, identifier, &error),
    };
    if missing.kind() != AwsErrorKind::NotFound {
        return Err(missing);
    }
    let region = aws.region().unwrap_or("this region");
    // The suggestion is a courtesy: when it cannot be had, what matters is still that the cluster is not there.
    let remedy = match identifiers(aws).await {
        Ok(names) => near(identifier, &names, region),
        Err(_) => format!("Check `identifier` and `region`; the region asked was {region}"),
    };
    Err(missing.with_remedy(remedy))
}

async fn identifiers(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let mut pages = aws.rds().describe_db_clusters().into_paginator().items().send();
    let mut names = Vec::new();
    while let Some(cluster) = pages.next().await {
        let cluster = cluster.map_err(|error| AwsError::from_sdk(DESCRIBE, "", &error))?;
        names.extend(cluster.db_cluster_identifier);
    }
    Ok(names)
}

fn near(identifier: &str, names: &[String], region: &str) -> String {
    let wanted = identifier.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&wanted, name), name.as_str()))
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    let alike: Vec<&str> = scored
        .iter()
        .filter(|(score, _)| *score >= ALIKE)
        .take(3)
        .map(|(_, name)| *name)
        .collect();
    match (alike.is_empty(), names.len()) {
        (false, _) => format!("In {region} there is: {}", alike.join(", ")),
        (true, 0) => format!("There is no cluster at all in {region}: is `region` right?"),
        (true, _) => {
            let first: Vec<&str> = scored.iter().take(10).map(|(_, name)| *name).collect();
            format!("The clusters in {region} are: {}", first.join(", "))
        }
    }
}

/// The partition and account of the caller: enough to name a role, where the cluster may not be looked up.
///
/// # Errors
///
/// When STS does not answer; every caller with valid credentials may ask it.
pub async fn caller_partition_and_account(aws: &Aws) -> Result<(String, String), AwsError> {
    let identity = aws
        .sts()
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| AwsError::from_sdk(IDENTITY, "", &error))?;
    let arn = identity.arn().unwrap_or_default();
    match (arn.split(':').nth(1), identity.account()) {
        (Some(partition), Some(account)) => Ok((partition.to_owned(), account.to_owned())),
        _ => Err(AwsError::new(
            IDENTITY,
            "",
            AwsErrorKind::Other,
            "the answer names no account",
        )),
    }
}

fn facts(cluster: &DbCluster, identifier: &str, caller: &str) -> Result<Discovery, AwsError> {
    let lacks = |what: &str| {
        AwsError::new(
            DESCRIBE,
            identifier,
            AwsErrorKind::Other,
            format!("the answer has no {what}"),
        )
    };
    let engine = cluster.engine().unwrap_or_default();
    if !engine.contains("postgres") {
        let message = format!("the cluster's engine is `{engine}`, not `aurora-postgresql`");
        return Err(AwsError::new(DESCRIBE, identifier, AwsErrorKind::Other, message));
    }
    let arn = cluster.db_cluster_arn().ok_or_else(|| lacks("ARN"))?;
    // arn:PARTITION:rds:REGION:ACCOUNT:cluster:IDENTIFIER
    let parts: Vec<&str> = arn.splitn(7, ':').collect();
    let &["arn", partition, "rds", region, account, "cluster", name] = parts.as_slice() else {
        return Err(lacks("ARN of a cluster"));
    };
    let port = cluster.port().ok_or_else(|| lacks("port"))?;
    let facts = ClusterFacts {
        partition: partition.to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        identifier: name.to_owned(),
        resource_id: cluster
            .db_cluster_resource_id()
            .ok_or_else(|| lacks("resource id"))?
            .to_owned(),
        endpoint: cluster
            .endpoint()
            .ok_or_else(|| lacks("writer endpoint"))?
            .to_owned(),
        port: u16::try_from(port).map_err(|_| lacks("usable port"))?,
        master_username: cluster
            .master_username()
            .ok_or_else(|| lacks("master user"))?
            .to_owned(),
        iam_enabled: cluster.iam_database_authentication_enabled() == Some(true),
        master_secret_arn: cluster
            .master_user_secret()
            .and_then(|secret| secret.secret_arn())
            .map(str::to_owned),
    };
    let notes = notes(cluster, &facts, caller);
    Ok(Discovery { facts, notes })
}

fn notes(cluster: &DbCluster, facts: &ClusterFacts, caller: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let identifier = &facts.identifier;
    let pending = cluster
        .pending_modified_values()
        .and_then(|pending| pending.iam_database_authentication_enabled());
    // A change that waits for the maintenance window is neither here nor gone: facts say what holds now.
    match (facts.iam_enabled, pending) {
        (false, Some(true)) => notes.push(format!(
            "IAM database authentication of `{identifier}` is to be enabled in the next maintenance window; until then \
             no token logs in. `aws rds modify-db-cluster --apply-immediately` does it now."
        )),
        (true, Some(false)) => notes.push(format!(
            "IAM database authentication of `{identifier}` is to be disabled in the next maintenance window; from then \
             on no IAM tenant logs in."
        )),
        _ => {}
    }
    if caller != facts.account {
        notes.push(format!(
            "The cluster `{identifier}` is in account {}, the caller in {caller}: IAM users and roles would be made in {caller}, \
             and a token of another account does not log in.",
            facts.account
        ));
    }
    match cluster.status() {
        Some("available") | None => {}
        Some(status) => notes.push(format!(
            "The cluster `{identifier}` is `{status}`, not `available`."
        )),
    }
    notes
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::ClusterPendingModifiedValues;

    use super::*;

    fn cluster(partition: &str) -> aws_sdk_rds::types::builders::DbClusterBuilder {
        DbCluster::builder()
            .engine("aurora-postgresql")
            .db_cluster_arn(format!(
                "arn:{partition}:rds:cn-north-1:123456789012:cluster:main"
            ))
            .db_cluster_resource_id("cluster-ABC")
            .endpoint("main.cluster-x.rds.example")
            .port(5432)
            .master_username("postgres")
            .status("available")
    }

    #[test]
    fn facts_come_from_the_cluster_arn() {
        let found = facts(&cluster("aws-cn").build(), "MAIN", "123456789012").expect("complete");
        assert_eq!(
            (
                found.facts.partition.as_str(),
                found.facts.region.as_str(),
                found.facts.identifier.as_str()
            ),
            ("aws-cn", "cn-north-1", "main")
        );
        assert_eq!(found.notes, Vec::<String>::new());
        assert!(!found.facts.iam_enabled);
    }

    #[test]
    fn pending_changes_and_oddities_are_noted_but_not_taken_for_facts() {
        let pending = ClusterPendingModifiedValues::builder().iam_database_authentication_enabled(true);
        let odd = cluster("aws")
            .pending_modified_values(pending.build())
            .status("modifying")
            .build();
        let found = facts(&odd, "main", "210987654321").expect("complete");
        assert!(!found.facts.iam_enabled);
        assert_eq!(found.notes.len(), 3, "{:?}", found.notes);
        assert!(found.notes[0].contains("next maintenance window"));
    }

    #[test]
    fn another_engine_is_refused() {
        let error = facts(&cluster("aws").engine("aurora-mysql").build(), "main", "1").expect_err("MySQL");
        assert!(error.to_string().contains("aurora-mysql"), "{error}");
    }

    #[test]
    fn a_near_identifier_is_offered() {
        let names = ["prod-tenants".to_owned(), "billing".to_owned()];
        insta::assert_snapshot!(near("prod-tenant", &names, "eu-central-1"), @"In eu-central-1 there is: prod-tenants");
        insta::assert_snapshot!(near("zzz", &names, "eu-central-1"), @"The clusters in eu-central-1 are: billing, prod-tenants");
        insta::assert_snapshot!(near("zzz", &[], "eu-central-1"), @"There is no cluster at all in eu-central-1: is `region` right?");
    }
}
