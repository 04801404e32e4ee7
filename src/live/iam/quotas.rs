//! How many users and roles an account may have, from one `GetAccountSummary`.

use std::collections::HashMap;

use aws_sdk_iam::types::SummaryKeyType;

use crate::live::aws::{Aws, AwsError};
use crate::model::{Quota, Quotas};

const OPERATION: &str = "iam:GetAccountSummary";

/// Asks for the account's figures.
///
/// # Errors
///
/// When the call fails, for example because the caller may not make it.
pub async fn read(aws: &Aws) -> Result<Quotas, AwsError> {
    let answer = aws.iam().get_account_summary().send().await;
    let answer = answer.map_err(|error| AwsError::from_sdk(OPERATION, "", &error))?;
    let figures = answer.summary_map.unwrap_or_default();
    Ok(Quotas {
        users: quota(&figures, &SummaryKeyType::Users, &SummaryKeyType::UsersQuota),
        roles: quota(&figures, &SummaryKeyType::Roles, &SummaryKeyType::RolesQuota),
    })
}

fn quota(
    figures: &HashMap<SummaryKeyType, i32>,
    taken: &SummaryKeyType,
    limit: &SummaryKeyType,
) -> Option<Quota> {
    let figure = |key| usize::try_from(*figures.get(key)?).ok();
    Some(Quota {
        taken: figure(taken)?,
        limit: figure(limit)?,
    })
}
