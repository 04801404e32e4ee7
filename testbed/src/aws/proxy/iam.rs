//! What IAM refuses and the emulator takes.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Shared, call::Call, xml};
use crate::{
    aws::{call::Caller, policy},
    error::Error,
};

/// An answer of IAM that is no success.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        status,
        code,
        message: message.into(),
    }
}

/// When users and roles were made, by `User` or `Role` and the name.
#[derive(Debug, Default)]
pub(super) struct Newborn(BTreeMap<(&'static str, String), Instant>);

impl Newborn {
    fn is_younger(&self, kind: &'static str, name: &str, age: Duration) -> bool {
        let made = self.0.get(&(kind, name.to_owned()));
        made.is_some_and(|made| made.elapsed() < age)
    }
}

/// A user that a call is about to delete.
pub(super) struct Leaving {
    arn: String,
    id: String,
}

/// The user or role that a call is about.
fn entity(call: &Call) -> Option<(&'static str, String)> {
    let named = |kind| Some((kind, call.parameter(&format!("{kind}Name"))?));
    named("User").or_else(|| named("Role"))
}

fn kind_made(action: &str) -> &'static str {
    match action {
        "CreateUser" => "User",
        _ => "Role",
    }
}

impl Shared {
    /// Why IAM would not do what a call asks for.
    ///
    /// The codes and messages are those of AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.
    pub(super) async fn refuses(&self, call: &Call) -> Result<Option<Refusal>, Error> {
        if call.json {
            return Ok(None);
        }
        if let Some((kind, name)) =
            entity(call).filter(|_| !call.action.starts_with("Create") || call.action == "CreateAccessKey")
        {
            let state = self.state();
            if state
                .newborn
                .is_younger(kind, &name, state.behaviour.appears_after)
            {
                let message = format!("The {} with name {name} cannot be found.", kind.to_lowercase());
                return Ok(Some(refusal(404, "NoSuchEntity", message)));
            }
        }
        let (strict, [users, roles]) = {
            let behaviour = &self.state().behaviour;
            (behaviour.strict, behaviour.counted())
        };
        let name = entity(call).map(|(_, name)| name).unwrap_or_default();
        match call.action.as_str() {
            _ if !strict && users.is_none() && roles.is_none() => Ok(None),
            // What exists is told so before anything else is looked at.
            "CreateUser" | "CreateRole" if self.exists(kind_made(&call.action), &name).await? => Ok(None),
            "CreateUser" => self.over_quota("User", users).await,
            "CreateRole" => match self.over_quota("Role", roles).await? {
                None if strict => self.distrusted(call, "AssumeRolePolicyDocument").await,
                over => Ok(over),
            },
            "UpdateAssumeRolePolicy" if strict => self.distrusted(call, "PolicyDocument").await,
            "PutUserPolicy" if strict => self.too_large(call, "User", &name, 2_048).await,
            "PutRolePolicy" if strict => self.too_large(call, "Role", &name, 10_240).await,
            "DeleteUser" if strict => self.in_use(&USER_LISTS, "UserName", &name).await,
            "DeleteRole" if strict => self.in_use(&ROLE_LISTS, "RoleName", &name).await,
            _ => Ok(None),
        }
    }

    /// Where there is a quota, users and roles are counted and made one after the other, so that none slips through.
    pub(super) async fn in_turn(&self, call: &Call) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let limited = self.state().behaviour.counted().iter().any(Option::is_some);
        let creates = matches!(call.action.as_str(), "CreateUser" | "CreateRole");
        match limited && creates {
            true => Some(self.creating.lock().await),
            false => None,
        }
    }

    async fn over_quota(&self, kind: &str, quota: Option<usize>) -> Result<Option<Refusal>, Error> {
        let Some(quota) = quota else {
            return Ok(None);
        };
        let listed = self.iam(&format!("List{kind}s"), &[("MaxItems", "1000")]).await?;
        let taken = xml::texts(&listed, &format!("{kind}Name")).len();
        let message = format!("Cannot exceed quota for {kind}sPerAccount: {quota}");
        Ok((taken >= quota).then(|| refusal(409, "LimitExceeded", message)))
    }

    /// A trust policy that is too large, or names somebody whom IAM does not know, or not yet.
    async fn distrusted(&self, call: &Call, parameter: &str) -> Result<Option<Refusal>, Error> {
        const SIZE: usize = 2_048;
        let document = call.parameter(parameter).unwrap_or_default();
        if size(&document) > SIZE {
            let message = format!("Cannot exceed quota for ACLSizePerRole: {SIZE}");
            return Ok(Some(refusal(409, "LimitExceeded", message)));
        }
        for principal in policy::aws_principals(&document) {
            if !self.is_principal(&principal).await? {
                let message = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
                return Ok(Some(refusal(400, "MalformedPolicyDocument", message)));
            }
        }
        Ok(None)
    }

    async fn is_principal(&self, principal: &str) -> Result<bool, Error> {
        // The ids of the emulator have no prefix, so that one with a prefix is somebody who is gone.
        if principal.starts_with("AIDA") || principal.starts_with("AROA") {
            return Ok(false);
        }
        let kind = match principal
            .split(':')
            .nth(5)
            .and_then(|rest| rest.split('/').next())
        {
            Some("user") => "User",
            Some("role") => "Role",
            _ => return Ok(true),
        };
        let name = principal.rsplit('/').next().unwrap_or_default();
        let age = self.state().behaviour.principal_after;
        if self.state().newborn.is_younger(kind, name, age) {
            return Ok(false);
        }
        let parameter = format!("{kind}Name");
        match self.iam(&format!("Get{kind}"), &[(&parameter, name)]).await {
            Ok(answer) => Ok(xml::text(&answer, "Arn").as_deref() == Some(principal)),
            Err(error) => absent(error),
        }
    }

    async fn exists(&self, kind: &str, name: &str) -> Result<bool, Error> {
        let parameter = format!("{kind}Name");
        match self.iam(&format!("Get{kind}"), &[(&parameter, name)]).await {
            Ok(_) => Ok(true),
            Err(error) => absent(error),
        }
    }

    /// Inline policies share a quota.
    async fn too_large(
        &self,
        call: &Call,
        kind: &str,
        name: &str,
        quota: usize,
    ) -> Result<Option<Refusal>, Error> {
        let policy = call.parameter("PolicyName").unwrap_or_default();
        let mut sum = size(&call.parameter("PolicyDocument").unwrap_or_default());
        let parameter = format!("{kind}Name");
        let Ok(listed) = self
            .iam(&format!("List{kind}Policies"), &[(&parameter, name)])
            .await
        else {
            return Ok(None);
        };
        for other in xml::texts(&listed, "member")
            .iter()
            .filter(|other| **other != policy)
        {
            let params = [(parameter.as_str(), name), ("PolicyName", other.as_str())];
            let answer = self.iam(&format!("Get{kind}Policy"), &params).await?;
            sum += size(&decoded(
                &xml::text(&answer, "PolicyDocument").unwrap_or_default(),
            ));
        }
        Ok((sum > quota).then(|| {
            let message = format!(
                "Maximum policy size of {quota} bytes exceeded for {} {name}",
                kind.to_lowercase()
            );
            refusal(409, "LimitExceeded", message)
        }))
    }

    /// What still hangs on a user or role. Inline policies the emulator looks after itself.
    async fn in_use(
        &self,
        lists: &[(&str, &str, &str)],
        parameter: &str,
        name: &str,
    ) -> Result<Option<Refusal>, Error> {
        for (action, item, must) in lists {
            let Ok(answer) = self.iam(action, &[(parameter, name)]).await else {
                continue;
            };
            if !xml::texts(&answer, item).is_empty() {
                let message = format!("Cannot delete entity, must {must} first.");
                return Ok(Some(refusal(409, "DeleteConflict", message)));
            }
        }
        Ok(None)
    }

    /// The user that a call deletes, while it is there to be asked about.
    pub(super) async fn leaving(&self, call: &Call) -> Result<Option<Leaving>, Error> {
        if call.action != "DeleteUser" || !self.state().behaviour.strict {
            return Ok(None);
        }
        let name = call.parameter("UserName").unwrap_or_default();
        let Ok(answer) = self.iam("GetUser", &[("UserName", &name)]).await else {
            return Ok(None);
        };
        let text = |tag| xml::text(&answer, tag).unwrap_or_default();
        Ok(Some(Leaving {
            arn: text("Arn"),
            id: format!("AIDA{}", text("UserId").to_uppercase()),
        }))
    }

    /// What follows from a call that was done: a new user is new for a while, and one that is gone stays in trust
    /// policies by its id.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    pub(super) async fn done(&self, call: &Call, leaving: Option<Leaving>) -> Result<(), Error> {
        if let Some(entity) = entity(call) {
            let mut state = self.state();
            match call.action.as_str() {
                "CreateUser" | "CreateRole" => drop(state.newborn.0.insert(entity, Instant::now())),
                "DeleteUser" | "DeleteRole" => drop(state.newborn.0.remove(&entity)),
                _ => {}
            }
        }
        let Some(Leaving { arn, id }) = leaving else {
            return Ok(());
        };
        let roles = self.iam("ListRoles", &[("MaxItems", "1000")]).await?;
        for name in xml::texts(&roles, "RoleName") {
            let role = self.iam("GetRole", &[("RoleName", &name)]).await?;
            let trust = decoded(&xml::text(&role, "AssumeRolePolicyDocument").unwrap_or_default());
            let stale = trust.replace(&format!("\"{arn}\""), &format!("\"{id}\""));
            if stale != trust {
                let params = [("RoleName", name.as_str()), ("PolicyDocument", stale.as_str())];
                self.iam("UpdateAssumeRolePolicy", &params).await?;
            }
        }
        Ok(())
    }

    /// Asks the emulator itself.
    pub(super) async fn iam(&self, action: &str, params: &[(&str, &str)]) -> Result<String, Error> {
        Caller::operator(self.aws.port()).ask("iam", action, params).await
    }
}

