//! How many users and roles an account may have, from one `GetAccountSummary`.

use std::collections::HashMap;

use aws_sdk_iam::types::SummaryKeyType;

use crate::live::aws::{Aws, AwsError};

const OPERATION: &str = "iam:GetAccountSummary";

/// A count and its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many there are.
    pub taken: usize,
    /// How many there may be.
    pub limit: usize,
}

/// The limits that new tenants come up against; `None` for what AWS did not tell.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of users.
    pub users: Option<Quota>,
    /// Of roles.
    pub roles: Option<Quota>,
}

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
