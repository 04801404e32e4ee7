//! The only writer of IAM.
//!
//! IAM answers before all of it knows what it answered: for seconds, a new user is no valid principal, a new role is
//! not found, and a user whose last key was just deleted still has it. The writer remembers what it did in this run, is
//! told what was new when the run began, and waits for that and for nothing else: the same answer about anything else
//! is an error at once.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
#![expect(
    clippy::disallowed_methods,
    reason = "IAM is written here, and in the modules below"
)]

mod blockers;
mod create;
mod patience;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::StatusType;
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::live::aws::{Aws, AwsError, AwsErrorKind};
use crate::live::iam::Recent;
use crate::model::{KeyStatus, Mark, PolicyDocument, Secret};
use crate::plan::step::IamCommand;

use create::tags;
use patience::Memory;
pub use patience::Patience;

/// Runs IAM commands. One for a whole run, shared by all tenants: it remembers what the run created.
#[derive(Debug)]
pub struct IamWriter {
    iam: aws_sdk_iam::Client,
    permits: Arc<Semaphore>,
    memory: Memory,
    patience: Patience,
}

/// A user or a role: what IAM's answers are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entity<'a> {
    User(&'a str),
    Role(&'a str),
}

impl Entity<'_> {
    fn name(&self) -> &str {
        match self {
            Self::User(name) | Self::Role(name) => name,
        }
    }
}

/// What one call is about, for its errors and for how long to wait.
#[derive(Clone, Copy)]
struct Call<'a> {
    operation: &'static str,
    entity: Entity<'a>,
    trust: Option<&'a PolicyDocument>,
}

impl<'a> Call<'a> {
    fn user(operation: &'static str, name: &'a str) -> Self {
        Self {
            operation,
            entity: Entity::User(name),
            trust: None,
        }
    }

    fn role(operation: &'static str, name: &'a str) -> Self {
        Self {
            operation,
            entity: Entity::Role(name),
            trust: None,
        }
    }

    fn trusting(self, trust: &'a PolicyDocument) -> Self {
        Self {
            trust: Some(trust),
            ..self
        }
    }

    fn error(&self, kind: AwsErrorKind, message: impl Into<String>) -> AwsError {
        AwsError::new(self.operation, self.entity.name(), kind, message)
    }
}

impl IamWriter {
    /// A writer that has done nothing yet.
    pub fn new(aws: &Aws) -> Self {
        Self::with_patience(aws, Patience::default())
    }

    /// A writer that waits longer or less long.
    pub fn with_patience(aws: &Aws, patience: Patience) -> Self {
        Self {
            iam: aws.iam().clone(),
            permits: aws.iam_writes(),
            memory: Memory::default(),
            patience,
        }
    }

    /// Waits also for users and roles that somebody else made a moment ago, such as a run that was killed.
    #[must_use]
    pub fn expecting(self, recent: &BTreeMap<Address, Recent>) -> Self {
        for (address, Recent { arn, age }) in recent {
            let entity = match address {
                Address::IamUser { name } => Entity::User(name),
                Address::IamRole { name } => Entity::Role(name),
                _ => continue,
            };
            self.memory.made_before(entity, arn.clone(), *age);
        }
        self
    }

    /// Runs a command. Running one twice is harmless: what exists with our mark is fine, what is gone is gone.
    ///
    /// # Errors
    ///
    /// When AWS refuses, when an object of the name exists without our mark, or for `CreateAccessKey`, whose secret
    /// only [`Self::create_access_key`] can hand on.
    pub async fn run(&self, command: &IamCommand) -> Result<(), AwsError> {
        match command {
            IamCommand::CreateUser { user, path, mark } => self.create_user(user, path, mark).await,
            IamCommand::TagUser { user, mark } => self.tag_user(user, mark).await,
            IamCommand::RenameUser { user, to } => self.rename_user(user, to).await,
            IamCommand::PutUserPolicy {
                user,
                policy,
                document,
            } => self.put_user_policy(user, policy, document).await,
            IamCommand::CreateRole {
                role,
                path,
                trust,
                mark,
            } => self.create_role(role, path, trust, mark).await,
            IamCommand::TagRole { role, mark } => self.tag_role(role, mark).await,
            IamCommand::UpdateAssumeRolePolicy { role, trust } => self.update_trust(role, trust).await,
            IamCommand::PutRolePolicy {
                role,
                policy,
                document,
            } => self.put_role_policy(role, policy, document).await,
            IamCommand::CreateAccessKey { user, .. } => Err(Call::user("iam:CreateAccessKey", user).error(
                AwsErrorKind::Other,
                "a key is created only where its secret is handed over",
            )),
            IamCommand::UpdateAccessKey { user, id, status } => {
                self.update_access_key(user, id, *status).await
            }
            IamCommand::DeleteAccessKey { user, id } => self.delete_access_key(user, id).await,
            IamCommand::DeleteUserPolicy { user, policy } => self.delete_user_policy(user, policy).await,
            IamCommand::DeleteRolePolicy { role, policy } => self.delete_role_policy(role, policy).await,
            IamCommand::DeleteRole { role } => self.delete_role(role).await,
            IamCommand::DeleteUser { user } => self.delete_user(user).await,
        }
    }

