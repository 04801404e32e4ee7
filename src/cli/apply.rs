//! `apply`: plan, ask, apply; or a saved plan, exactly.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failure;
use super::session::{self, Session};
use super::ui::Ui;
use super::{Ended, ScopeArgs, audit, interrupt, plan as planning, progress};
use crate::apply::lock::{self, Lock};
use crate::apply::{self, ApprovedPlan, Live, Outcome, Report, Target};
use crate::audit::Audit;
use crate::live::trace::part;
use crate::plan::{self, Plan, file};
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
    let session = session::open(
        directory,
        &scope.files,
        usize::from(scope.parallelism),
        scope.shallow,
        ui,
    )
    .await?;
    if asks {
        // Somebody may take long to answer: the lock is not held meanwhile, and what moves is noticed after it.
        let live = session.read(ui).await?;
        let plan = planning::make(&session, &live, scope)?;
        if scope.json {
            // The one document is the result; what is asked about goes where questions go.
            ui.complain(&report::text::plan(&plan, ui.style()));
        } else {
            planning::show(&session, &plan, scope, ui);
        }
        if plan.is_empty() {
            return Ok(Ended::Well);
        }
        if !ui.ask("Apply this?") {
            return Err(Failure::Said("nothing was applied".into()));
        }
        let lock = take_lock(&session, args, ui).await?;
        return carry_out(&session, plan, &live, &lock, args, ui).await;
    }
    let lock = take_lock(&session, args, ui).await?;
    let live = session.read(ui).await?;
    let plan = match saved {
        Some(plan) => plan,
        None => planning::make(&session, &live, scope)?,
    };
    if !scope.json {
        planning::show(&session, &plan, scope, ui);
    }
    carry_out(&session, plan, &live, &lock, args, ui).await
}

async fn take_lock(session: &Session, args: &ApplyArgs, ui: &Ui) -> Result<Lock, Failure> {
    let timeout = args.scope.lock_timeout;
    let waiting = |holder: &str| ui.note(&format!("waiting up to {timeout:?} for {holder}"));
    let target = &session.target;
    let workspace = &session.desired.workspace;
    let taken = lock::acquire(
        &target.connector,
        &target.admin_database,
        workspace,
        timeout,
        waiting,
    );
    taken.await.map_err(|error| session.placed(error))
}

/// Approves and runs.
async fn carry_out(
    session: &Session,
    plan: Plan,
    live: &Live,
    lock: &Lock,
    args: &ApplyArgs,
    ui: &Ui,
) -> Result<Ended, Failure> {
    let Session {
        desired,
        target,
        request,
        ..
    } = session;
    apply::prepare(target, lock, live, &desired.workspace).await?;
    let options = plan.options();
    let scope = options.scope();
    let again = |live: &Live| plan::build(desired, live, &diff::diff(desired, live, &scope), &options);
    let approving = apply::approve(plan.clone(), target, request, again);
    let reading = progress::reading(ui, target, approving);
    let approved = part("reading again what the plan touches", reading).await?;
    let report = run_approved(approved, plan.steps.len(), target, lock, ui).await?;
    // What was interrupted ends soon, and where nothing was done nothing can have been opened.
    let done = report
        .results
        .iter()
        .any(|result| result.outcome == Outcome::Done);
    let interrupted = (report.results.iter()).any(|result| result.outcome == Outcome::Interrupted);
    let audit = if args.no_audit || !done || interrupted {
        None
    } else {
        proof(session, &plan, ui).await
    };
    if args.scope.json {
        let mut document = report::json::applied(&plan, &report);
        document["audit"] = audit
            .as_ref()
            .map_or(serde_json::Value::Null, report::audit::json);
        ui.data(&format!("{document:#}\n"));
    } else {
        ui.data(&report::text::applied(&plan, &report, ui.style()));
    }
    if let Some(audit) = &audit {
        audit::say(audit, ui);
    }
    Ok(if report.is_complete() {
        Ended::Well
    } else {
        Ended::Badly
    })
}

/// The static proof for the tenants that were touched. What was applied is applied: that it could not be proved, or was
/// found to be open, is said and changes no exit code.
async fn proof(session: &Session, plan: &Plan, ui: &Ui) -> Option<Audit> {
    match audit::gate(session, plan, ui).await {
        Ok(audit) => audit,
        Err(failure) => {
            let because = report::printable(&failure.to_string());
            ui.complain(&format!(
                "audit: isolation was not proved after this apply: {because}"
            ));
            None
        }
    }
}

/// Runs, with progress and an eye on interrupts.
pub(super) async fn run_approved(
    approved: ApprovedPlan,
    steps: usize,
    target: &Target,
    lock: &Lock,
    ui: &Ui,
) -> Result<Report, Failure> {
    let interrupt = interrupt::watch();
    let meter = progress::Meter::new(ui, steps);
    let report = apply::run(approved, target, lock, &interrupt, &meter).await;
    meter.finish();
    Ok(report?)
}
