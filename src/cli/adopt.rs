//! `adopt`: our mark on what exists and the file names. Nothing else changes.

use std::path::Path;

use clap::Args;

use super::args::ClusterArgs;
use super::clusters::{self, Clusters, Selection};
use super::exit::Failure;
use super::session::Opening;
use super::ui::Ui;
use super::{Ended, FileArgs, args, carry_out, plan as planning};
use crate::address::TenantId;
use crate::plan::Options;
use crate::report::Applied;
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
    #[command(flatten)]
    clusters: ClusterArgs,
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
    let selection = Selection {
        files: &args.files,
        clusters: &args.clusters.clusters,
        tenants: &args.tenants,
        opening: Opening {
            directory,
            reader: None,
            parallelism: PARALLELISM,
            shallow: true,
        },
    };
    let mut clusters = clusters::open(&selection, ui).await?;
    let tenants: Vec<_> = args.tenants.iter().map(TenantId::new).collect();
    for tenant in &tenants {
        named(&clusters, tenant)?;
    }
    let locks = carry_out::take_locks(&mut clusters, args.lock_timeout, ui).await?;
    clusters.read(ui).await?;
    let options = Options {
        only: tenants,
        brief: true,
        ..Options::default()
    };
    let plans = planning::make(&clusters, &options, diff::adopt);
    ui.data(&report::several::plan(&plans, ui.style()));
    let unread = plans.iter().any(|plan| plan.unread.is_some());
    let foreign = (plans.iter()).any(|plan| plan.unread.is_none() && !plan.plan.held.is_empty());
    let is_empty = plans.iter().all(|plan| plan.plan.is_empty());
    if foreign && is_empty {
        return Err(Failure::Said(
            "what is held above belongs to somebody else; nothing was adopted".into(),
        ));
    }
    if is_empty {
        ui.note("nothing to adopt: what exists is ours already");
        return Ok(if unread { Ended::Badly } else { Ended::Well });
    }
    let reports = carry_out::run(&mut clusters, &plans, &locks, diff::adopt, ui).await?;
    let lost = clusters.lost();
    let applied = Applied::of(&plans, &reports, &lost);
    ui.data(&report::several::applied(&applied, ui.style()));
    if foreign {
        ui.complain("what is held above belongs to somebody else; nothing of those tenants was adopted");
    }
    let complete = applied.iter().all(Applied::is_complete);
    Ok(if complete && !foreign {
        Ended::Well
    } else {
        Ended::Badly
    })
}

/// Only the file says what a tenant's objects are.
fn named(clusters: &Clusters, tenant: &TenantId) -> Result<(), Failure> {
    let tenants = || (clusters.members.iter()).flat_map(|member| &member.tenants);
    if tenants().any(|known| known == tenant) {
        return Ok(());
    }
    let meant = crate::diag::suggestion(tenant.as_str(), tenants().map(TenantId::as_str))
        .map_or_else(String::new, |meant| format!("; {meant}"));
    Err(Failure::Said(format!(
        "the file names no tenant \"{tenant}\"{meant}"
    )))
}
