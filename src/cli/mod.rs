//! The command line: one file a command.

mod adopt;
mod apply;
mod args;
mod audit;
mod carry_out;
mod clusters;
mod completions;
mod connect;
mod exit;
mod fmt;
mod help;
mod history;
mod iam_policy;
mod import;
mod init;
mod interrupt;
mod man;
mod plan;
mod probe;
mod progress;
#[cfg(test)]
mod reference;
mod schema;
mod session;
mod ui;
mod unlock;
mod validate;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use exit::main;

use args::{FileArgs, ScopeArgs};

/// Keeps the tenants of a multi-tenant Postgres in step with one file
///
/// Each tenant's IAM user and role, login role, databases and grants: compared with what lives in AWS and in Postgres,
/// shown as a plan, and applied exactly so.
#[derive(Debug, Parser)]
#[command(name = "tenantctl", version, max_term_width = 100)]
#[command(next_help_heading = "Options of every command")]
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
    ///
    /// There are none either where standard output is no terminal.
    #[arg(long, global = true)]
    no_color: bool,
    /// Only what was asked for: no progress, no notes, no warnings about the file
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Every SQL statement and API call, with how long it took; twice, what happens underneath
    ///
    /// In a plan: the statements and calls of every step. No secret is shown.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// How long each part of the run took
    #[arg(long, global = true)]
    timings: bool,
    /// How standard error is written: `text` for people, or `json`, one object a line
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    log_format: ui::LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Fmt(fmt::FmtArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Adopt(adopt::AdoptArgs),
    Import(import::ImportArgs),
    Unlock(unlock::UnlockArgs),
    Audit(audit::AuditArgs),
    Why(audit::WhyArgs),
    History(history::HistoryArgs),
    IamPolicy(iam_policy::IamPolicyArgs),
    Schema(schema::SchemaArgs),
    Connect(connect::ConnectArgs),
    Token(connect::TokenArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
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
        Command::Init(args) => init::run(directory, args, ui),
        Command::Validate(args) => validate::run(directory, args, ui),
        Command::Fmt(args) => fmt::run(directory, args, ui),
        Command::Plan(args) => plan::run(directory, args, ui).await,
        Command::Apply(args) => apply::run(directory, args, ui).await,
        Command::Adopt(args) => adopt::run(directory, args, ui).await,
        Command::Import(args) => import::run(directory, args, ui).await,
        Command::Unlock(args) => unlock::run(directory, args, ui).await,
        Command::Audit(args) => audit::run(directory, args, ui).await,
        Command::Why(args) => audit::why(directory, args, ui).await,
        Command::History(args) => history::run(directory, args, ui).await,
        Command::IamPolicy(args) => iam_policy::run(directory, args, ui),
        Command::Schema(args) => schema::run(args, ui),
        Command::Connect(args) => connect::connect(directory, args, ui).await,
        Command::Token(args) => connect::token(directory, args, ui).await,
        Command::Completions(args) => Ok(completions::run(args, ui)),
        Command::Man(args) => man::run(args, ui),
    }
}
