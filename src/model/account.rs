//! A whole AWS account, as far as it decides who may log in as whom.

use std::collections::BTreeMap;

use super::{Mark, PolicyDocument};

/// Every identity of an account.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Users and roles.
    pub identities: Vec<Identity>,
    /// Policy documents that could not be read, each a phrase.
    pub unreadable: Vec<String>,
}

/// What kind of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityKind {
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
}

impl IdentityKind {
    /// As people say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "IAM user",
            Self::Role => "IAM role",
        }
    }
}

/// A user or a role, with all policies that speak for it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Which of the two.
    pub kind: IdentityKind,
    /// The name, without the path.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// The unique id: `AIDA..` or `AROA..`.
    pub id: String,
    /// Our mark, if it bears one.
    pub mark: Option<Mark>,
    /// Identity policies: inline, attached, and those of its groups.
    pub policies: Vec<IdentityPolicy>,
    /// Who may assume it; users have none.
    pub trust: Option<PolicyDocument>,
    /// Its permissions boundary: what it may do at most.
    pub boundary: Option<PolicyDocument>,
}

/// A policy and how an identity comes to it.
#[derive(Clone, Debug)]
pub struct IdentityPolicy {
    /// Such as `inline policy rds-connect` or `managed policy Reader of group staff`.
    pub label: String,
    /// The name of an inline policy of the identity's own.
    pub inline: Option<String>,
    /// What it says.
    pub document: PolicyDocument,
}

/// The access keys of a user, from the credential report, which names no key ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserKeys {
    /// When each active key was made, in seconds since 1970; `None` where the report does not say.
    pub active: Vec<Option<i64>>,
    /// How many there are that do not work.
    pub inactive: usize,
}

/// Access keys by user name.
pub type KeysByUser = BTreeMap<String, UserKeys>;
