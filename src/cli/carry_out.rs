//! From plans to what was done: locks, approval and the run itself, for `apply` and `adopt`. What forbids one cluster's plan
//! forbids all; a cluster that cannot be reached, or whose lock somebody holds, stops no other.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::clusters::Clusters;
use super::exit::Failure;
use super::plan::Compare;
use super::session::Session;
use super::ui::Ui;
use super::{interrupt, progress};
use crate::apply::lock::{self, Lock};
use crate::apply::{self, ApplyError, ApprovedPlan, Candidate, Live, Report};
use crate::live::connect::Purpose;
use crate::live::trace::part;
use crate::plan::{self, ClusterPlan, Outline, Plan};

/// The locks of a run, by the place of the cluster.
pub(super) type Locks = BTreeMap<usize, Lock>;

/// Takes the lock of every cluster that takes part, one after the other in the order of their names, so that two runs never
/// wait for each other. The time is for all of them together.
pub(super) async fn take_locks(clusters: &mut Clusters, wait: Duration, ui: &Ui) -> Result<Locks, Failure> {
    let connecting = clusters.taking_part().map(|(place, _, session)| async move {
        let connected = session.admin(Purpose::Write).await;
        (place, connected)
    });
    let connected = join_all(connecting.collect::<Vec<_>>()).await;
    let deadline = Instant::now() + wait;
    let mut locks = Locks::new();
    for (place, connected) in connected {
        let label = clusters.label(place);
        let waiting = |holder: &str| match &label {
            Some(name) => ui.note(&format!("cluster {name}: waiting up to {wait:?} for {holder}")),
            None => ui.note(&format!("waiting up to {wait:?} for {holder}")),
        };
        let workspace = clusters.members[place].workspace.clone();
        let taken = match connected {
            Ok(session) => lock::acquire(session, &workspace, (deadline, wait), waiting)
                .await
                .map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match taken {
            Ok(lock) => {
                locks.insert(place, lock);
            }
            Err(failure) => clusters.lose(place, failure, ui)?,
        }
    }
    Ok(locks)
}

/// What became of each plan, in the order of the clusters: none where nothing was tried.
pub(super) type Reports = Vec<Option<Report>>;

/// Approves all plans and runs them side by side.
pub(super) async fn run(
    clusters: &mut Clusters,
    plans: &[ClusterPlan],
    locks: &Locks,
    compare: Compare,
    ui: &Ui,
) -> Result<Reports, Failure> {
    prepare(clusters, locks, ui).await?;
    for member in &mut clusters.members {
        // The plans are made, and what counts from here on is read again.
        member.live = None;
    }
    let mut approved = approve(clusters, plans, compare, ui).await?;
    let steps = approved.keys().map(|place| plans[*place].plan.steps.len()).sum();
    let interrupt = interrupt::watch();
    let meter = progress::Meter::new(ui, steps);
    let running = clusters.taking_part().filter_map(|(place, _, session)| {
        let (approved, lock) = (approved.remove(&place)?, locks.get(&place)?);
        let part = progress::Part {
            meter: &meter,
            cluster: clusters.label(place),
        };
        let interrupt = &interrupt;
        Some(async move {
            let done = apply::run(approved, &session.target, lock, interrupt, &part).await;
            (place, done)
        })
    });
    let done = join_all(running.collect::<Vec<_>>()).await;
    meter.finish();
    let mut reports: Reports = clusters.members.iter().map(|_| None).collect();
    for (place, report) in done {
        match report {
            Ok(report) => reports[place] = Some(report),
            Err(error) => clusters.lose(place, error.into(), ui)?,
        }
    }
    Ok(reports)
}

/// Answers what crashed runs left open.
async fn prepare(clusters: &mut Clusters, locks: &Locks, ui: &Ui) -> Result<(), Failure> {
    let preparing = clusters.taking_part().filter_map(|(place, member, session)| {
        let (live, lock) = (member.live.as_ref()?, locks.get(&place)?);
        Some(async move {
            let prepared = apply::prepare(&session.target, lock, live, &member.workspace).await;
            (place, prepared)
        })
    });
    let prepared = join_all(preparing.collect::<Vec<_>>()).await;
    for (place, prepared) in prepared {
        if let Err(error) = prepared {
            clusters.lose(place, error.into(), ui)?;
        }
    }
    Ok(())
}

/// The plans that are still true, by the place of their cluster.
async fn approve<'p>(
    clusters: &mut Clusters,
    plans: &'p [ClusterPlan],
    compare: Compare,
    ui: &Ui,
) -> Result<BTreeMap<usize, ApprovedPlan<'p>>, Failure> {
    let (places, approved) = {
        let taking_part: Vec<_> = clusters.taking_part().collect();
        let again: Vec<_> = (taking_part.iter())
            .map(|(place, _, session)| again(session, &plans[*place].plan, compare))
            .collect();
        let candidates = taking_part
            .iter()
            .zip(&again)
            .map(|((place, _, session), again)| Candidate {
                plan: &plans[*place].plan,
                target: &session.target,
                request: &session.request,
                again,
            });
        let candidates: Vec<_> = candidates.collect();
        let targets: Vec<_> = candidates.iter().map(|candidate| candidate.target).collect();
        let reading = progress::reading(ui, &targets, apply::approve(&candidates));
        let approved = part("reading again what the plan touches", reading).await?;
        let places: Vec<_> = taking_part.iter().map(|(place, _, _)| *place).collect();
        (places, approved)
    };
    let mut good = BTreeMap::new();
    for (place, approved) in places.into_iter().zip(approved) {
        match approved {
            Ok(approved) => {
                good.insert(place, approved);
            }
            // What somebody said yes to is not what there is: nothing is done on any cluster.
            Err(refused @ (ApplyError::Stale(_) | ApplyError::Guarded(_))) => {
                let failure = Failure::from(refused);
                return Err(match clusters.label(place) {
                    Some(name) => failure.within(&format!("cluster {name}")),
                    None => failure,
                });
            }
            Err(error) => clusters.lose(place, error.into(), ui)?,
        }
    }
    Ok(good)
}

/// Plans anew, with what the first plan was made with.
fn again<'a>(session: &'a Session, plan: &Plan, compare: Compare) -> impl Fn(&Live) -> Outline + use<'a> {
    let options = plan.options();
    let scope = options.scope();
    move |live: &Live| {
        let desired = &session.desired;
        plan::outline(desired, live, &compare(desired, live, &scope), &options)
    }
}
