//! The only printer: data to stdout, everything else to stderr.
#![expect(clippy::print_stderr, reason = "the one place that prints")]

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::apply::{Outcome, Progress};
use crate::plan::Step;
use crate::report::{printable, text};

/// Where and how to write.
pub(super) struct Ui {
    pub(super) color: bool,
    pub(super) quiet: bool,
    pub(super) verbose: u8,
}

impl Ui {
    pub(super) fn new(no_color: bool, quiet: bool, verbose: u8) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            color: !no_color && wanted && std::io::stdout().is_terminal(),
            quiet,
            verbose,
        }
    }

    pub(super) fn style(&self) -> text::Style {
        text::Style {
            color: self.color,
            verbose: self.verbose > 0,
        }
    }

    pub(super) fn diagnostics(&self) -> crate::diag::Style {
        let color = self.color && std::io::stderr().is_terminal();
        crate::diag::Style {
            color,
            ..crate::diag::Style::default()
        }
    }

    /// Data. A reader that has gone away (`| head`) is no error.
    pub(super) fn data(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// The same, as others made it.
    pub(super) fn bytes(&self, data: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(data).and_then(|()| out.flush());
    }

    /// Something worth knowing.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Something wrong.
    pub(super) fn complain(&self, text: &str) {
        eprintln!("{}", text.trim_end());
    }

    /// Asks, and takes nothing but `yes` for it.
    pub(super) fn ask(&self, question: &str) -> bool {
        eprint!("{question} Only \"yes\" is taken for it: ");
        let _ = std::io::stderr().flush();
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    }

    pub(super) fn progress(&self, steps: usize) -> Meter {
        if self.quiet {
            return Meter::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Meter::Lines(Mutex::new((0, steps)));
        }
        let bar = ProgressBar::new(steps as u64);
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Meter::Bar(bar)
    }
}

/// Shows an apply going on.
pub(super) enum Meter {
    Silent,
    Lines(Mutex<(usize, usize)>),
    Bar(ProgressBar),
}

impl Meter {
    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Meter {
    fn ended(&self, step: &Step, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Done => "done",
            Outcome::Failed(_) => "FAILED",
            Outcome::Skipped => "skipped",
            Outcome::Interrupted => "not started",
        };
        let line = printable(&format!("{word} {}", step.address));
        match self {
            Self::Silent => {}
            Self::Lines(count) => {
                let mut count = count.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                count.0 += 1;
                eprintln!("[{}/{}] {line}", count.0, count.1);
            }
            Self::Bar(bar) => {
                bar.set_message(line);
                bar.inc(1);
            }
        }
    }
}
