//! What keeps a user or role from being deleted, for the error that says so.
//!
//! The kinds are those of <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html> and
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>. They are read one after the other, once,
//! on the way to an error; what cannot be read is left out. Lists take their first page: a few names are enough.

use super::{Call, Entity, IamWriter};
use crate::live::aws::{AwsError, AwsErrorKind};

impl IamWriter {
    /// Turns a `DeleteConflict` into an error that names what is in the way; leaves any other error alone.
    pub(super) async fn name_blockers(&self, call: Call<'_>, error: AwsError) -> AwsError {
        if error.kind() != AwsErrorKind::DeleteConflict {
            return error;
        }
        let blockers = match call.entity {
            Entity::User(name) => self.on_user(name).await,
            Entity::Role(name) => self.on_role(name).await,
        };
        if blockers.is_empty() {
            return error.with_remedy("Run again: AWS may not have seen yet what was just removed");
        }
        error.with_remedy(format!(
            "Still on it, and not ours to remove: {}",
            blockers.join(", ")
        ))
    }

    async fn on_user(&self, user: &str) -> Vec<String> {
        let iam = &self.iam;
        let mut found = Vec::new();
        if let Ok(answer) = iam.list_attached_user_policies().user_name(user).send().await {
            let arns = answer.attached_policies.unwrap_or_default().into_iter();
            found.extend(
                arns.filter_map(|policy| policy.policy_arn)
                    .map(|arn| format!("managed policy {arn}")),
            );
        }
        if let Ok(answer) = iam.list_groups_for_user().user_name(user).send().await {
            found.extend(
                answer
                    .groups
                    .into_iter()
                    .map(|group| format!("group {}", group.group_name)),
            );
        }
        if let Ok(answer) = iam.list_user_policies().user_name(user).send().await {
            found.extend(
                answer
                    .policy_names
                    .into_iter()
                    .map(|name| format!("inline policy {name}")),
            );
        }
        if let Ok(answer) = iam.list_access_keys().user_name(user).send().await {
            let ids = answer.access_key_metadata.into_iter();
            found.extend(
                ids.filter_map(|key| key.access_key_id)
                    .map(|id| format!("access key {id}")),
            );
        }
        if iam.get_login_profile().user_name(user).send().await.is_ok() {
            found.push("a console password".to_owned());
        }
        if let Ok(answer) = iam.list_mfa_devices().user_name(user).send().await {
            let devices = answer.mfa_devices.into_iter();
            found.extend(devices.map(|device| format!("MFA device {}", device.serial_number)));
        }
        if let Ok(answer) = iam.list_ssh_public_keys().user_name(user).send().await {
            let keys = answer.ssh_public_keys.unwrap_or_default().into_iter();
            found.extend(keys.map(|key| format!("ssh key {}", key.ssh_public_key_id)));
        }
        if let Ok(answer) = iam.list_signing_certificates().user_name(user).send().await {
            let certificates = answer.certificates.into_iter();
            found.extend(
                certificates.map(|certificate| format!("signing certificate {}", certificate.certificate_id)),
            );
        }
        if let Ok(answer) = iam
            .list_service_specific_credentials()
            .user_name(user)
            .send()
            .await
        {
            let credentials = answer.service_specific_credentials.unwrap_or_default();
            found.extend(
                credentials
                    .into_iter()
                    .map(|one| format!("credential for {}", one.service_name)),
            );
        }
        found
    }

    async fn on_role(&self, role: &str) -> Vec<String> {
        let iam = &self.iam;
        let mut found = Vec::new();
        if let Ok(answer) = iam.list_attached_role_policies().role_name(role).send().await {
            let arns = answer.attached_policies.unwrap_or_default().into_iter();
            found.extend(
                arns.filter_map(|policy| policy.policy_arn)
                    .map(|arn| format!("managed policy {arn}")),
            );
        }
        if let Ok(answer) = iam.list_role_policies().role_name(role).send().await {
            found.extend(
                answer
                    .policy_names
                    .into_iter()
                    .map(|name| format!("inline policy {name}")),
            );
        }
        if let Ok(answer) = iam.list_instance_profiles_for_role().role_name(role).send().await {
            let profiles = answer.instance_profiles.into_iter();
            found.extend(
                profiles.map(|profile| format!("instance profile {}", profile.instance_profile_name)),
            );
        }
        found
    }
}
