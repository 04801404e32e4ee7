//! The whole account by `GetAccountAuthorizationDetails`:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>.

use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types::{AttachedPolicy, EntityType, PolicyDetail, RoleDetail, UserDetail};
use tokio::sync::mpsc;

use super::{Found, FoundRole, FoundUser, IamRead, Wanted, attachments, mark_of};
use crate::live::aws::{Aws, AwsError, AwsErrorKind};

const OPERATION: &str = "iam:GetAccountAuthorizationDetails";
/// Items a page; the most that AWS allows. It may return fewer and still have more.
const PAGE: i32 = 1000;

/// Pages on their way, from before it is known what is wanted of them: the next one comes while something else is waited
/// for, and no more than that one.
pub struct Pages(mpsc::Receiver<Result<GetAccountAuthorizationDetailsOutput, AwsError>>);

impl Pages {
    /// Asks for the first one.
    pub fn begin(aws: &Aws) -> Self {
        let (sender, receiver) = mpsc::channel(1);
        let mut pages = aws
            .iam()
            .get_account_authorization_details()
            .filter(EntityType::User)
            .filter(EntityType::Role)
            .max_items(PAGE)
            .into_paginator()
            .send();
        tokio::spawn(async move {
            // A page is asked for once there is room for it, and so while the one before it is looked at.
            while let Ok(room) = sender.reserve().await {
                let Some(page) = pages.next().await else { break };
                room.send(page.map_err(|error| AwsError::from_sdk(OPERATION, "", &error)));
            }
        });
        Self(receiver)
    }
}

/// Reads page by page and keeps what is wanted or marked, so that a large account does not have to fit in memory.
pub(super) async fn read(mut pages: Pages, wanted: &Wanted) -> Result<IamRead, AwsError> {
    let mut result = IamRead::default();
    let mut is_whole = false;
    while let Some(page) = pages.0.recv().await {
        let page = page?;
        is_whole = !page.is_truncated;
        let mut found = Found::default();
        let users = page.user_detail_list.unwrap_or_default().into_iter();
        let kept = users
            .filter(|user| wanted.user(name(user.user_name())).is_some() || mark_of(user.tags()).is_some());
        found.users.extend(kept.map(user));
        let roles = page.role_detail_list.unwrap_or_default().into_iter();
        let kept = roles
            .filter(|role| wanted.role(name(role.role_name())).is_some() || mark_of(role.tags()).is_some());
        found.roles.extend(kept.map(role));
        result.take(found, wanted);
    }
    // Whoever was on a page that did not come would look as if he were not there.
    if is_whole {
        return Ok(result);
    }
    let because = "the last page did not come";
    Err(AwsError::new(OPERATION, "", AwsErrorKind::Other, because))
}

fn name(name: Option<&str>) -> &str {
    name.unwrap_or_default()
}

fn user(detail: UserDetail) -> FoundUser {
    FoundUser {
        name: detail.user_name.unwrap_or_default(),
        path: detail.path.unwrap_or_default(),
        arn: detail.arn.unwrap_or_default(),
        created: detail.create_date,
        policies: policies(detail.user_policy_list),
        tags: detail.tags.unwrap_or_default(),
        attachments: attachments(
            managed(detail.attached_managed_policies),
            detail.group_list.unwrap_or_default(),
            [],
            detail
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
        ),
    }
}

fn role(detail: RoleDetail) -> FoundRole {
    let profiles = detail.instance_profile_list.unwrap_or_default();
    FoundRole {
        name: detail.role_name.unwrap_or_default(),
        path: detail.path.unwrap_or_default(),
        arn: detail.arn.unwrap_or_default(),
        created: detail.create_date,
        trust: detail.assume_role_policy_document.unwrap_or_default(),
        policies: policies(detail.role_policy_list),
        tags: detail.tags.unwrap_or_default(),
        attachments: attachments(
            managed(detail.attached_managed_policies),
            [],
            profiles.into_iter().map(|profile| profile.instance_profile_name),
            detail
                .permissions_boundary
                .and_then(|boundary| boundary.permissions_boundary_arn),
        ),
    }
}

fn policies(list: Option<Vec<PolicyDetail>>) -> Vec<(String, String)> {
    let list = list.unwrap_or_default().into_iter();
    list.map(|policy| {
        (
            policy.policy_name.unwrap_or_default(),
            policy.policy_document.unwrap_or_default(),
        )
    })
    .collect()
}

pub(super) fn managed(list: Option<Vec<AttachedPolicy>>) -> impl Iterator<Item = String> {
    let list = list.unwrap_or_default().into_iter();
    list.filter_map(|policy| policy.policy_arn)
}
