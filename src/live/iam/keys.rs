//! Access keys, one call a user, only where they have to be known.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use futures_util::{StreamExt as _, stream};

use super::{CONCURRENCY, IamRead, IamScope};
use crate::address::{Address, Name};
use crate::live::aws::{Aws, AwsError, AwsErrorKind};
use crate::model::{AccessKey, KeyStatus, Object};

/// How long a user that was just made is waited for, and how often it is asked for.
const APPEARANCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(500);

/// Whose keys to read: users that were asked for and exist, and users of our workspace that nobody wants any more.
pub(super) fn users(found: &IamRead, scope: &IamScope) -> BTreeSet<Name> {
    let existing = found.objects.iter().filter_map(|(address, _)| match address {
        Address::IamUser { name } => Some((name, found.marks.get(address))),
        _ => None,
    });
    existing
        .filter(|(name, mark)| {
            let ours = mark.is_some_and(|mark| mark.workspace == scope.workspace);
            scope.keys_of.contains(*name) || (ours && !scope.users.contains(*name))
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// Adds the keys of these users, or a gap where they cannot be read.
pub(super) async fn read(aws: &Aws, users: BTreeSet<Name>, into: &mut IamRead) {
    let calls = stream::iter(users).map(|user| {
        let recent = into.recent.contains_key(&Address::IamUser { name: user.clone() });
        async move {
            let keys = if recent {
                of_recent_user(aws, &user).await
            } else {
                of_user(aws, &user).await
            };
            (user, recent, keys)
        }
    });
    let answers: Vec<_> = calls.buffer_unordered(CONCURRENCY).collect().await;
    for (user, recent, keys) in answers {
        match keys {
            Ok(keys) => into
                .objects
                .extend(keys.into_iter().map(|key| object(&user, key))),
            // Gone since it was listed. Of one that is new this cannot be said, and its keys may be there.
            Err(error) if error.kind() == AwsErrorKind::NotFound && !recent => {}
            Err(error) => {
                let address = Address::IamAccessKey { user, id: None };
                into.gaps.push((address, error.to_string()));
            }
        }
    }
}

/// A user that was just made is in the account's details before every part of IAM knows it. To take "not found" for "no
/// keys" would make a second key.
async fn of_recent_user(aws: &Aws, user: &str) -> Result<Vec<AccessKeyMetadata>, AwsError> {
    let started = Instant::now();
    loop {
        match of_user(aws, user).await {
            Err(error) if error.kind() == AwsErrorKind::NotFound && started.elapsed() < APPEARANCE => {
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

async fn of_user(aws: &Aws, user: &str) -> Result<Vec<AccessKeyMetadata>, AwsError> {
    let mut items = aws
        .iam()
        .list_access_keys()
        .user_name(user)
        .into_paginator()
        .items()
        .send();
    let mut keys = Vec::new();
    while let Some(key) = items.next().await {
        keys.push(key.map_err(|error| AwsError::from_sdk("iam:ListAccessKeys", user, &error))?);
    }
    Ok(keys)
}

fn object(user: &str, key: AccessKeyMetadata) -> (Address, Object) {
    let status = match key.status {
        Some(StatusType::Active) => KeyStatus::Active,
        _ => KeyStatus::Inactive,
    };
    let id = key.access_key_id.map(Name::from);
    let address = Address::IamAccessKey {
        user: user.into(),
        id: id.clone(),
    };
    (address, Object::AccessKey(AccessKey { id, status }))
}
