//! From the process's arguments to its exit code.

use std::process::ExitCode;

use clap::FromArgMatches as _;

use super::ui::Ui;
use super::{Cli, Ended, args, help};
use crate::apply::ApplyError;
use crate::live::ReadError;
use crate::live::aws::AwsError;
use crate::plan::file::FileError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    File(#[from] FileError),
    /// What, where, what next, in one sentence.
    #[error("{0}")]
    Said(String),
    /// It was shown with its place in the file.
    #[error("the tenants file has errors")]
    Shown,
}

/// Runs the command line; the whole of the binary.
pub fn main() -> ExitCode {
    let arguments = args::terraform_style(std::env::args());
    let parsed = help::command().try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and versions to stdout, errors to stderr; 1 is what a wrong command line exits with.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    trace(cli.verbose);
    let ui = Ui::new(cli.no_color, cli.quiet, cli.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.complain(&format!("error: no threads to run on: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(super::run(cli, &ui));
    // A resolver thread that still waits must not hold the exit up.
    runtime.shutdown_background();
    match ended {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Changes | Ended::Findings) => ExitCode::from(2),
        Ok(Ended::Badly) => ExitCode::FAILURE,
        Ok(Ended::Code(code)) => ExitCode::from(code),
        Err(Failure::Shown) => ExitCode::FAILURE,
        Err(failure) => {
            ui.complain(&format!(
                "error: {}",
                crate::report::printable(&failure.to_string())
            ));
            ExitCode::FAILURE
        }
    }
}

/// Underneath: only what this program itself says. The libraries' own logs show requests, and requests hold secrets.
fn trace(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("off,tenantctl={level}"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time()
        .try_init();
}

/// Leaves at once, for the second interrupt.
#[expect(clippy::exit, reason = "somebody asked twice to stop at once")]
pub(super) fn at_once() -> ! {
    std::process::exit(130)
}
