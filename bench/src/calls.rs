//! Calls to AWS by the SDK alone.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::Credentials;
use aws_sdk_iam::types::Tag;
use serde_json::Value;
use tenantctl_testbed::World;

use crate::Failed;

/// The clients.
pub struct Account {
    iam: aws_sdk_iam::Client,
    rds: aws_sdk_rds::Client,
    sts: aws_sdk_sts::Client,
}

impl Account {
    /// Clients of a world's account.
    pub async fn new(world: &World) -> Result<Self, Failed> {
        let env = world.env();
        let get = |wanted: &str| {
            let found = env.iter().find(|(name, _)| name == wanted);
            found
                .map(|(_, value)| value.clone())
                .ok_or(format!("no {wanted}"))
        };
        let key = Credentials::new(
            get("AWS_ACCESS_KEY_ID")?,
            get("AWS_SECRET_ACCESS_KEY")?,
            None,
            None,
            "bench",
        );
        let config: SdkConfig = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(get("AWS_REGION")?))
            .endpoint_url(get("AWS_ENDPOINT_URL")?)
            .credentials_provider(key)
            .load()
            .await;
        Ok(Self {
            iam: aws_sdk_iam::Client::new(&config),
            rds: aws_sdk_rds::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        })
    }

    /// Who the caller is, and where the cluster.
    pub async fn look_up(&self) -> Result<(), Failed> {
        self.sts.get_caller_identity().send().await?;
        let request = self
            .rds
            .describe_db_clusters()
            .db_cluster_identifier("prod-tenants");
        request.send().await?;
        Ok(())
    }

    /// All users and roles, page by page.
    pub async fn read_all(&self) -> Result<(), Failed> {
        let mut pages = self
            .iam
            .get_account_authorization_details()
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            page?;
        }
        Ok(())
    }

    /// The report of all access keys.
    pub async fn credential_report(&self) -> Result<(), Failed> {
        self.iam.generate_credential_report().send().await?;
        self.iam.get_credential_report().send().await?;
        Ok(())
    }

    /// One call as `plan --json` spells it, without `iam:`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the floor of an apply writes what an apply writes"
    )]
    pub async fn call(&self, call: &str) -> Result<(), Failed> {
        let (action, parameters) = call.split_once(' ').ok_or("a call without parameters")?;
        let parameters: Value = serde_json::from_str(parameters)?;
        let text = |name: &str| match &parameters[name] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        let tags = || {
            let tags = parameters["Tags"].as_array().into_iter().flatten();
            tags.map(|tag| {
                let part = |name: &str| tag[name].as_str().unwrap_or_default().to_owned();
                Tag::builder().key(part("Key")).value(part("Value")).build()
            })
            .collect::<Result<Vec<_>, _>>()
        };
        let iam = &self.iam;
        match action {
            "CreateUser" => {
                let request = iam.create_user().user_name(text("UserName")).path(text("Path"));
                request.set_tags(Some(tags()?)).send().await?;
            }
            "CreateRole" => {
                let request = iam.create_role().role_name(text("RoleName")).path(text("Path"));
                let request = request.assume_role_policy_document(text("AssumeRolePolicyDocument"));
                request.set_tags(Some(tags()?)).send().await?;
            }
            "PutUserPolicy" => {
                let request = iam.put_user_policy().user_name(text("UserName"));
                let request = request.policy_name(text("PolicyName"));
                request.policy_document(text("PolicyDocument")).send().await?;
            }
            "PutRolePolicy" => {
                let request = iam.put_role_policy().role_name(text("RoleName"));
                let request = request.policy_name(text("PolicyName"));
                request.policy_document(text("PolicyDocument")).send().await?;
            }
            "UpdateAssumeRolePolicy" => {
                let request = iam.update_assume_role_policy().role_name(text("RoleName"));
                request.policy_document(text("PolicyDocument")).send().await?;
            }
            other => return Err(format!("the floor does not know iam:{other}").into()),
        }
        Ok(())
    }
}
