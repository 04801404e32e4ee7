//! The command line: one file a command.

mod adopt;
mod apply;
mod args;
mod audit;
mod connect;
mod exit;
mod fmt;
mod interrupt;
mod plan;
mod probe;
mod session;
mod ui;
mod unlock;
mod validate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use exit::main;

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
    Validate(ValidateArgs),
    /// Bring tenants files into canonical layout; exit 3 with --check when something would change
    Fmt(fmt::FmtArgs),
    /// Show what apply would do; exit 2 with --detailed-exitcode when there is something
    Plan(PlanArgs),
    /// Plan, ask, and apply; or apply a saved plan, exactly
    Apply(ApplyArgs),
    /// Put our mark on what exists and the file names, and change nothing else
    Adopt(AdoptArgs),
    /// End the session that holds the lock, once it has been named
    Unlock(UnlockArgs),
    /// Prove that no tenant can reach another, or say who can and how; exit 2 on findings
    Audit(AuditArgs),
    /// Show each path by which a tenant reaches a database, or what is in the way
    Why(WhyArgs),
    /// Assume a tenant's role and open psql as the tenant
    Connect(ConnectArgs),
    /// Assume a tenant's role and print a login token
    Token(TokenArgs),
}

/// Which files, and with which variables.
#[derive(Debug, Args)]
struct FileArgs {
    /// A tenants file, instead of every *.hcl of the directory; repeatable
    #[arg(long = "file", value_name = "F")]
    files: Vec<PathBuf>,
    /// A variable; repeatable
    #[arg(long = "var", value_name = "K=V", value_parser = args::variable)]
    variables: Vec<(String, String)>,
    /// A file of variables; a clients list in one counts too; repeatable
    #[arg(long = "var-file", value_name = "F")]
    variable_files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct ValidateArgs {
    #[command(flatten)]
    files: FileArgs,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// What plan and apply share.
#[derive(Debug, Args)]
struct ScopeArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Exactly this tenant; repeatable
    #[arg(long = "tenant", value_name = "T")]
    tenants: Vec<String>,
    /// How many databases or tenants are worked on at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// How many tenants may lose their access; default: up to 5, or up to 20 %
    #[arg(long, value_name = "N")]
    max_removals: Option<usize>,
    /// Do not open tenant databases
    #[arg(long)]
    shallow: bool,
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// Exit 2 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// How long to wait for another apply, such as 30s or 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = args::duration)]
    lock_timeout: std::time::Duration,
}

#[derive(Debug, Args)]
struct PlanArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Markdown, for a comment on a pull request
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Save the plan, for apply
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ApplyArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// A saved plan: exactly that, or nothing if it is stale
    #[arg(value_name = "PLANFILE")]
    plan: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Do not prove isolation afterwards
    #[arg(long)]
    no_audit: bool,
}

#[derive(Debug, Args)]
struct AuditArgs {
    #[command(flatten)]
    files: FileArgs,
    /// What concerns exactly this tenant; repeatable
    #[arg(long = "tenant", value_name = "T")]
    tenants: Vec<String>,
    /// How many databases are looked into at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// Do not open databases
    #[arg(long)]
    shallow: bool,
    /// How old an access key may be, in days: 90d
    #[arg(long, value_name = "DAYS", value_parser = args::days)]
    max_key_age: Option<u32>,
    #[command(flatten)]
    probing: ProbeArgs,
    /// From which severity on findings count for the exit code: critical, high, medium or low
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = args::severity)]
    fail_on: crate::audit::Severity,
    /// One JSON document
    #[arg(long)]
    json: bool,
    /// SARIF 2.1.0, for code scanning
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
    /// Write one HTML page too, with a map of which tenant reaches which
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Real attempts.
#[derive(Debug, Args)]
struct ProbeArgs {
    /// Really try: log in as each tenant to every database, by IAM tokens that the caller may have
    #[arg(long)]
    probe: bool,
    /// Try only so many pairs of a tenant and a database, and at least one of each tenant
    #[arg(long, value_name = "N", requires = "probe")]
    probe_sample: Option<usize>,
    /// Which ones: a number that an earlier probe printed; default: others each time
    #[arg(long, value_name = "SEED", requires = "probe")]
    probe_seed: Option<u32>,
    /// New connections a second, at most
    #[arg(long, value_name = "N", default_value_t = 50, requires = "probe",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    probe_rate: u32,
}

#[derive(Debug, Args)]
struct WhyArgs {
    #[command(flatten)]
    files: FileArgs,
    /// The tenant
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// The database, by its name in the file or on the server
    #[arg(value_name = "DATABASE")]
    database: String,
    /// One JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AdoptArgs {
    #[command(flatten)]
    files: FileArgs,
    /// The tenant
    #[arg(long = "tenant", value_name = "T")]
    tenant: String,
    /// How long to wait for another apply
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = args::duration)]
    lock_timeout: std::time::Duration,
}

#[derive(Debug, Args)]
struct UnlockArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
}

/// Whose access.
#[derive(Debug, Args)]
struct AccessArgs {
    #[command(flatten)]
    files: FileArgs,
    /// The tenant
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// The AWS profile that holds the tenant's keys; default: the AWS chain of the caller
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

#[derive(Debug, Args)]
struct TokenArgs {
    #[command(flatten)]
    access: AccessArgs,
}

#[derive(Debug, Args)]
struct ConnectArgs {
    #[command(flatten)]
    access: AccessArgs,
    /// The database, by its name in the file or on the server; default: the first
    #[arg(value_name = "DB")]
    database: Option<String>,
    /// Arguments of psql
    #[arg(last = true, value_name = "PSQL ARGS")]
    psql: Vec<String>,
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
        Command::Fmt(args) => fmt::run(directory, args, ui),
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
