//! Creating users and roles, and what it means that one exists already.

use aws_sdk_iam::types::Tag;

use super::{Call, Entity, IamWriter};
use crate::live::aws::{AwsError, AwsErrorKind};
use crate::live::iam::mark_of;
use crate::model::iam::{TENANT_TAG, WORKSPACE_TAG};
use crate::model::{Mark, PolicyDocument};

impl IamWriter {
    pub(super) async fn create_user(&self, user: &str, path: &str, mark: &Mark) -> Result<(), AwsError> {
        let call = Call::user("iam:CreateUser", user);
        let tags = tags(mark, call)?;
        let create = || {
            let request = self.iam.create_user().user_name(user).path(path);
            request.set_tags(Some(tags.clone())).send()
        };
        let arn = match self.attempt(call, create).await {
            Ok(answer) => answer.user.map(|user| user.arn),
            // Somebody's, or ours with a lost answer that the SDK asked for again. Only the tags tell.
            Err(error) if error.kind() == AwsErrorKind::Exists => {
                self.memory.created(call.entity, None);
                let get = Call::user("iam:GetUser", user);
                let answer = self
                    .attempt(get, || self.iam.get_user().user_name(user).send())
                    .await?;
                let found = answer.user;
                let found = found.filter(|found| mark_of(found.tags()).as_ref() == Some(mark));
                let found = found.filter(|found| found.path() == path && found.user_name() == user);
                let Some(found) = found else {
                    self.memory.forget(call.entity);
                    return Err(not_ours(call, "user", path, mark));
                };
                Some(found.arn)
            }
            Err(error) => return Err(error),
        };
        self.memory.created(call.entity, arn);
        Ok(())
    }

    pub(super) async fn create_role(
        &self,
        role: &str,
        path: &str,
        trust: &PolicyDocument,
        mark: &Mark,
    ) -> Result<(), AwsError> {
        let call = Call::role("iam:CreateRole", role).trusting(trust);
        let tags = tags(mark, call)?;
        let create = || {
            let request = self.iam.create_role().role_name(role).path(path);
            let request = request.assume_role_policy_document(trust.to_json());
            request.set_tags(Some(tags.clone())).send()
        };
        match self.attempt(call, create).await {
            Ok(answer) => {
                self.memory.created(call.entity, answer.role.map(|role| role.arn));
                Ok(())
            }
            Err(error) if error.kind() == AwsErrorKind::Exists => {
                self.memory.created(call.entity, None);
                let get = Call::role("iam:GetRole", role);
                let answer = self
                    .attempt(get, || self.iam.get_role().role_name(role).send())
                    .await?;
                let found = answer.role;
                let found = found.filter(|found| mark_of(found.tags()).as_ref() == Some(mark));
                let found = found.filter(|found| found.path() == path && found.role_name() == role);
                let Some(found) = found else {
                    self.memory.forget(call.entity);
                    return Err(not_ours(call, "role", path, mark));
                };
                let live = found
                    .assume_role_policy_document()
                    .and_then(|text| PolicyDocument::decode(text).ok());
                if live.as_ref() == Some(trust) {
                    return Ok(());
                }
                self.update_trust(role, trust).await
            }
            Err(error) => Err(error),
        }
    }

    /// The user keeps its id, and with it its keys and policies. Where the answer of the call was lost and the SDK asked
    /// again, nobody has the old name, and whoever has the new one, which was free a moment ago, is that user.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>
    pub(super) async fn rename_user(&self, user: &str, to: &str) -> Result<(), AwsError> {
        let call = Call::user("iam:UpdateUser", user);
        let find = async || {
            let get = || self.iam.get_user().user_name(to).send();
            self.attempt(Call::user("iam:GetUser", to), get).await
        };
        match find().await {
            Err(error) if error.kind() == AwsErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => {
                let message = format!("there is a user `{to}` already");
                return Err(call.error(AwsErrorKind::Exists, message));
            }
        }
        let rename = || self.iam.update_user().user_name(user).new_user_name(to).send();
        let lost = match self.attempt(call, rename).await {
            Ok(_) => None,
            Err(error) if error.kind() == AwsErrorKind::NotFound => Some(error),
            Err(error) => return Err(error),
        };
        self.memory.forget(call.entity);
        if lost.is_none() {
            self.memory.created(Entity::User(to), None);
        }
        let found = match (find().await, lost) {
            (Ok(answer), _) => answer.user,
            (Err(_), Some(error)) | (Err(error), None) => return Err(error),
        };
        // The role that is made next trusts it by its new ARN, which IAM does not know everywhere yet.
        self.memory
            .created(Entity::User(to), found.map(|found| found.arn));
        Ok(())
    }
}

pub(super) fn tags(mark: &Mark, call: Call<'_>) -> Result<Vec<Tag>, AwsError> {
    let pairs = [
        (WORKSPACE_TAG, mark.workspace.as_str()),
        (TENANT_TAG, mark.tenant.as_str()),
    ];
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let built: Result<_, _> = pairs.into_iter().map(tag).collect();
    built.map_err(|error| call.error(AwsErrorKind::Other, error.to_string()))
}

fn not_ours(call: Call<'_>, kind: &str, path: &str, mark: &Mark) -> AwsError {
    let message = format!(
        "a {kind} of this name exists, not ours: it lacks the tags of workspace `{}` and tenant `{}`, or is not at path `{path}`, \
         or its name differs in case",
        mark.workspace, mark.tenant
    );
    let remedy = format!(
        "Name the tenant's {kind} otherwise, or take it over with `tenantctl adopt --tenant {}`",
        mark.tenant
    );
    call.error(AwsErrorKind::NotOurs, message).with_remedy(remedy)
}