/// The list to look at, the element that stands for an item of it, and what IAM says about them.
const USER_LISTS: [(&str, &str, &str); 4] = [
    ("ListAccessKeys", "AccessKeyId", "delete access keys"),
    ("ListAttachedUserPolicies", "PolicyArn", "detach all policies"),
    ("ListGroupsForUser", "GroupName", "remove users from group"),
    ("GetLoginProfile", "UserName", "delete login profile"),
];
const ROLE_LISTS: [(&str, &str, &str); 2] = [
    ("ListAttachedRolePolicies", "PolicyArn", "detach all policies"),
    (
        "ListInstanceProfilesForRole",
        "InstanceProfileName",
        "remove roles from instance profile",
    ),
];

fn absent(error: Error) -> Result<bool, Error> {
    match error {
        Error::Aws { status: 404, .. } => Ok(false),
        other => Err(other),
    }
}

/// As IAM counts: without white space.
fn size(document: &str) -> usize {
    document.chars().filter(|char| !char.is_whitespace()).count()
}

/// Documents come percent-encoded from some actions and plain from others.
fn decoded(document: &str) -> String {
    match serde_json::from_str::<Value>(document) {
        Ok(_) => document.to_owned(),
        Err(_) => percent_decode_str(document).decode_utf8_lossy().into_owned(),
    }
}
