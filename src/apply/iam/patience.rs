//! How long to wait for IAM, and for what.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Call, Entity};
use crate::live::aws::{AwsError, AwsErrorKind};
use crate::model::{PolicyDocument, Principal};

/// How long the writer waits for what it did itself, and for what was new when it began, to show. For nothing else it
/// waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause; each one after is twice as long, less up to a half by chance, so that many tenants do not
    /// come back together.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// For a new user to become a valid principal. Half a minute is common.
    pub principal: Duration,
    /// For something new to be found, counted from when it was made.
    pub appearance: Duration,
    /// For something removed in this run to be gone, when a delete waits for it.
    pub removal: Duration,
    /// For somebody else's change to end.
    pub busy: Duration,
    /// For throttling to end, after the SDK's own attempts.
    pub throttled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
            principal: Duration::from_secs(120),
            appearance: Duration::from_secs(30),
            removal: Duration::from_secs(20),
            busy: Duration::from_secs(60),
            throttled: Duration::from_secs(120),
        }
    }
}

impl Patience {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff {
            next: self.first_pause,
            longest: self.longest_pause,
        }
    }

    /// How long after a call's first attempt this refusal of it is worth another; `None` when it is final.
    pub(super) fn limit(&self, error: &AwsError, call: Call<'_>, memory: &Memory) -> Option<Duration> {
        match error.kind() {
            // The same code stands for every fault of a policy; only this message is about time. A principal that is
            // not new is misspelled or gone, and waiting would hide that for two minutes.
            AwsErrorKind::MalformedPolicy => {
                let about_principal = error.message().contains("Invalid principal");
                let made = call.trust.is_some_and(|trust| memory.made_principal(trust));
                (about_principal && made).then_some(self.principal)
            }
            AwsErrorKind::NotFound => memory
                .made_within(call.entity, self.appearance)
                .then_some(self.appearance),
            AwsErrorKind::DeleteConflict => memory
                .removed_within(call.entity, self.removal)
                .then_some(self.removal),
            AwsErrorKind::Busy => Some(self.busy),
            AwsErrorKind::Throttled => Some(self.throttled),
            _ => None,
        }
    }
}

/// Pauses that double.
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        self.next = (self.next * 2).min(self.longest);
        pause
    }
}

/// What this run did to IAM, and what was new when it began.
#[derive(Debug, Default)]
pub(super) struct Memory {
    deeds: Mutex<Deeds>,
}

#[derive(Debug, Default)]
struct Deeds {
    users_created: BTreeMap<String, Instant>,
    roles_created: BTreeMap<String, Instant>,
    principals: BTreeSet<String>,
    users_stripped: BTreeMap<String, Instant>,
    roles_stripped: BTreeMap<String, Instant>,
}

impl Deeds {
    fn created(&mut self, entity: Entity<'_>) -> &mut BTreeMap<String, Instant> {
        match entity {
            Entity::User(_) => &mut self.users_created,
            Entity::Role(_) => &mut self.roles_created,
        }
    }

    fn stripped(&mut self, entity: Entity<'_>) -> &mut BTreeMap<String, Instant> {
        match entity {
            Entity::User(_) => &mut self.users_stripped,
            Entity::Role(_) => &mut self.roles_stripped,
        }
    }
}

impl Memory {
    pub(super) fn created(&self, entity: Entity<'_>, arn: Option<String>) {
        let mut deeds = self.deeds();
        deeds
            .created(entity)
            .insert(entity.name().to_owned(), Instant::now());
        deeds.principals.extend(arn);
    }

    /// Somebody made it so long ago.
    pub(super) fn made_before(&self, entity: Entity<'_>, arn: String, age: Duration) {
        let now = Instant::now();
        let mut deeds = self.deeds();
        let at = now.checked_sub(age).unwrap_or(now);
        deeds.created(entity).insert(entity.name().to_owned(), at);
        deeds.principals.insert(arn);
    }

    pub(super) fn removed_from(&self, entity: Entity<'_>) {
        let mut deeds = self.deeds();
        deeds
            .stripped(entity)
            .insert(entity.name().to_owned(), Instant::now());
    }

    pub(super) fn forget(&self, entity: Entity<'_>) {
        self.deeds().created(entity).remove(entity.name());
    }

    fn made_within(&self, entity: Entity<'_>, limit: Duration) -> bool {
        let mut deeds = self.deeds();
        let at = deeds.created(entity).get(entity.name());
        at.is_some_and(|at| at.elapsed() <= limit)
    }

    fn removed_within(&self, entity: Entity<'_>, limit: Duration) -> bool {
        let mut deeds = self.deeds();
        let at = deeds.stripped(entity).get(entity.name());
        at.is_some_and(|at| at.elapsed() <= limit)
    }

    fn made_principal(&self, trust: &PolicyDocument) -> bool {
        let deeds = self.deeds();
        trust
            .principals()
            .iter()
            .any(|principal| matches!(principal, Principal::Arn(arn) if deeds.principals.contains(arn)))
    }

    fn deeds(&self) -> MutexGuard<'_, Deeds> {
        // A panic elsewhere cannot leave these maps half written.
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
