//! `history`: what was applied, when, by whom. It reads the ledger and nothing else of Postgres.

use std::path::Path;

use clap::Args;

use super::args::OneClusterArgs;
use super::clusters;
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs};
use crate::address::TenantId;
use crate::live::connect::Purpose;
use crate::live::history;
use crate::report;

/// Show what was applied, when and by whom
///
/// From the ledger in the admin database, the latest run first. With a tenant, or with `-v`, every object that a run
/// changed is listed below it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl history
  $ tenantctl history --tenant client01 --limit 5
  $ tenantctl history --json")]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    cluster: OneClusterArgs,
    /// The runs that touched this tenant, and what they changed of it
    #[arg(long = "tenant", value_name = "T")]
    tenant: Option<String>,
    /// How many runs, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(directory: &Path, args: &HistoryArgs, ui: &Ui) -> Result<Ended, Failure> {
    let session = clusters::open_one(
        directory,
        &args.files,
        args.cluster.cluster.as_deref(),
        args.tenant.as_deref(),
        ui,
    )
    .await?;
    let tenant = args.tenant.as_ref().map(TenantId::new);
    let desired = &session.desired;
    let admin = session.admin(Purpose::Read).await?;
    let runs = history::read(
        &admin,
        &desired.admin,
        &desired.workspace,
        tenant.as_ref(),
        args.limit,
    )
    .await?;
    if let Some(tenant) = tenant
        .as_ref()
        .filter(|tenant| runs.is_empty() && !desired.tenants.contains_key(*tenant))
    {
        return Err(Failure::Said(format!(
            "the file names no tenant \"{tenant}\", and no run has touched one of that name"
        )));
    }
    if args.json {
        ui.data(&format!(
            "{:#}\n",
            report::history::json(&desired.workspace, &runs)
        ));
    } else {
        ui.data(&report::history::text(&runs, tenant.is_some() || ui.verbose > 0));
    }
    Ok(Ended::Well)
}
