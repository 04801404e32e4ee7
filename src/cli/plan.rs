//! `plan`: what apply would do. It writes nowhere but to `--out`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failure;
use super::session::{self, Session};
use super::ui::Ui;
use super::{Ended, ScopeArgs};
use crate::live::Live;
use crate::plan::{self, Options, Plan};
use crate::{diff, report};

/// Show what apply would do
///
/// Reads AWS and Postgres, compares them with the file, and prints the difference. It writes nothing but the file of
/// `--out`, and takes no lock. `-v` shows every SQL statement and API call of the plan.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl plan
  $ tenantctl plan --tenant client01 -v
  $ tenantctl plan --out tenants.plan --detailed-exitcode")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) scope: ScopeArgs,
    /// Markdown, for a comment on a pull request
    #[arg(long, conflicts_with = "json")]
    pub(super) markdown: bool,
    /// Save the plan, for apply
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

pub(super) async fn run(directory: &Path, args: &PlanArgs, ui: &Ui) -> Result<Ended, Failure> {
    let parallelism = usize::from(args.scope.parallelism);
    let session = session::open(directory, &args.scope.files, parallelism, args.scope.shallow, ui).await?;
    let live = session.read(ui).await?;
    let plan = make(&session, &live, &args.scope)?;
    if args.markdown {
        ui.data(&report::markdown::plan(&plan));
    } else {
        show(&session, &plan, &args.scope, ui);
    }
    if let Some(path) = &args.out {
        plan::file::write(path, &plan)?;
        ui.note(&format!(
            "saved: apply exactly this with tenantctl apply {}",
            path.display()
        ));
    }
    Ok(if args.scope.detailed_exitcode && !plan.is_empty() {
        Ended::Changes
    } else {
        Ended::Well
    })
}

/// Compares and plans.
pub(super) fn make(session: &Session, live: &Live, args: &ScopeArgs) -> Result<Plan, Failure> {
    let (scope, only) = session.scope(args, live)?;
    let diff = diff::diff(&session.desired, live, &scope);
    Ok(plan::build(
        &session.desired,
        live,
        &diff,
        &Options {
            only,
            max_removals: args.max_removals,
        },
    ))
}

/// Prints a plan as asked.
pub(super) fn show(session: &Session, plan: &Plan, args: &ScopeArgs, ui: &Ui) {
    if args.json {
        ui.data(&format!("{:#}\n", report::json::plan(plan, &session.notices)));
    } else {
        ui.data(&report::text::plan(plan, ui.style()));
    }
}
