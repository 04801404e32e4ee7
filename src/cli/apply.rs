//! `apply`: plan, ask, apply; or a saved plan, exactly.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::future::join_all;

use super::carry_out::{self, Locks};
use super::clusters::{self, Clusters};
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, ScopeArgs, audit, plan as planning, progress};
use crate::apply::{ApplyError, Outcome};
use crate::plan::{ClusterPlan, file};
use crate::report::Applied;
use crate::report::audit::ClusterAudit;
use crate::{diff, report};

/// Plan, ask, and apply; or apply a saved plan, exactly
///
/// A step that fails stops its tenant and no other; another `apply` goes on where it stopped. The first Ctrl-C lets
/// running steps finish, the second stops at once. Afterwards the isolation of the tenants that were touched is proved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl apply
  $ tenantctl apply --tenant client01 --auto-approve
  $ tenantctl apply tenants.plan")]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    /// A saved plan: exactly that, or nothing if it is stale
    ///
    /// Nothing is asked then. `--tenant` and `--max-removals` have no effect: they had it when the plan was made. The
    /// options about the file have to be the same as then.
    #[arg(value_name = "PLANFILE")]
    pub(super) plan: Option<PathBuf>,
    /// Do not ask
    ///
    /// Without a terminal to ask on, this or a plan file has to be given.
    #[arg(long)]
    pub(super) auto_approve: bool,
    /// Do not prove isolation afterwards
    ///
    /// Without it, the part of the audit that needs no IAM runs for the tenants that were touched, and says on standard
    /// error, and in `audit` of `--json`, what it found. It changes no exit code.
    #[arg(long)]
    pub(super) no_audit: bool,
}

pub(super) async fn run(directory: &Path, args: &ApplyArgs, ui: &Ui) -> Result<Ended, Failure> {
    let asks = !args.auto_approve && args.plan.is_none();
    if asks && !std::io::stdin().is_terminal() {
        return Err(Failure::Said(
            "there is no terminal to ask on: pass --auto-approve, or a plan file that somebody has looked at"
                .into(),
        ));
    }
    let saved = args.plan.as_deref().map(file::read).transpose()?;
    let scope = &args.scope;
    let mut selection = scope.selection(scope.opening(directory));
    let planned: Vec<String> = (saved.iter().flatten())
        .filter_map(|plan| plan.cluster.clone())
        .collect();
    if !planned.is_empty() {
        selection.clusters = &planned;
        selection.tenants = &[];
    }
    let mut clusters = clusters::open(&selection, ui).await?;
    if asks {
        // Somebody may take long to answer: the lock is not held meanwhile, and what moves is noticed after it.
        clusters.read(ui).await?;
        let plans = planning::make(&clusters, &scope.options(&clusters, true)?, diff::diff);
        if scope.json {
            // The one document is the result; what is asked about goes where questions go.
            ui.complain(&report::several::plan(&plans, ui.style()));
        } else {
            planning::show(&plans, &clusters.notices, false, ui);
        }
        if plans.iter().all(|plan| plan.plan.is_empty()) {
            let unread = plans.iter().any(|plan| plan.unread.is_some());
            return Ok(if unread { Ended::Badly } else { Ended::Well });
        }
        if !ui.ask("Apply this?") {
            return Err(Failure::Said("nothing was applied".into()));
        }
        let locks = carry_out::take_locks(&mut clusters, scope.lock_timeout, ui).await?;
        return carry_out(clusters, plans, &locks, args, ui).await;
    }
    let locks = carry_out::take_locks(&mut clusters, scope.lock_timeout, ui).await?;
    clusters.read(ui).await?;
    let plans = match saved {
        Some(plans) => matched(&clusters, plans)?,
        None => planning::make(&clusters, &scope.options(&clusters, true)?, diff::diff),
    };
    if !scope.json {
        planning::show(&plans, &clusters.notices, false, ui);
    }
    carry_out(clusters, plans, &locks, args, ui).await
}

/// Saved plans, each for the cluster of its name.
fn matched(clusters: &Clusters, plans: Vec<ClusterPlan>) -> Result<Vec<ClusterPlan>, Failure> {
    let names = clusters.members.iter().enumerate();
    let labels: Vec<_> = names.map(|(place, _)| clusters.label(place)).collect();
    let saved: Vec<_> = plans.iter().map(|plan| plan.cluster.clone()).collect();
    if labels == saved {
        return Ok(plans);
    }
    Err(Failure::from(ApplyError::Stale(
        "the file had other clusters when it was made".into(),
    )))
}

/// Approves and runs.
async fn carry_out(
    mut clusters: Clusters,
    mut plans: Vec<ClusterPlan>,
    locks: &Locks,
    args: &ApplyArgs,
    ui: &Ui,
) -> Result<Ended, Failure> {
    for plan in &mut plans {
        plan.plan.was_shown();
    }
    let reports = carry_out::run(&mut clusters, &plans, locks, diff::diff, ui).await?;
    for (plan, _) in plans
        .iter_mut()
        .zip(&reports)
        .filter(|(_, report)| report.is_some())
    {
        plan.plan.was_run();
    }
    let lost = clusters.lost();
    let applied = Applied::of(&plans, &reports, &lost);
    let audits = match args.no_audit {
        true => Vec::new(),
        false => proofs(&clusters, &applied, ui).await,
    };
    if args.scope.json {
        let mut document = report::several::applied_json(&applied);
        document["audit"] = match audits.is_empty() {
            true => serde_json::Value::Null,
            false => report::audit::several_json(&audits, &BTreeMap::new()),
        };
        ui.data(&format!("{document:#}\n"));
    } else {
        ui.data(&report::several::applied(&applied, ui.style()));
    }
    for audit in &audits {
        audit::say(audit, ui);
    }
    let complete = applied.iter().all(Applied::is_complete);
    Ok(if complete { Ended::Well } else { Ended::Badly })
}

/// The static proof for the tenants that were touched. What was applied is applied: that it could not be proved, or was
/// found to be open, is said and changes no exit code.
async fn proofs(clusters: &Clusters, applied: &[Applied<'_>], ui: &Ui) -> Vec<ClusterAudit> {
    let has = |applied: &Applied<'_>, wanted: Outcome| {
        let mut results = applied.report.iter().flat_map(|report| &report.results);
        results.any(|result| result.outcome == wanted)
    };
    // What was interrupted ends soon, and where nothing was done nothing can have been opened.
    if applied.iter().any(|applied| has(applied, Outcome::Interrupted)) {
        return Vec::new();
    }
    let proving = clusters.taking_part().filter_map(|(place, _, session)| {
        let applied = applied.get(place).filter(|applied| has(applied, Outcome::Done))?;
        Some(async move { (place, audit::gate(session, applied.plan).await) })
    });
    let proving: Vec<_> = proving.collect();
    let targets = clusters.taking_part().map(|(_, _, session)| &session.target);
    let proved = progress::reading(ui, &targets.collect::<Vec<_>>(), join_all(proving)).await;
    let mut audits = Vec::new();
    for (place, proved) in proved {
        let cluster = clusters.label(place);
        match proved {
            Ok(Some(audit)) => audits.push(ClusterAudit { cluster, audit }),
            Ok(None) => {}
            Err(failure) => {
                let because = report::printable(&failure.to_string());
                let place = cluster.map_or_else(String::new, |name| format!("cluster {name}: "));
                ui.complain(&format!(
                    "audit: {place}isolation was not proved after this apply: {because}"
                ));
            }
        }
    }
    audits
}
