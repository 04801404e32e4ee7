//! What a caller may do by its own policies, which the emulator does not look at.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Shared, call::Call, xml};
use crate::{
    aws::{
        http,
        policy::{Request, Verdict, evaluate},
    },
    error::Error,
};

const ACCOUNT: &str = "123456789012";

impl Shared {
    /// Why AWS would not let the caller do this, when it would not. Whoever the emulator does not know may do anything.
    pub(super) async fn forbids(&self, call: &Call) -> Result<Option<String>, Error> {
        // AWS tells everybody who they are: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
        if !self.state().check_policies || call.action == "GetCallerIdentity" {
            return Ok(None);
        }
        let path = format!("/testbed/principal?{}", http::encode(&call.access_key()));
        let caller = http::get(self.aws, &path).await?;
        let Some(arn) = caller["arn"].as_str() else {
            return Ok(None);
        };
        let policies = caller["policies"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let resource = resource(call);
        let context = self.context(call).await;
        for action in actions(call) {
            let request = Request {
                action: &action,
                resource: Some(&resource),
                principals: &[],
                source_ip: None,
                context: &context,
            };
            if evaluate(policies, &request) != Verdict::Allowed {
                return Ok(Some(format!(
                    "User: {arn} is not authorized to perform: {action} on resource: {resource} because no identity-based \
                     policy allows the {action} action"
                )));
            }
        }
        Ok(None)
    }

    /// The tags that a call gives, and those of what it is about.
    async fn context(&self, call: &Call) -> BTreeMap<String, Vec<String>> {
        let mut context = BTreeMap::new();
        let mut keys = Vec::new();
        for number in 1.. {
            let part = |name| call.parameter(&format!("Tags.member.{number}.{name}"));
            let (Some(key), Some(value)) = (part("Key"), part("Value")) else {
                break;
            };
            context.insert(format!("aws:requesttag/{}", key.to_lowercase()), vec![value]);
            keys.push(key);
        }
        context.insert("aws:tagkeys".to_owned(), keys);
        for kind in ["User", "Role"] {
            let parameter = format!("{kind}Name");
            let Some(name) = call.parameter(&parameter) else {
                continue;
            };
            let listed = self.iam(&format!("List{kind}Tags"), &[(&parameter, &name)]).await;
            let listed = listed.unwrap_or_default();
            let pairs = xml::texts(&listed, "Key")
                .into_iter()
                .zip(xml::texts(&listed, "Value"));
            for (key, value) in pairs {
                context.insert(format!("aws:resourcetag/{}", key.to_lowercase()), vec![value]);
            }
        }
        context
    }
}

/// The actions that a call takes: making something with tags takes the permission to tag it.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>
fn actions(call: &Call) -> Vec<String> {
    let own = format!("{}:{}", call.service(), call.action);
    match call.action.as_str() {
        "CreateUser" | "CreateRole" if call.parameter("Tags.member.1.Key").is_some() => {
            let tag = own.replace("Create", "Tag");
            vec![own, tag]
        }
        _ => vec![own],
    }
}

/// What a call is about, as an ARN, or `*`.
fn resource(call: &Call) -> String {
    let named = |name: &str, prefix: &str| Some(format!("{prefix}{}", call.parameter(name)?));
    named("UserName", &format!("arn:aws:iam::{ACCOUNT}:user/"))
        .or_else(|| named("RoleName", &format!("arn:aws:iam::{ACCOUNT}:role/")))
        .or_else(|| named("RoleArn", ""))
        .or_else(|| {
            let region = crate::aws::REGION;
            named(
                "DBClusterIdentifier",
                &format!("arn:aws:rds:{region}:{ACCOUNT}:cluster:"),
            )
        })
        .or_else(|| call.field("SecretId"))
        .unwrap_or_else(|| "*".to_owned())
}

impl Call {
    /// A field of a JSON body.
    fn field(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(self.body()).ok()?;
        body[name].as_str().map(str::to_owned)
    }
}
