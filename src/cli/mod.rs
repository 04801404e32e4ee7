//! The command line: one file a command.

mod adopt;
mod apply;
mod args;
mod audit;
mod connect;
mod exit;
mod interrupt;
mod plan;
mod probe;
mod session;
mod ui;
mod unlock;
mod validate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use exit::main;

use args::{FileArgs, ScopeArgs};

/// Reconciles the tenants of a multi-tenant Postgres: IAM, login roles, databases and grants from one file.
#[derive(Debug, Parser)]
#[command(name = "tenantctl", version, max_term_width = 100)]
struct Cli {
    /// The configuration directory
    #[arg(
        short = 'C',
        long = "chdir",
        value_name = "DIR",
        default_value = ".",
        global = true
    )]
    directory: PathBuf,
    /// No colours; also by the environment variable `NO_COLOR`
    #[arg(long, global = true)]
    no_color: bool,
    /// Only what was asked for: no progress, no notes
    #[arg(short, long, global = true)]
    quiet: bool,
    /// The exact SQL and API calls; twice, what happens underneath
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the tenants file without any network
    Validate(validate::ValidateArgs),
    /// Show what apply would do; exit 2 with --detailed-exitcode when there is something
    Plan(plan::PlanArgs),
    /// Plan, ask, and apply; or apply a saved plan, exactly
    Apply(apply::ApplyArgs),
    /// Put our mark on what exists and the file names, and change nothing else
    Adopt(adopt::AdoptArgs),
    /// End the session that holds the lock, once it has been named
    Unlock(unlock::UnlockArgs),
    /// Prove that no tenant can reach another, or say who can and how; exit 2 on findings
    Audit(audit::AuditArgs),
    /// Show each path by which a tenant reaches a database, or what is in the way
    Why(audit::WhyArgs),
    /// Assume a tenant's role and open psql as the tenant
    Connect(connect::ConnectArgs),
    /// Assume a tenant's role and print a login token
    Token(connect::TokenArgs),
}

/// How a command ended, when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Well,
    /// There are changes, and somebody asked for an exit code that says so.
    Changes,
    /// An audit found something.
    Findings,
    /// Something is wrong and was said already.
    Badly,
    /// With the code of the program that was run.
    Code(u8),
}

async fn run(cli: Cli, ui: &ui::Ui) -> Result<Ended, exit::Failure> {
    let directory = cli.directory.as_path();
    match &cli.command {
        Command::Validate(args) => validate::run(directory, args, ui),
        Command::Plan(args) => plan::run(directory, args, ui).await,
        Command::Apply(args) => apply::run(directory, args, ui).await,
        Command::Adopt(args) => adopt::run(directory, args, ui).await,
        Command::Unlock(args) => unlock::run(directory, args, ui).await,
        Command::Audit(args) => audit::run(directory, args, ui).await,
        Command::Why(args) => audit::why(directory, args, ui).await,
        Command::Connect(args) => connect::connect(directory, args, ui).await,
        Command::Token(args) => connect::token(directory, args, ui).await,
    }
}
