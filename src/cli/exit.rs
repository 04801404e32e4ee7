//! From the process's arguments to its exit code.

use std::process::ExitCode;

use clap::{ArgMatches, FromArgMatches as _};

use super::ui::Ui;
use super::{Cli, Ended, args, help};
use crate::apply::ApplyError;
use crate::diag::{Diagnostic, Diagnostics, Problem, SourceMap, Span};
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
    /// Something about a part of the tenants file, which is shown with it.
    #[error("{failure}")]
    Placed {
        failure: Box<Failure>,
        span: Span,
        sources: Box<SourceMap>,
    },
    /// Something about one of several clusters.
    #[error("{place}: {failure}")]
    Within { failure: Box<Failure>, place: String },
    /// It was shown with its place in the file.
    #[error("the tenants file has errors")]
    Shown,
}

impl Failure {
    /// What happened, why that usually is, and what to do next.
    fn problem(&self) -> Problem {
        match self {
            Self::Apply(error) => error.problem(),
            Self::Read(error) => error.problem(),
            Self::Aws(error) => error.problem(),
            Self::Placed { failure, .. } => failure.problem(),
            Self::Within { failure, place } => failure.problem().within(place),
            Self::File(error) => Problem::new("file", error.to_string()),
            Self::Said(_) | Self::Shown => Problem::new("failed", self.to_string()),
        }
    }

    /// The part of the file that it is about.
    fn place(&self) -> Option<(Span, &SourceMap)> {
        match self {
            Self::Placed { span, sources, .. } => Some((*span, sources)),
            Self::Within { failure, .. } => failure.place(),
            _ => None,
        }
    }

    /// Says where it happened, in front.
    pub(super) fn within(self, place: &str) -> Self {
        Self::Within {
            failure: Box::new(self),
            place: place.to_owned(),
        }
    }

    /// Shows it, unless that was done.
    pub(super) fn show(&self, ui: &Ui) {
        let diagnostic = Diagnostic::from(self.problem());
        let (diagnostic, sources) = match self {
            Self::Shown => return,
            _ => match self.place() {
                Some((span, sources)) => (diagnostic.at(span), sources.clone()),
                None => (diagnostic, SourceMap::default()),
            },
        };
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(diagnostic);
        ui.diagnose(&diagnostics, &sources);
    }
}

/// Runs the command line; the whole of the binary.
pub fn main() -> ExitCode {
    let arguments = args::terraform_style(std::env::args());
    let parsed = help::command().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, wants_json(&matches))));
    let (cli, json) = match parsed {
        Ok(parsed) => parsed,
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
    ui.start_log(cli.timings);
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
        Err(failure) => {
            failure.show(&ui);
            if json {
                ui.failed_as_json();
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether one document was asked for.
fn wants_json(matches: &ArgMatches) -> bool {
    let of_command = matches.subcommand().map(|(_, of_command)| of_command);
    of_command.is_some_and(|matches| matches!(matches.try_get_one::<bool>("json"), Ok(Some(true))))
}

/// Leaves at once, for the second interrupt.
#[expect(clippy::exit, reason = "somebody asked twice to stop at once")]
pub(super) fn at_once() -> ! {
    std::process::exit(130)
}
