//! `import`: a tenants file from what lives, or from a Terraform state. It changes nothing, and overwrites no file.

mod base;
mod from_state;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use self::base::Base;
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs, session};
use crate::desired::Desired;
use crate::diff::{self, Mode, Scope};
use crate::import::{Draft, Found, draft};
use crate::live::aws::Aws;
use crate::live::connect::Connector;
use crate::live::{self, Live, ReadRequest, iam, rds};
use crate::model::ClusterFacts;
use crate::plan::file;
use crate::report;

/// Write a tenants file from what lives on the cluster and in IAM, or from a Terraform state
///
/// It changes nothing, and planning what it wrote changes nothing. What a file cannot say stands in a comment. Afterwards
/// it names what tenantctl would do differently, once it has adopted what it found.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl import --out tenants.hcl
  $ tenantctl import --identifier prod-tenants --region eu-central-1 > tenants.hcl
  $ tenantctl import --from-tfstate terraform.tfstate --out tenants.hcl")]
pub(super) struct ImportArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Write to this file, which must not exist yet; default: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read a Terraform state (terraform state pull) instead of the cluster, without any network; repeatable
    #[arg(long, value_name = "FILE")]
    from_tfstate: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How many databases are looked into at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
}

// The cluster, where no file of the directory names it.
#[derive(Debug, Args)]
struct ClusterArgs {
    /// The RDS cluster identifier; the configuration directory is not read then
    #[arg(long, value_name = "ID", conflicts_with = "files")]
    identifier: Option<String>,
    /// Its region
    #[arg(long, value_name = "REGION", requires = "identifier")]
    region: Option<String>,
    /// Where to connect instead of its own endpoint
    #[arg(long, value_name = "HOST:PORT", requires = "identifier")]
    endpoint: Option<String>,
    /// disable, require, verify-ca or verify-full (default)
    #[arg(long, value_name = "MODE", requires = "identifier")]
    sslmode: Option<String>,
    /// Roots that replace the built-in ones
    #[arg(long, value_name = "FILE", requires = "identifier")]
    sslrootcert: Option<String>,
    /// The admin's login role; default: the master user
    #[arg(long, value_name = "ROLE", requires = "identifier")]
    username: Option<String>,
    /// The database to connect to; default: postgres
    #[arg(long, value_name = "DATABASE", requires = "identifier")]
    database: Option<String>,
    /// How the admin logs in: password (default), iam or secret
    #[arg(long, value_name = "HOW", requires = "identifier")]
    auth: Option<String>,
}

pub(super) async fn run(directory: &Path, args: &ImportArgs, ui: &Ui) -> Result<Ended, Failure> {
    if let Some(path) = &args.out {
        file::directory_of(path)?;
        if path.exists() {
            return Err(Failure::Said(format!(
                "{} exists, and import overwrites nothing: name another file, or move it away",
                path.display()
            )));
        }
    }
    if !args.from_tfstate.is_empty() {
        return from_state::run(directory, args, ui);
    }
    let base = Base::of(directory, args, ui)?;
    let reach = reach(&base, ui).await?;
    let account = iam::account::read(&reach.aws).await?;
    let known = base.known();
    let found = |live| Found {
        live,
        account: &account,
        facts: &reach.facts,
        capabilities: base.capabilities,
        admin: &reach.admin,
        admin_database: &base.cluster.admin.database,
        workspace: &base.config.workspace,
        naming: base.naming(),
        known: &known,
    };
    // First who the tenants are, then what is inside their databases and no others.
    let live = read(&reach, &shallow_request(&base)).await?;
    let first = base.settle(&reach.facts, draft(&found(&live)), ui)?;
    let parallelism = usize::from(args.parallelism);
    let request = session::request(&first.desired, &base.cluster, parallelism, false);
    let live = read(&reach, &request).await?;
    let settled = base.settle(&reach.facts, draft(&found(&live)), ui)?;
    deliver(args, &settled.text, ui)?;
    explain(&settled.draft, &settled.desired, &live, ui);
    Ok(Ended::Well)
}

