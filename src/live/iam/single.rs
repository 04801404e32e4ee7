//! Users and roles one by one, for callers that may not have the account's details at once.
//!
//! Lists carry no tags, so that only names in scope are looked at: asking for the tags of every user of an account
//! would be one call each.

use aws_sdk_iam::types::{Role, User};
use futures_util::{StreamExt as _, stream};

use super::{CONCURRENCY, Found, FoundRole, FoundUser, Wanted, attachments};
use crate::address::Address;
use crate::live::aws::{Aws, AwsError, AwsErrorKind};

const GET_USER: &str = "iam:GetUser";
const GET_ROLE: &str = "iam:GetRole";

type Read<T> = Result<T, AwsError>;

/// Reads the users and roles in scope. What fails for one of them is a gap; what fails for a list is an error.
pub(super) async fn read(aws: &Aws, wanted: &Wanted) -> Read<Found> {
    let (users, roles) = tokio::try_join!(user_names(aws, wanted), role_names(aws, wanted))?;
    let users = stream::iter(users).map(|name| async move {
        let read = user(aws, &name).await;
        (Address::IamUser { name: name.into() }, read)
    });
    let users: Vec<_> = users.buffer_unordered(CONCURRENCY).collect().await;
    let roles = stream::iter(roles).map(|name| async move {
        let read = role(aws, &name).await;
        (Address::IamRole { name: name.into() }, read)
    });
    let roles: Vec<_> = roles.buffer_unordered(CONCURRENCY).collect().await;

    let mut found = Found::default();
    for (address, read) in users {
        keep(address, read, &mut found.users, &mut found.gaps);
    }
    for (address, read) in roles {
        keep(address, read, &mut found.roles, &mut found.gaps);
    }
    Ok(found)
}

fn keep<T>(address: Address, read: Read<T>, into: &mut Vec<T>, gaps: &mut Vec<(Address, String)>) {
    match read {
        Ok(object) => into.push(object),
        // Listed a moment ago and gone: it is absent, and no gap. Only these two calls tell; when a policy of it is
        // gone by the time it is read, the user or role is still there.
        Err(error)
            if error.kind() == AwsErrorKind::NotFound && matches!(error.operation(), GET_USER | GET_ROLE) => {
        }
        Err(error) => gaps.push((address, error.to_string())),
    }
}

async fn user_names(aws: &Aws, wanted: &Wanted) -> Read<Vec<String>> {
    let mut names = Vec::new();
    let mut items = aws.iam().list_users().into_paginator().items().send();
    while let Some(user) = items.next().await {
        let user = user.map_err(|error| AwsError::from_sdk("iam:ListUsers", "", &error))?;
        names.extend(Some(user.user_name).filter(|name| wanted.user(name).is_some()));
    }
    Ok(names)
}

async fn role_names(aws: &Aws, wanted: &Wanted) -> Read<Vec<String>> {
    let mut names = Vec::new();
    let mut items = aws.iam().list_roles().into_paginator().items().send();
    while let Some(role) = items.next().await {
        let role = role.map_err(|error| AwsError::from_sdk("iam:ListRoles", "", &error))?;
        names.extend(Some(role.role_name).filter(|name| wanted.role(name).is_some()));
    }
    Ok(names)
}

async fn user(aws: &Aws, name: &str) -> Read<FoundUser> {
    let iam = aws.iam();
    let answer = iam.get_user().user_name(name).send().await;
    let answer = answer.map_err(|error| AwsError::from_sdk(GET_USER, name, &error))?;
    let User {
        user_name,
        path,
        arn,
        create_date,
        tags,
        permissions_boundary,
        ..
    } = answer
        .user
        .ok_or_else(|| AwsError::new(GET_USER, name, AwsErrorKind::Other, "an empty answer"))?;

    let mut policies = Vec::new();
    let mut listed = iam
        .list_user_policies()
        .user_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(policy) = listed.next().await {
        let policy = policy.map_err(|error| AwsError::from_sdk("iam:ListUserPolicies", name, &error))?;
        let answer = iam
            .get_user_policy()
            .user_name(name)
            .policy_name(&policy)
            .send()
            .await;
        let answer = answer.map_err(|error| AwsError::from_sdk("iam:GetUserPolicy", name, &error))?;
        policies.push((policy, answer.policy_document));
    }
    let mut managed = Vec::new();
    let mut attached = iam
        .list_attached_user_policies()
        .user_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(policy) = attached.next().await {
        let policy =
            policy.map_err(|error| AwsError::from_sdk("iam:ListAttachedUserPolicies", name, &error))?;
        managed.extend(policy.policy_arn);
    }
    let mut groups = Vec::new();
    let mut joined = iam
        .list_groups_for_user()
        .user_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(group) = joined.next().await {
        let group = group.map_err(|error| AwsError::from_sdk("iam:ListGroupsForUser", name, &error))?;
        groups.push(group.group_name);
    }
    let boundary = permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    Ok(FoundUser {
        name: user_name,
        path,
        arn,
        created: Some(create_date),
        policies,
        tags: tags.unwrap_or_default(),
        attachments: attachments(managed, groups, [], boundary),
    })
}

async fn role(aws: &Aws, name: &str) -> Read<FoundRole> {
    let iam = aws.iam();
    let answer = iam.get_role().role_name(name).send().await;
    let answer = answer.map_err(|error| AwsError::from_sdk(GET_ROLE, name, &error))?;
    let Role {
        role_name,
        path,
        arn,
        create_date,
        assume_role_policy_document,
        tags,
        permissions_boundary,
        ..
    } = answer
        .role
        .ok_or_else(|| AwsError::new(GET_ROLE, name, AwsErrorKind::Other, "an empty answer"))?;

    let mut policies = Vec::new();
    let mut listed = iam
        .list_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(policy) = listed.next().await {
        let policy = policy.map_err(|error| AwsError::from_sdk("iam:ListRolePolicies", name, &error))?;
        let answer = iam
            .get_role_policy()
            .role_name(name)
            .policy_name(&policy)
            .send()
            .await;
        let answer = answer.map_err(|error| AwsError::from_sdk("iam:GetRolePolicy", name, &error))?;
        policies.push((policy, answer.policy_document));
    }
    let mut managed = Vec::new();
    let mut attached = iam
        .list_attached_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(policy) = attached.next().await {
        let policy =
            policy.map_err(|error| AwsError::from_sdk("iam:ListAttachedRolePolicies", name, &error))?;
        managed.extend(policy.policy_arn);
    }
    let mut profiles = Vec::new();
    let mut holding = iam
        .list_instance_profiles_for_role()
        .role_name(name)
        .into_paginator()
        .items()
        .send();
    while let Some(profile) = holding.next().await {
        let profile =
            profile.map_err(|error| AwsError::from_sdk("iam:ListInstanceProfilesForRole", name, &error))?;
        profiles.push(profile.instance_profile_name);
    }
    let boundary = permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    Ok(FoundRole {
        name: role_name,
        path,
        arn,
        created: Some(create_date),
        trust: assume_role_policy_document.unwrap_or_default(),
        policies,
        tags: tags.unwrap_or_default(),
        attachments: attachments(managed, [], profiles, boundary),
    })
}
