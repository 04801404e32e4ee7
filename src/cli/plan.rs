//! `plan`: what apply would do. It writes nowhere but to `--out`.

use std::path::Path;

use super::exit::Failure;
use super::session::{self, Session};
use super::ui::Ui;
use super::{Ended, PlanArgs, ScopeArgs};
use crate::live::Live;
use crate::plan::{self, Options, Plan};
use crate::{diff, report};

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
    let options = Options {
        only: session.only(args, live)?,
        max_removals: args.max_removals,
        mode: args.mode,
    };
    let diff = diff::diff(&session.desired, live, &options.scope());
    Ok(plan::build(&session.desired, live, &diff, &options))
}

/// Prints a plan as asked.
pub(super) fn show(session: &Session, plan: &Plan, args: &ScopeArgs, ui: &Ui) {
    if args.json {
        ui.data(&format!("{:#}\n", report::json::plan(plan, &session.notices)));
    } else {
        ui.data(&report::text::plan(plan, ui.style()));
    }
}