/// A way in.
struct Reach {
    aws: Aws,
    connector: Connector,
    facts: ClusterFacts,
    admin: String,
}

async fn reach(base: &Base<'_>, ui: &Ui) -> Result<Reach, Failure> {
    let cluster = &base.cluster;
    let aws = Aws::load(cluster.region.as_deref(), None).await;
    let discovery = rds::discover(&aws, &cluster.identifier.value).await?;
    for note in &discovery.notes {
        ui.note(note);
    }
    let facts = discovery.facts;
    let admin = cluster.admin.username.clone();
    let admin = admin.unwrap_or_else(|| facts.master_username.clone());
    let connector = session::connector(cluster, &facts, &admin, &session::actor()).await?;
    Ok(Reach {
        aws,
        connector,
        facts,
        admin,
    })
}

async fn read(reach: &Reach, request: &ReadRequest) -> Result<Live, Failure> {
    Ok(live::read(&reach.aws, &reach.connector, request).await?)
}

/// The shared catalogs and the ledger.
fn shallow_request(base: &Base<'_>) -> ReadRequest {
    ReadRequest {
        workspace: base.config.workspace.as_str().into(),
        iam_users: BTreeSet::new(),
        iam_roles: BTreeSet::new(),
        keys_of: BTreeSet::new(),
        roles: BTreeSet::new(),
        databases: BTreeSet::new(),
        only_databases: None,
        shallow: true,
        admin: None,
        admin_database: base.cluster.admin.database.clone(),
        parallelism: 1,
    }
}

fn deliver(args: &ImportArgs, text: &str, ui: &Ui) -> Result<(), Failure> {
    let Some(path) = &args.out else {
        ui.data(text);
        return Ok(());
    };
    file::write_new(path, text)?;
    ui.note(&format!("written: {}", path.display()));
    Ok(())
}

/// What was found, what the file will mean, and what to do next.
fn explain(draft: &Draft, desired: &Desired, live: &Live, ui: &Ui) {
    ui.note(&counts(draft));
    let plan = diff::diff(desired, live, &Scope::default());
    if !plan.changes.is_empty() {
        ui.note("Planning this file would change what is not as its last apply left it:");
        list(&report::import::differences(&plan), ui);
    }
    let adopting = diff::adopt(desired, live, &Scope::default());
    if adopting.changes.is_empty() {
        return;
    }
    ui.note("Nothing of this is tenantctl's yet. What next:");
    ui.note("  tenantctl plan           says \"No changes\": what bears no mark is held");
    ui.note("  tenantctl adopt --all    puts the mark on it, and changes nothing else");
    let scope = Scope::default().in_mode(Mode::Adopt);
    let adopted = diff::seen(desired, live, &scope);
    let then = diff::diff(desired, &adopted, &Scope::default());
    let differences = report::import::differences(&then);
    if differences.is_empty() {
        ui.note("  tenantctl plan           still says \"No changes\"");
    } else {
        ui.note("  tenantctl plan           then shows what differs from what tenantctl sets up:");
        list(&differences, ui);
        ui.note("  --mode additive leaves out of that whatever takes something away.");
    }
}

fn list(differences: &[String], ui: &Ui) {
    for line in differences {
        ui.note(&format!("    {line}"));
    }
}

fn counts(draft: &Draft) -> String {
    let by_iam = draft
        .tenants
        .values()
        .filter(|tenant| tenant.rds_iam_auth)
        .count();
    let databases: usize = draft.tenants.values().map(|tenant| tenant.databases.len()).sum();
    let left_out = match draft.left_out.len() {
        0 => String::new(),
        count => format!(" Not in the file, and why, says its end: {count}."),
    };
    format!(
        "{} tenants, {by_iam} by IAM and {} by password, with {databases} databases.{left_out}",
        draft.tenants.len(),
        draft.tenants.len() - by_iam
    )
}
