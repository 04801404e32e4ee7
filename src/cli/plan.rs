//! `plan`: what apply would do. It writes nowhere but to the files that it is given.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::clusters::{self, Clusters, Selection};
use super::exit::Failure;
use super::session::{Opening, Session};
use super::ui::Ui;
use super::{Ended, ScopeArgs};
use crate::desired::Desired;
use crate::diag::LocatedDiagnostic;
use crate::diff::{self, Diff, Scope};
use crate::live::Live;
use crate::live::trace::pure_part;
use crate::plan::{self, ClusterPlan, Options};
use crate::report::{self, status};

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
    let reader = args.reader.as_deref().filter(|reader| !reader.is_empty());
    let opening = Opening {
        reader,
        ..args.scope.opening(directory)
    };
    let mut clusters = clusters::open(&args.scope.selection(opening), ui).await?;
    clusters.read(ui).await.inspect_err(|_| {
        if let Some(reader) = reader {
            ui.note(&format!(
                "\"{reader}\" gets what it needs by an apply as the admin, with it among the readers of the cluster block."
            ));
        }
    })?;
    let brief = !args.scope.json && args.out.is_none();
    let plans = make(&clusters, &args.scope.options(&clusters, brief)?, diff::diff);
    let notices = &clusters.notices;
    if args.markdown {
        ui.data(&report::markdown::plans(&plans, notices));
    } else {
        show(&plans, notices, args.scope.json, ui);
    }
    if let Some(path) = &args.markdown_file {
        plan::file::write_text(path, &report::markdown::plans(&plans, notices))?;
    }
    if let Some(path) = &args.out {
        plan::file::write(path, &plans)?;
        ui.note(&format!(
            "saved: apply exactly this with tenantctl apply {}",
            path.display()
        ));
    }
    let changes = plans.iter().any(|plan| !plan.plan.is_empty());
    let ended = if plans.iter().any(|plan| plan.unread.is_some()) {
        Ended::Badly
    } else if args.scope.detailed_exitcode && changes {
        Ended::Changes
    } else {
        Ended::Well
    };
    Ok((ended, status::plans(&plans, notices.len())))
}

/// What compares the worlds: for an apply, or for adopting.
pub(super) type Compare = fn(&Desired, &Live, &Scope) -> Diff;

/// Compares and plans, cluster by cluster; what forbids all of them together is part of each.
pub(super) fn make(clusters: &Clusters, options: &Options, compare: Compare) -> Vec<ClusterPlan> {
    let mut plans = Vec::new();
    let mut diffs = Vec::new();
    for (place, member) in clusters.members.iter().enumerate() {
        let read = member.session.as_ref().zip(member.live.as_ref());
        let (plan, diff) = match read.filter(|_| member.lost.is_none()) {
            Some((Session { desired, .. }, live)) => pure_part("comparing and planning", || {
                let diff = compare(desired, live, &options.scope());
                (plan::build(desired, live, &diff, options), Some((live, diff)))
            }),
            None => {
                let because = member.lost.as_deref().unwrap_or_default();
                let name = &member.cluster.name;
                let plan = plan::unread(name, &member.workspace, &member.tenants, because, options);
                (plan, None)
            }
        };
        plans.push(ClusterPlan {
            cluster: clusters.label(place),
            unread: member.lost.clone(),
            plan,
        });
        diffs.push(diff);
    }
    plan::guard_together(&mut plans, &diffs, options.max_removals);
    plans
}

/// Prints plans as asked.
pub(super) fn show(plans: &[ClusterPlan], notices: &[LocatedDiagnostic], json: bool, ui: &Ui) {
    if json {
        ui.data(&format!("{:#}\n", report::several::plan_json(plans, notices)));
    } else {
        ui.data(&report::several::plan(plans, ui.style()));
    }
}

impl ScopeArgs {
    pub(super) fn opening<'a>(&self, directory: &'a Path) -> Opening<'a> {
        Opening {
            directory,
            reader: None,
            parallelism: usize::from(self.parallelism),
            shallow: self.shallow,
        }
    }

    pub(super) fn selection<'a>(&'a self, opening: Opening<'a>) -> Selection<'a> {
        Selection {
            files: &self.files,
            clusters: &self.clusters.clusters,
            tenants: &self.tenants,
            opening,
        }
    }

    /// What steers the plans, once it is known who the tenants are; brief ones are for people only.
    pub(super) fn options(&self, clusters: &Clusters, brief: bool) -> Result<Options, Failure> {
        Ok(Options {
            only: clusters.only(&self.tenants)?,
            max_removals: self.max_removals,
            mode: self.mode,
            brief,
        })
    }
}
