//! Phase by phase, tenants side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, stream};

use super::bundle;
use super::execute::Executor;
use super::iam::IamWriter;
use super::ledger::{self, Run};
use super::lock::Lock;
use super::pool::Pool;
use super::scribe::Scribe;
use super::{ApplyError, ApprovedPlan, Interrupt, Outcome, Progress, Report, StepResult, Target};
use crate::address::TenantId;
use crate::live::trace::part;
use crate::plan::{ActionWord, Command, Phase, Plan, Step};

/// Applies a plan. A failed step stops its tenant, nothing else.
///
/// # Errors
/// The ledger cannot be written. What goes wrong with a step is in the report.
pub async fn run(
    approved: ApprovedPlan<'_>,
    target: &Target,
    lock: &Lock,
    interrupt: &Interrupt,
    progress: &dyn Progress,
) -> Result<Report, ApplyError> {
    let ApprovedPlan { plan, recent, server } = approved;
    let started = Instant::now();
    let run = Run {
        id: format!("{:016x}", rand::random::<u64>()),
        workspace: plan.workspace.clone(),
        actor: target.actor.clone(),
        actions: actions(plan),
    };
    ledger::prepare(lock.session(), &run, plan).await?;
    // One for each worker, and one to write down what they do: who waits for a long statement must not hold that up.
    let sessions = server.share(target.parallelism) + 1;
    let pool = Pool::new(
        Arc::clone(&target.connector),
        &target.admin_database,
        lock,
        sessions,
    );
    let iam = IamWriter::new(&target.aws).expecting(&recent);
    let worker = Worker {
        executor: Executor {
            target,
            pool: &pool,
            iam: &iam,
            scribe: &Scribe::new(&pool),
            run: &run,
        },
        lock,
        interrupt,
        progress,
        state: Mutex::default(),
    };
    worker.phases(plan, target.parallelism.max(1)).await;
    let State {
        outcomes,
        handed_over,
        ..
    } = worker.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failed: Vec<(&Step, String)> = plan
        .steps
        .iter()
        .filter_map(|step| match outcomes.get(&step.id)? {
            Outcome::Failed(problem) => Some((step, problem.to_string())),
            _ => None,
        })
        .collect();
    // What was done counts, also where the end of it cannot be written down.
    if let Err(error) = ledger::finish(lock.session(), &run, &failed).await {
        tracing::debug!(%error, "the end of the run could not be written");
    }
    Ok(Report {
        results: results(plan, &outcomes),
        handed_over,
        elapsed: started.elapsed(),
    })
}

/// What becomes of an object, by the number of the step.
fn actions(plan: &Plan) -> BTreeMap<usize, ActionWord> {
    let changes = plan.changes.iter();
    changes
        .flat_map(|change| change.steps.iter().map(|step| (*step, change.action)))
        .collect()
}

fn results(plan: &Plan, outcomes: &BTreeMap<usize, Outcome>) -> Vec<StepResult> {
    plan.steps
        .iter()
        .map(|step| StepResult {
            id: step.id,
            address: step.address.clone(),
            tenant: step.tenant.clone(),
            outcome: outcomes.get(&step.id).cloned().unwrap_or(Outcome::Interrupted),
        })
        .collect()
}

/// What is known so far.
#[derive(Default)]
struct State {
    outcomes: BTreeMap<usize, Outcome>,
    failed: BTreeSet<Lane>,
    handed_over: Vec<PathBuf>,
}

/// What runs one after the other: a tenant's steps, or a shared database's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Tenant(TenantId),
    Shared(String),
}

fn lane(step: &Step) -> Lane {
    match &step.tenant {
        Some(tenant) => Lane::Tenant(tenant.clone()),
        None => Lane::Shared(step.address.name()),
    }
}

struct Worker<'a> {
    executor: Executor<'a>,
    lock: &'a Lock,
    interrupt: &'a Interrupt,
    progress: &'a dyn Progress,
    state: Mutex<State>,
}

