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
    let ui = Ui::new(cli.no_color, cli.quiet, cli.verbose, cli.log_format);
    ui.start_log();
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

/// Leaves at once, for the second interrupt.
#[expect(clippy::exit, reason = "somebody asked twice to stop at once")]
pub(super) fn at_once() -> ! {
    std::process::exit(130)
}