    /// Creates an access key and returns its id and its secret, which AWS never shows again.
    ///
    /// This call alone is not repeated when its answer is lost: the key may have been made, a second would take the
    /// user's other slot, and the secret of the first is gone. What AWS certainly refused is tried again.
    ///
    /// # Errors
    ///
    /// When AWS refuses, for example because the user has two keys already, or the answer is lost.
    pub async fn create_access_key(&self, user: &str) -> Result<(String, Secret), AwsError> {
        let call = Call::user("iam:CreateAccessKey", user);
        let once = || {
            let config = aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
            let request = self.iam.create_access_key().user_name(user);
            request.customize().config_override(config).send()
        };
        let answer = self.attempt(call, once).await.map_err(|error| match error.kind() {
            AwsErrorKind::Unreachable => error.with_remedy(
                "Whether the key was made is unknown; if it was, nobody has its secret. Run again: the plan shows keys that \
                 were never handed over",
            ),
            _ => error,
        })?;
        let key = answer
            .access_key
            .ok_or_else(|| call.error(AwsErrorKind::Other, "the answer has no key"))?;
        Ok((key.access_key_id, Secret::new(key.secret_access_key)))
    }

    /// The ids of a user's access keys.
    ///
    /// # Errors
    ///
    /// When AWS refuses, or the user is not there.
    pub async fn access_key_ids(&self, user: &str) -> Result<Vec<String>, AwsError> {
        let list = || {
            let pages = self.iam.list_access_keys().user_name(user).into_paginator();
            pages.items().send().collect::<Result<Vec<_>, _>>()
        };
        let keys = self.attempt(Call::user("iam:ListAccessKeys", user), list).await?;
        Ok(keys.into_iter().filter_map(|key| key.access_key_id).collect())
    }

    async fn update_trust(&self, role: &str, trust: &PolicyDocument) -> Result<(), AwsError> {
        let call = Call::role("iam:UpdateAssumeRolePolicy", role).trusting(trust);
        let update = || {
            let request = self.iam.update_assume_role_policy().role_name(role);
            request.policy_document(trust.to_json()).send()
        };
        self.attempt(call, update).await.map(drop)
    }

    async fn tag_user(&self, user: &str, mark: &Mark) -> Result<(), AwsError> {
        let call = Call::user("iam:TagUser", user);
        let tags = tags(mark, call)?;
        let tag = || {
            let request = self.iam.tag_user().user_name(user);
            request.set_tags(Some(tags.clone())).send()
        };
        self.attempt(call, tag).await.map(drop)
    }

    async fn tag_role(&self, role: &str, mark: &Mark) -> Result<(), AwsError> {
        let call = Call::role("iam:TagRole", role);
        let tags = tags(mark, call)?;
        let tag = || {
            let request = self.iam.tag_role().role_name(role);
            request.set_tags(Some(tags.clone())).send()
        };
        self.attempt(call, tag).await.map(drop)
    }

    async fn put_user_policy(
        &self,
        user: &str,
        policy: &str,
        document: &PolicyDocument,
    ) -> Result<(), AwsError> {
        let put = || {
            let request = self.iam.put_user_policy().user_name(user).policy_name(policy);
            request.policy_document(document.to_json()).send()
        };
        self.attempt(Call::user("iam:PutUserPolicy", user), put)
            .await
            .map(drop)
    }

