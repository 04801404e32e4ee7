//! Who may assume a role.

use std::net::IpAddr;

use serde_json::Value;

use super::{Shared, call::Call};
use crate::{
    aws::{
        http,
        policy::{self, Verdict, evaluate},
    },
    error::Error,
};

impl Shared {
    /// Why the trust policy of the role does not let the caller in, when it does not.
    pub(super) async fn distrusts(&self, call: &Call) -> Result<Option<String>, Error> {
        let Some(source_ip) = self.state().source_ip else {
            return Ok(None);
        };
        let role_arn = call.parameter("RoleArn").unwrap_or_default();
        let inside = |kind: &str, name: &str| format!("/testbed/{kind}?{}", http::encode(name));
        let role = http::get(self.aws, &inside("role", &role_arn)).await?;
        let caller = http::get(self.aws, &inside("principal", &call.access_key())).await?;
        match trusts(&role, &caller, &role_arn, source_ip) {
            true => Ok(None),
            false => {
                let caller = caller["arn"]
                    .as_str()
                    .unwrap_or("arn:aws:iam::123456789012:user/unknown");
                Ok(Some(format!(
                    "User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
                )))
            }
        }
    }
}

/// Whether a role may be assumed: its trust policy names the caller, or it names the caller's account and a policy of
/// the caller allows it; and nothing on either side denies it.
fn trusts(role: &Value, caller: &Value, role_arn: &str, source_ip: IpAddr) -> bool {
    let Some(arn) = caller["arn"].as_str().filter(|_| caller["active"] == true) else {
        return false;
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    let root = format!("arn:aws:iam::{account}:root");
    let trust = std::slice::from_ref(&role["trust"]);
    let ask = |documents: &[Value], resource: Option<&str>, principals: &[&str]| {
        let source_ip = Some(source_ip);
        evaluate(
            documents,
            &policy::Request {
                action: "sts:AssumeRole",
                resource,
                principals,
                source_ip,
                context: &std::collections::BTreeMap::new(),
            },
        )
    };
    let own = caller["policies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let by_policy = ask(own, Some(role_arn), &[]);
    let by_account = ask(trust, None, &[arn, account, &root]);
    let by_name = ask(trust, None, &[arn]);
    by_policy != Verdict::Denied
        && by_account == Verdict::Allowed
        && (by_name == Verdict::Allowed || by_policy == Verdict::Allowed)
}
