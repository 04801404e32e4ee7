//! The whole account, for an audit: users, roles, groups and managed policies by `GetAccountAuthorizationDetails`, and
//! access keys by the credential report, which tells those of all users at once.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_iam::types::{
    AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, PolicyDetail, ReportStateType, RoleDetail,
    UserDetail,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::time::sleep;

use super::mark_of;
use crate::live::aws::{Aws, AwsError};
use crate::model::account::KeysByUser;
use crate::model::{Account, Identity, IdentityKind, IdentityPolicy, PolicyDocument, UserKeys};

const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
/// Items a page; the most that AWS allows.
const PAGE: i32 = 1000;
/// How often the credential report is asked for while AWS makes it, a second apart.
const ATTEMPTS: usize = 30;

/// Reads every identity and every policy that is attached to one.
///
/// # Errors
/// A call fails, which it also does when it is denied.
pub async fn read(aws: &Aws) -> Result<Account, AwsError> {
    let mut pages = aws
        .iam()
        .get_account_authorization_details()
        .filter(EntityType::User)
        .filter(EntityType::Role)
        .filter(EntityType::Group)
        .filter(EntityType::LocalManagedPolicy)
        .filter(EntityType::AwsManagedPolicy)
        .max_items(PAGE)
        .into_paginator()
        .send();
    let mut found = Found::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::from_sdk(DETAILS, "", &error))?;
        found.users.extend(page.user_detail_list.unwrap_or_default());
        found.roles.extend(page.role_detail_list.unwrap_or_default());
        found.groups.extend(page.group_detail_list.unwrap_or_default());
        // Policies that hang nowhere speak for nobody.
        let policies = page.policies.unwrap_or_default().into_iter();
        found.managed.extend(policies.filter(|policy| {
            policy.attachment_count.unwrap_or(1) > 0
                || policy.permissions_boundary_usage_count.unwrap_or(0) > 0
        }));
    }
    Ok(found.resolve())
}

#[derive(Default)]
struct Found {
    users: Vec<UserDetail>,
    roles: Vec<RoleDetail>,
    groups: Vec<GroupDetail>,
    managed: Vec<ManagedPolicyDetail>,
}

/// Managed policies by ARN and policies of groups by group.
#[derive(Default)]
struct Shared {
    managed: BTreeMap<String, PolicyDocument>,
    groups: BTreeMap<String, Vec<IdentityPolicy>>,
    unreadable: Vec<String>,
}

impl Found {
    fn resolve(self) -> Account {
        let mut shared = Shared::default();
        for policy in self.managed {
            let arn = policy.arn.unwrap_or_default();
            let versions = policy.policy_version_list.unwrap_or_default();
            let default = versions.into_iter().find(|version| version.is_default_version);
            let text = default.and_then(|version| version.document).unwrap_or_default();
            if let Some(document) = shared.decode(&format!("managed policy {arn}"), &text) {
                shared.managed.insert(arn, document);
            }
        }
        for group in self.groups {
            let name = group.group_name.unwrap_or_default();
            let mut policies = shared.inline(&format!("group {name}"), group.group_policy_list);
            policies.extend(shared.attached(group.attached_managed_policies));
            for policy in &mut policies {
                policy.inline = None;
                policy.label = format!("{} of group {name}", policy.label);
            }
            shared.groups.insert(name, policies);
        }
        let users: Vec<_> = self.users.into_iter().map(|user| shared.user(user)).collect();
        let roles: Vec<_> = self.roles.into_iter().map(|role| shared.role(role)).collect();
        Account {
            identities: users.into_iter().chain(roles).collect(),
            unreadable: shared.unreadable,
        }
    }
}