impl Worker<'_> {
    async fn phases(&self, plan: &Plan, parallelism: usize) {
        let mut phases: BTreeMap<Phase, Vec<&Step>> = BTreeMap::new();
        for step in &plan.steps {
            phases.entry(step.phase).or_default().push(step);
        }
        // Identities are made in AWS while roles and databases are made in Postgres. Nothing is open to a tenant before
        // both are there: memberships and grants come afterwards.
        let mut identities = phases.split_off(&Phase::IamUser);
        let mut data = identities.split_off(&Phase::Role);
        let rest = data.split_off(&Phase::Membership);
        self.in_turn(phases, parallelism).await;
        tokio::join!(
            self.in_turn(identities, parallelism),
            self.in_turn(data, parallelism)
        );
        self.in_turn(rest, parallelism).await;
    }

    async fn in_turn(&self, phases: BTreeMap<Phase, Vec<&Step>>, parallelism: usize) {
        for (phase, steps) in phases {
            part(&format!("{phase:?}"), self.phase(steps, parallelism)).await;
        }
    }

    async fn phase(&self, steps: Vec<&Step>, parallelism: usize) {
        let mut lanes: BTreeMap<Lane, Vec<&Step>> = BTreeMap::new();
        for step in steps {
            lanes.entry(lane(step)).or_default().push(step);
        }
        let lanes = self.bundles(lanes.into_values().collect()).await;
        stream::iter(lanes)
            .for_each_concurrent(parallelism, |steps| async move { self.lane(&steps).await })
            .await;
    }

    /// What many tenants do in the admin database alone, in few transactions, one after the other: statements that grant
    /// the same role would wait for each other. What is left: the lanes that do something else, or may not start, and all
    /// of a bundle that failed.
    async fn bundles<'s>(&self, lanes: Vec<Vec<&'s Step>>) -> Vec<Vec<&'s Step>> {
        let (together, mut left): (Vec<_>, Vec<_>) = lanes
            .into_iter()
            .partition(|steps| steps.iter().all(|step| bundle::takes(step)));
        for lanes in together.chunks(bundle::LANES) {
            left.extend(self.bundle(lanes).await);
        }
        left
    }

    /// One bundle; what is left of it.
    async fn bundle<'s>(&self, lanes: &[Vec<&'s Step>]) -> Vec<Vec<&'s Step>> {
        let (ready, mut left): (Vec<_>, Vec<_>) = lanes.iter().cloned().partition(|steps| {
            steps
                .first()
                .is_some_and(|first| self.may_not_start(first).is_none())
        });
        if ready.len() < 2 {
            left.extend(ready);
            return left;
        }
        let steps = ready.concat();
        match self.executor.bundle(&steps).await {
            Ok(()) => {
                for step in steps {
                    self.ended(step, Outcome::Done);
                }
            }
            Err(error) => {
                tracing::debug!(%error, tenants = ready.len(), "a transaction of many tenants failed; one by one now");
                left.extend(ready);
            }
        }
        left
    }

    /// Steps of one tenant in one phase, in order; those inside one database together.
    async fn lane(&self, steps: &[&Step]) {
        let mut rest = steps;
        while let Some(first) = rest.first() {
            let together = match &first.command {
                Command::Inside { database, .. } => rest
                    .iter()
                    .take_while(|step| matches!(&step.command, Command::Inside { database: other, .. } if other == database))
                    .count(),
                _ => 1,
            };
            let (now, later) = rest.split_at(together);
            self.together(first, now).await;
            rest = later;
        }
    }

    async fn together(&self, first: &Step, steps: &[&Step]) {
        if let Some(outcome) = self.may_not_start(first) {
            for step in steps {
                self.ended(step, outcome.clone());
            }
            return;
        }
        let done = match &first.command {
            Command::Inside { database, .. } => self.executor.inside(database, steps).await.map(|()| None),
            _ => self.executor.step(first).await,
        };
        let outcome = match done {
            Ok(file) => {
                self.state().handed_over.extend(file);
                Outcome::Done
            }
            Err(error) => Outcome::Failed(error.problem().into()),
        };
        for step in steps {
            self.ended(step, outcome.clone());
        }
    }

    fn may_not_start(&self, step: &Step) -> Option<Outcome> {
        if self.state().failed.contains(&lane(step)) {
            return Some(Outcome::Skipped);
        }
        if self.interrupt.is_raised() {
            return Some(Outcome::Interrupted);
        }
        if !self.lock.is_held() {
            return Some(Outcome::Failed(ApplyError::LockLost.problem().into()));
        }
        None
    }

    fn ended(&self, step: &Step, outcome: Outcome) {
        self.progress.ended(step, &outcome);
        let mut state = self.state();
        if matches!(outcome, Outcome::Failed(_)) {
            state.failed.insert(lane(step));
        }
        state.outcomes.insert(step.id, outcome);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