    async fn put_role_policy(
        &self,
        role: &str,
        policy: &str,
        document: &PolicyDocument,
    ) -> Result<(), AwsError> {
        let put = || {
            let request = self.iam.put_role_policy().role_name(role).policy_name(policy);
            request.policy_document(document.to_json()).send()
        };
        self.attempt(Call::role("iam:PutRolePolicy", role), put)
            .await
            .map(drop)
    }

    async fn update_access_key(&self, user: &str, id: &str, status: KeyStatus) -> Result<(), AwsError> {
        let wire = match status {
            KeyStatus::Active => StatusType::Active,
            KeyStatus::Inactive => StatusType::Inactive,
        };
        let update = || {
            let request = self.iam.update_access_key().user_name(user).access_key_id(id);
            request.status(wire.clone()).send()
        };
        let answer = self
            .attempt(Call::user("iam:UpdateAccessKey", user), update)
            .await;
        match status {
            // A key that is gone is as inactive as a key can be.
            KeyStatus::Inactive => gone_is_done(answer).map(drop),
            KeyStatus::Active => answer.map(drop),
        }
    }

    async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), AwsError> {
        let delete = || {
            let request = self.iam.delete_access_key().user_name(user);
            request.access_key_id(id).send()
        };
        self.remove(Call::user("iam:DeleteAccessKey", user), delete).await
    }

    async fn delete_user_policy(&self, user: &str, policy: &str) -> Result<(), AwsError> {
        let delete = || {
            let request = self.iam.delete_user_policy().user_name(user);
            request.policy_name(policy).send()
        };
        self.remove(Call::user("iam:DeleteUserPolicy", user), delete)
            .await
    }

    async fn delete_role_policy(&self, role: &str, policy: &str) -> Result<(), AwsError> {
        let delete = || {
            let request = self.iam.delete_role_policy().role_name(role);
            request.policy_name(policy).send()
        };
        self.remove(Call::role("iam:DeleteRolePolicy", role), delete)
            .await
    }

    async fn delete_role(&self, role: &str) -> Result<(), AwsError> {
        let call = Call::role("iam:DeleteRole", role);
        let delete = || self.iam.delete_role().role_name(role).send();
        match gone_is_done(self.attempt(call, delete).await) {
            Ok(_) => {
                self.memory.forget(call.entity);
                Ok(())
            }
            Err(error) => Err(self.name_blockers(call, error).await),
        }
    }

    async fn delete_user(&self, user: &str) -> Result<(), AwsError> {
        let call = Call::user("iam:DeleteUser", user);
        let delete = || self.iam.delete_user().user_name(user).send();
        match gone_is_done(self.attempt(call, delete).await) {
            Ok(_) => {
                self.memory.forget(call.entity);
                Ok(())
            }
            Err(error) => Err(self.name_blockers(call, error).await),
        }
    }

    /// Removes something from a user or role, and remembers that, because IAM may believe for a while that it is
    /// still there.
    async fn remove<T, E, F, A>(&self, call: Call<'_>, request: F) -> Result<(), AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> A,
        A: Future<Output = Result<T, SdkError<E>>>,
    {
        gone_is_done(self.attempt(call, request).await)?;
        self.memory.removed_from(call.entity);
        Ok(())
    }

    /// Makes a call, and again for as long as its refusal can come from what this run just did.
    async fn attempt<T, E, F, A>(&self, call: Call<'_>, request: F) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> A,
        A: Future<Output = Result<T, SdkError<E>>>,
    {
        let started = Instant::now();
        let mut backoff = self.patience.backoff();
        loop {
            // The semaphore is never closed, so that a failed acquire cannot happen; without a permit the call is made all the same.
            let permit = self.permits.acquire().await.ok();
            let answer = request().await;
            // Others may write while this call waits.
            drop(permit);
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => AwsError::from_sdk(call.operation, call.entity.name(), &error),
            };
            let limit = self.patience.limit(&error, call, &self.memory);
            let pause = backoff.next_pause();
            match limit {
                Some(limit) if started.elapsed() + pause <= limit => {
                    tracing::debug!(%error, ?pause, "waiting for IAM to catch up");
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }
}

/// `NoSuchEntity` in answer to a delete: somebody else did it, or the answer to our own first try was lost.
fn gone_is_done<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == AwsErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
