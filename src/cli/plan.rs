//! `plan`: what apply would do. It writes nowhere but to the files that it is given.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::exit::Failure;
use super::session::{self, Session};
use super::ui::Ui;
use super::{Ended, ScopeArgs};
use crate::live::Live;
use crate::live::trace::pure_part;
use crate::plan::{self, Options, Plan};
use crate::report::status;
use crate::{diff, report};

/// Show what apply would do
///
/// Reads AWS and Postgres, compares them with the file, and prints the difference. It writes nothing but the files
/// that it is given, and takes no lock. `-v` shows every SQL statement and API call of the plan.
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
    ///
    /// A table first, a folded section a tenant, and never more than a comment holds.
    #[arg(long, conflicts_with = "json")]
    pub(super) markdown: bool,
    /// The same Markdown in a file, besides what is printed
    #[arg(long, value_name = "FILE")]
    markdown_file: Option<PathBuf>,
    /// Log in as this reader of the cluster block instead of the admin
    #[arg(long, value_name = "ROLE", env = "TENANTCTL_READER")]
    reader: Option<String>,
    /// Save the plan, for `tenantctl apply FILE`
    ///
    /// It is written with mode 0600, whole or not at all. Its path is relative to the current directory.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Write how it ended, as JSON, for a script: empty, changes, refused or error
    #[arg(long, value_name = "FILE")]
    status_file: Option<PathBuf>,
}

/// Plans, and writes down how that ended where a script asked for it.
pub(super) async fn run(directory: &Path, args: &PlanArgs, ui: &Ui) -> Result<Ended, Failure> {
    let Some(path) = &args.status_file else {
        return Ok(planned(directory, args, ui).await?.0);
    };
    // Whoever finds this knows that the run was killed; nobody finds the status of an earlier run.
    write_status(path, &status::error("the run did not come to its end"))?;
    match planned(directory, args, ui).await {
        Ok((ended, status)) => write_status(path, &status).map(|()| ended),
        Err(failure) => {
            write_status(path, &status::error(&failure.to_string()))?;
            Err(failure)
        }
    }
}

fn write_status(path: &Path, status: &Value) -> Result<(), Failure> {
    Ok(plan::file::write_text(path, &format!("{status:#}\n"))?)
}

async fn planned(directory: &Path, args: &PlanArgs, ui: &Ui) -> Result<(Ended, Value), Failure> {
    let parallelism = usize::from(args.scope.parallelism);
    let files = &args.scope.files;
    let reader = args.reader.as_deref().filter(|reader| !reader.is_empty());
    let session = session::open_as(reader, directory, files, parallelism, args.scope.shallow, ui).await?;
    let live = session.read(ui).await.inspect_err(|_| {
        if let Some(reader) = reader {
            ui.note(&format!(
                "\"{reader}\" gets what it needs by an apply as the admin, with it among the readers of the cluster block."
            ));
        }
    })?;
    let plan = make(&session, &live, &args.scope)?;
    let markdown = || report::markdown::plan(&plan, &session.notices);
    if args.markdown {
        ui.data(&markdown());
    } else {
        show(&session, &plan, &args.scope, ui);
    }
    if let Some(path) = &args.markdown_file {
        plan::file::write_text(path, &markdown())?;
    }
    if let Some(path) = &args.out {
        plan::file::write(path, &plan)?;
        ui.note(&format!(
            "saved: apply exactly this with tenantctl apply {}",
            path.display()
        ));
    }
    let ended = if args.scope.detailed_exitcode && !plan.is_empty() {
        Ended::Changes
    } else {
        Ended::Well
    };
    Ok((ended, status::plan(&plan, session.notices.len())))
}

/// Compares and plans.
pub(super) fn make(session: &Session, live: &Live, args: &ScopeArgs) -> Result<Plan, Failure> {
    let options = Options {
        only: session.only(args, live)?,
        max_removals: args.max_removals,
        mode: args.mode,
    };
    Ok(pure_part("comparing and planning", || {
        let diff = diff::diff(&session.desired, live, &options.scope());
        plan::build(&session.desired, live, &diff, &options)
    }))
}

/// Prints a plan as asked.
pub(super) fn show(session: &Session, plan: &Plan, args: &ScopeArgs, ui: &Ui) {
    if args.json {
        ui.data(&format!("{:#}\n", report::json::plan(plan, &session.notices)));
    } else {
        ui.data(&report::text::plan(plan, ui.style()));
    }
}
