//! Counting trials.

use std::cell::RefCell;
use std::fmt::{Display, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// How much is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Enough to notice that something broke.
    Bounded,
    /// Everything there is.
    Full,
}

/// One line of the table.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What goes wrong, as the table says it.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(&mut Trials),
}

/// The trials of one scenario on one version of Postgres.
pub struct Trials {
    /// The version.
    pub major: u16,
    size: Size,
    tried: usize,
    converged: usize,
    violations: Vec<String>,
}

/// A broken promise more than these, and a scenario is given up: what follows says nothing new.
const ENOUGH: usize = 5;

impl Trials {
    /// All of these in the full form, in the bounded one so many of them, spread evenly, the first and the last among them.
    pub fn sample<T>(&self, all: Vec<T>, bounded: usize) -> Vec<T> {
        let count = all.len();
        if self.size == Size::Full || count <= bounded {
            return all;
        }
        let last = bounded.saturating_sub(1).max(1);
        let wanted: Vec<_> = (0..bounded).map(|n| n * (count - 1) / last).collect();
        let chosen = all.into_iter().enumerate().filter(|(n, _)| wanted.contains(n));
        chosen.map(|(_, one)| one).collect()
    }

    /// So many trials in the bounded form, so many in the full one.
    pub fn count(&self, bounded: usize, full: usize) -> usize {
        match self.size {
            Size::Bounded => bounded,
            Size::Full => full,
        }
    }

    /// One trial. It has converged when it comes back; a panic is a violation, and says which.
    pub fn trial(&mut self, what: impl Display, trial: impl FnOnce()) {
        if self.violations.len() >= ENOUGH {
            return;
        }
        self.tried += 1;
        match catch_unwind(AssertUnwindSafe(trial)) {
            Ok(()) => self.converged += 1,
            Err(_) => self.violations.push(format!("{what}: {}", last_panic())),
        }
    }
}

/// What came of a scenario on a version.
pub struct Row {
    pub scenario: &'static str,
    pub major: u16,
    pub trials: usize,
    pub converged: usize,
    pub violations: Vec<String>,
}

/// Tries all scenarios on one version, one after the other.
pub fn run_all(scenarios: &[Scenario], major: u16, size: Size) -> Vec<Row> {
    let one = |scenario: &Scenario| {
        let started = Instant::now();
        let mut trials = Trials {
            major,
            size,
            tried: 0,
            converged: 0,
            violations: Vec::new(),
        };
        // What goes wrong outside a trial, such as a server that does not start, is a violation too.
        if catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut trials))).is_err() {
            trials.violations.push(last_panic());
        }
        eprintln!(
            "torture: {} on Postgres {major}: {} of {} converged, {} violations, {} s",
            scenario.name,
            trials.converged,
            trials.tried,
            trials.violations.len(),
            started.elapsed().as_secs()
        );
        Row {
            scenario: scenario.name,
            major,
            trials: trials.tried,
            converged: trials.converged,
            violations: trials.violations,
        }
    };
    scenarios.iter().map(one).collect()
}

/// The table, as Markdown: it goes into the documentation as it is.
pub fn table(scenarios: &[Scenario], rows: &[Row]) -> String {
    let width = scenarios
        .iter()
        .map(|one| one.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut table = format!(
        "| {:width$} | Postgres | trials | converged | violations |\n",
        "scenario"
    );
    let _ = writeln!(
        table,
        "|{:-<1$}|---------:|-------:|----------:|-----------:|",
        "",
        width + 2
    );
    for scenario in scenarios {
        for row in rows.iter().filter(|row| row.scenario == scenario.name) {
            let (name, major) = (row.scenario, row.major);
            let violations = row.violations.len();
            let _ = writeln!(
                table,
                "| {name:width$} | {major:8} | {:6} | {:9} | {violations:10} |",
                row.trials, row.converged
            );
        }
    }
    let sum = |number: fn(&Row) -> usize| rows.iter().map(number).sum::<usize>();
    let (trials, converged) = (sum(|row| row.trials), sum(|row| row.converged));
    let violations = sum(|row| row.violations.len());
    let _ = write!(
        table,
        "| {:width$} | {:8} | {trials:6} | {converged:9} | {violations:10} |",
        "all", ""
    );
    table
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are kept for the table instead of being printed.
pub fn remember_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANIC.with_borrow_mut(|last| *last = panic.to_string());
    }));
}

fn last_panic() -> String {
    PANIC.with_borrow_mut(std::mem::take)
}
