//! The only printer: data to stdout, everything else to stderr.
#![expect(clippy::print_stderr, reason = "the one place that prints")]

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::ValueEnum;

use crate::diag::{Diagnostics, LocatedDiagnostic, Severity, SourceMap};
use crate::report::{printable, text};

/// Where and how to write.
#[derive(Clone)]
pub(super) struct Ui {
    pub(super) color: bool,
    pub(super) quiet: bool,
    pub(super) verbose: u8,
    /// Standard error is a terminal on which something may move.
    pub(super) terminal: bool,
    format: LogFormat,
    /// What became of the output so far; shared by clones.
    written: Arc<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    /// Whether there was any data.
    data: bool,
    /// What was wrong.
    diagnostics: Vec<LocatedDiagnostic>,
}

/// How standard error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Ui {
    pub(super) fn new(no_color: bool, quiet: bool, verbose: u8, format: LogFormat) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let terminal = std::io::stderr().is_terminal();
        Self {
            color: !no_color && wanted && std::io::stdout().is_terminal(),
            quiet,
            verbose,
            // What is logged line by line would tear a bar apart.
            terminal: terminal && verbose == 0 && format == LogFormat::Text,
            format,
            written: Arc::default(),
        }
    }

    /// The same, without notes.
    pub(super) fn quieted(&self) -> Self {
        Self {
            quiet: true,
            ..self.clone()
        }
    }

    /// Starts the log: only what this program itself says. The libraries' own logs show requests, and requests hold
    /// secrets.
    pub(super) fn start_log(&self, timings: bool) {
        let level = match self.verbose {
            0 => "warn",
            1 => "info",
            _ => "debug",
        };
        let notes = if self.quiet { "error" } else { "info" };
        let times = if timings { "info" } else { level };
        let filter = format!("off,tenantctl={level},tenantctl::ui={notes},tenantctl::time={times}");
        let log = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_writer(std::io::stderr)
            .with_ansi(false);
        let _ = match self.format {
            LogFormat::Text => log.without_time().try_init(),
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        };
    }

    pub(super) fn style(&self) -> text::Style {
        text::Style {
            color: self.color,
            verbose: self.verbose > 0,
        }
    }

    /// Data. A reader that has gone away (`| head`) is no error.
    pub(super) fn data(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// The same, as others made it.
    pub(super) fn bytes(&self, data: &[u8]) {
        self.written().data = true;
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(data).and_then(|()| out.flush());
    }

    /// Something worth knowing.
    pub(super) fn note(&self, text: &str) {
        match self.format {
            LogFormat::Json => tracing::info!(target: "tenantctl::ui", "{text}"),
            LogFormat::Text if self.quiet => {}
            LogFormat::Text => eprintln!("{}", printable(text)),
        }
    }

    /// Something wrong.
    pub(super) fn complain(&self, text: &str) {
        match self.format {
            LogFormat::Json => tracing::error!(target: "tenantctl::ui", "{}", text.trim_end()),
            LogFormat::Text => eprintln!("{}", text.trim_end()),
        }
    }

    /// With `--json`, whoever reads gets one document however it ends: one that failed before it had any says why.
    pub(super) fn failed_as_json(&self) {
        let Written { data, diagnostics } = std::mem::take(&mut *self.written());
        if !data {
            let document =
                serde_json::json!({ "format_version": crate::plan::FORMAT, "diagnostics": diagnostics });
            self.data(&format!("{document:#}\n"));
        }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong, with its place in the files if it has one.
    pub(super) fn diagnose(&self, diagnostics: &Diagnostics, sources: &SourceMap) {
        self.written().diagnostics.extend(diagnostics.located(sources));
        match self.format {
            LogFormat::Json => diagnostics.located(sources).iter().for_each(log),
            LogFormat::Text => {
                let style = crate::diag::Style {
                    color: self.color && std::io::stderr().is_terminal(),
                    ..crate::diag::Style::default()
                };
                eprintln!("{}\n", diagnostics.render(sources, style).trim_end());
            }
        }
    }

    /// Asks, and takes nothing but `yes` for it.
    pub(super) fn ask(&self, question: &str) -> bool {
        eprint!("{question} Only \"yes\" is taken for it: ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    }
}

/// One finding as one object.
fn log(found: &LocatedDiagnostic) {
    let LocatedDiagnostic {
        severity,
        code,
        message,
        file,
        line,
        column,
        cause,
        help,
        // For programs that show sources; a line of a log has its place.
        excerpt: _,
        related: _,
    } = found;
    let (file, cause, help) = (file.as_deref(), cause.as_deref(), help.as_deref());
    match severity {
        Severity::Error => {
            tracing::error!(target: "tenantctl::ui", code, file, line, column, cause, help, "{message}");
        }
        Severity::Warning => {
            tracing::warn!(target: "tenantctl::ui", code, file, line, column, cause, help, "{message}");
        }
    }
}
