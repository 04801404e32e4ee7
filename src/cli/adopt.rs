//! `adopt`: our mark on what exists and the file names. Nothing else changes.

use std::path::Path;

use clap::Args;

use super::apply::run_approved;
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs, args, session};
use crate::address::TenantId;
use crate::apply::{self, Live, lock};
use crate::desired::Desired;
use crate::plan::{self, Options};
use crate::{diff, report};

/// How many tenants are worked on at a time.
const PARALLELISM: usize = 8;

/// Put our mark on what exists and the file names, and change nothing else
///
/// What somebody else made is held as "exists, not ours" until it is adopted. Look at the plan before and after: from
/// then on `apply` may change these objects.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl adopt --tenant client01
  $ tenantctl adopt --all")]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    /// The tenant; repeatable
    #[arg(long = "tenant", value_name = "T", required_unless_present = "all")]
    tenants: Vec<String>,
    /// Every tenant that the file names
    #[arg(long, conflicts_with = "tenants")]
    all: bool,
    /// How long to wait for another apply
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = args::duration)]
    pub(super) lock_timeout: std::time::Duration,
}

pub(super) async fn run(directory: &Path, args: &AdoptArgs, ui: &Ui) -> Result<Ended, Failure> {
    let session = session::open(directory, &args.files, PARALLELISM, true, ui).await?;
    let (target, desired) = (&session.target, &session.desired);
    let tenants: Vec<_> = args.tenants.iter().map(TenantId::new).collect();
    for tenant in &tenants {
        named(desired, tenant)?;
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
    let options = Options {
        only: tenants,
        ..Options::default()
    };
    let scope = options.scope();
    let again = |live: &Live| plan::build(desired, live, &diff::adopt(desired, live, &scope), &options);
    let plan = again(&live);
    ui.data(&report::text::plan(&plan, ui.style()));
    let foreign = !plan.held.is_empty();
    if foreign && plan.is_empty() {
        return Err(Failure::Said(
            "what is held above belongs to somebody else; nothing was adopted".into(),
        ));
    }
    if plan.is_empty() {
        ui.note("nothing to adopt: what exists is ours already");
        return Ok(Ended::Well);
    }
    apply::prepare(target, &lock, &live, &desired.workspace).await?;
    let approved = apply::approve(plan.clone(), target, &session.request, again).await?;
    let done = run_approved(approved, plan.steps.len(), target, &lock, ui).await?;
    ui.data(&report::text::applied(&plan, &done, ui.style()));
    if foreign {
        ui.complain("what is held above belongs to somebody else; nothing of those tenants was adopted");
    }
    Ok(if done.is_complete() && !foreign {
        Ended::Well
    } else {
        Ended::Badly
    })
}

/// Only the file says what a tenant's objects are.
fn named(desired: &Desired, tenant: &TenantId) -> Result<(), Failure> {
    if desired.tenants.contains_key(tenant) {
        return Ok(());
    }
    let names = desired.tenants.keys().map(TenantId::as_str);
    let meant = crate::diag::suggestion(tenant.as_str(), names)
        .map_or_else(String::new, |meant| format!("; {meant}"));
    Err(Failure::Said(format!(
        "the file names no tenant \"{tenant}\"{meant}"
    )))
}
