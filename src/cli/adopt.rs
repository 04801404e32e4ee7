//! `adopt`: our mark on what exists and the file names. Nothing else changes.

use std::path::Path;

use clap::Args;

use super::apply::run_approved;
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs, args, session};
use crate::address::TenantId;
use crate::apply::{self, Live, lock};
use crate::plan::{self, Options};
use crate::{diff, report};

/// Put our mark on what exists and the file names, and change nothing else
///
/// What somebody else made is held as "exists, not ours" until it is adopted. Look at the plan before and after: from
/// then on `apply` may change these objects.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl adopt --tenant client01")]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    /// The tenant
    #[arg(long = "tenant", value_name = "T")]
    pub(super) tenant: String,
    /// How long to wait for another apply
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = args::duration)]
    pub(super) lock_timeout: std::time::Duration,
}

pub(super) async fn run(directory: &Path, args: &AdoptArgs, ui: &Ui) -> Result<Ended, Failure> {
    let session = session::open(directory, &args.files, 1, true, ui).await?;
    let tenant = TenantId::new(&args.tenant);
    let (target, desired) = (&session.target, &session.desired);
    if !desired.tenants.contains_key(&tenant) {
        let names = desired.tenants.keys().map(TenantId::as_str);
        let meant = crate::diag::suggestion(&args.tenant, names)
            .map_or_else(String::new, |meant| format!("; {meant}"));
        return Err(Failure::Said(format!(
            "the file names no tenant \"{tenant}\"{meant}"
        )));
    }
    let waiting = |holder: &str| ui.note(&format!("waiting for {holder}"));
    let lock = lock::acquire(
        &target.connector,
        &target.admin_database,
        &desired.workspace,
        args.lock_timeout,
        waiting,
    )
    .await?;
    let live = session.read(ui).await?;
    let diff = diff::adopt(desired, &live, &tenant);
    let options = Options {
        only: vec![tenant.clone()],
        max_removals: None,
    };
    let plan = plan::build(desired, &live, &diff, &options);
    ui.data(&report::text::plan(&plan, ui.style()));
    if !plan.held.is_empty() {
        return Err(Failure::Said(
            "what is held above belongs to somebody else; nothing was adopted".into(),
        ));
    }
    if plan.is_empty() {
        ui.note(&format!(
            "nothing to adopt: what exists of \"{tenant}\" is ours already"
        ));
        return Ok(Ended::Well);
    }
    apply::prepare(target, &lock, &live, &desired.workspace).await?;
    let again = |live: &Live| plan::build(desired, live, &diff::adopt(desired, live, &tenant), &options);
    let approved = apply::approve(plan.clone(), target, &session.request, again).await?;
    let done = run_approved(approved, plan.steps.len(), target, &lock, ui).await?;
    ui.data(&report::text::applied(&plan, &done, ui.style()));
    Ok(if done.is_complete() {
        Ended::Well
    } else {
        Ended::Badly
    })
}