impl Shared {
    fn user(&mut self, user: UserDetail) -> Identity {
        let name = user.user_name.unwrap_or_default();
        let mut policies = self.inline(&format!("user {name}"), user.user_policy_list);
        policies.extend(self.attached(user.attached_managed_policies));
        for group in user.group_list.unwrap_or_default() {
            policies.extend(self.groups.get(&group).cloned().unwrap_or_default());
        }
        let boundary = user
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn);
        Identity {
            kind: IdentityKind::User,
            arn: user.arn.unwrap_or_default(),
            id: user.user_id.unwrap_or_default(),
            mark: mark_of(&user.tags.unwrap_or_default()),
            policies,
            trust: None,
            boundary: boundary.and_then(|arn| self.managed.get(&arn).cloned()),
            name,
        }
    }

    fn role(&mut self, role: RoleDetail) -> Identity {
        let name = role.role_name.unwrap_or_default();
        let mut policies = self.inline(&format!("role {name}"), role.role_policy_list);
        policies.extend(self.attached(role.attached_managed_policies));
        let trust = role.assume_role_policy_document.unwrap_or_default();
        let trust = self.decode(&format!("trust policy of role {name}"), &trust);
        let boundary = role
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn);
        Identity {
            kind: IdentityKind::Role,
            arn: role.arn.unwrap_or_default(),
            id: role.role_id.unwrap_or_default(),
            mark: mark_of(&role.tags.unwrap_or_default()),
            policies,
            trust,
            boundary: boundary.and_then(|arn| self.managed.get(&arn).cloned()),
            name,
        }
    }

    fn inline(&mut self, whose: &str, list: Option<Vec<PolicyDetail>>) -> Vec<IdentityPolicy> {
        let list = list.unwrap_or_default().into_iter();
        list.filter_map(|policy| {
            let name = policy.policy_name.unwrap_or_default();
            let text = policy.policy_document.unwrap_or_default();
            let document = self.decode(&format!("inline policy {name} of {whose}"), &text)?;
            Some(IdentityPolicy {
                label: format!("inline policy {name}"),
                inline: Some(name),
                document,
            })
        })
        .collect()
    }

    fn attached(&mut self, list: Option<Vec<AttachedPolicy>>) -> Vec<IdentityPolicy> {
        let mut policies = Vec::new();
        for arn in super::bulk::managed(list) {
            match self.managed.get(&arn) {
                Some(document) => policies.push(IdentityPolicy {
                    label: format!("managed policy {arn}"),
                    inline: None,
                    document: document.clone(),
                }),
                None => self
                    .unreadable
                    .push(format!("managed policy {arn}: its document was not told")),
            }
        }
        policies
    }

    fn decode(&mut self, what: &str, text: &str) -> Option<PolicyDocument> {
        match PolicyDocument::decode(text) {
            Ok(document) => Some(document),
            Err(error) => {
                self.unreadable.push(format!("{what}: {error}"));
                None
            }
        }
    }
}

/// Reads the access keys of all users. AWS makes the report anew at most every four hours.
///
/// # Errors
/// A call fails or is denied, or the report is not made in half a minute.
pub async fn keys(aws: &Aws) -> Result<KeysByUser, AwsError> {
    for _ in 0..ATTEMPTS {
        let made = aws.iam().generate_credential_report().send().await;
        let made = made.map_err(|error| AwsError::from_sdk("iam:GenerateCredentialReport", "", &error))?;
        if made.state == Some(ReportStateType::Complete) {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    let report = aws.iam().get_credential_report().send().await;
    let report = report.map_err(|error| AwsError::from_sdk("iam:GetCredentialReport", "", &error))?;
    let content = report
        .content
        .map(aws_smithy_types::Blob::into_inner)
        .unwrap_or_default();
    Ok(parse(&String::from_utf8_lossy(&content)))
}

/// The report is CSV with a header. A user whose name has a comma has more fields than the header: such a name is none
/// of ours, and its line is left out.
fn parse(report: &str) -> KeysByUser {
    let mut lines = report.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| header.iter().position(|found| *found == name);
    let slots = ["access_key_1", "access_key_2"].map(|key| {
        let active = column(&format!("{key}_active"));
        active.zip(column(&format!("{key}_last_rotated")))
    });
    let mut users = KeysByUser::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() != header.len() {
            continue;
        }
        let mut keys = UserKeys::default();
        for (active, rotated) in slots.iter().flatten() {
            let made = DateTime::from_str(fields[*rotated], Format::DateTimeWithOffset).ok();
            match (fields[*active], made) {
                ("true", made) => keys.active.push(made.map(|time| time.secs())),
                (_, Some(_)) => keys.inactive += 1,
                (_, None) => {}
            }
        }
        users.insert(fields[0].to_owned(), keys);
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_under_the_name_of_their_user() {
        let report = "user,arn,user_creation_time,access_key_1_active,access_key_1_last_rotated,access_key_2_active,\
                      access_key_2_last_rotated,cert_1_active\n\
                      client01,arn:x:iam::1:user/client01,2026-01-01T00:00:00+00:00,true,2026-01-01T00:00:00+00:00,false,N/A,false\n\
                      client02,arn:x:iam::1:user/client02,2026-01-01T00:00:00+00:00,true,N/A,false,2025-01-01T00:00:00+00:00,false\n";
        let users = parse(report);
        assert_eq!(users["client01"].active, [Some(1_767_225_600)]);
        assert_eq!(users["client01"].inactive, 0);
        assert_eq!(users["client02"].active, [None]);
        assert_eq!(users["client02"].inactive, 1);
    }
}
