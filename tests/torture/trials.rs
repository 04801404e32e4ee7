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
    /// At most so many trials of each kind.
    AtMost(usize),
    /// Everything there is.
    Full,
}

/// Something that goes wrong.
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
    scenario: &'static str,
    /// The rows of its parts, or the one row of the whole.
    rows: Vec<Row>,
    current: usize,
}

/// One line of the table.
pub struct Row {
    pub name: String,
    pub major: u16,
    pub trials: usize,
    pub converged: usize,
    pub violations: Vec<String>,
}

/// A broken promise more than these, and a scenario is given up: what follows says nothing new.
const ENOUGH: usize = 5;

impl Trials {
    /// All of these in the full form; otherwise some, spread evenly, the first and the last among them.
    pub fn sample<T>(&self, all: Vec<T>, bounded: usize) -> Vec<T> {
        let count = all.len();
        let some = self.count(bounded, count);
        if count <= some {
            return all;
        }
        let last = some.saturating_sub(1).max(1);
        let wanted: Vec<_> = (0..some).map(|n| n * (count - 1) / last).collect();
        let chosen = all.into_iter().enumerate().filter(|(n, _)| wanted.contains(n));
        chosen.map(|(_, one)| one).collect()
    }

    /// So many trials in the bounded form, so many in the full one.
    pub fn count(&self, bounded: usize, full: usize) -> usize {
        match self.size {
            Size::Bounded => bounded,
            Size::AtMost(trials) => trials.clamp(1, full),
            Size::Full => full,
        }
    }

    /// What is tried from now on is counted in a row of its own.
    pub fn part(&mut self, name: &str) {
        let name = format!("{}: {name}", self.scenario);
        let known = self.rows.iter().position(|row| row.name == name);
        self.current = known.unwrap_or_else(|| {
            self.rows.push(Row::new(name, self.major));
            self.rows.len() - 1
        });
    }

    /// One trial. It has converged when it comes back; a panic is a violation, and says which.
    pub fn trial(&mut self, what: impl Display, trial: impl FnOnce()) {
        if self.is_hopeless() {
            return;
        }
        let result = catch_unwind(AssertUnwindSafe(trial));
        let row = self.row();
        row.trials += 1;
        match result {
            Ok(()) => row.converged += 1,
            Err(_) => row.violations.push(format!("{what}: {}", last_panic())),
        }
    }

    /// So many promises were broken that more trials would say nothing new.
    pub fn is_hopeless(&self) -> bool {
        self.rows.iter().map(|row| row.violations.len()).sum::<usize>() >= ENOUGH
    }

    fn row(&mut self) -> &mut Row {
        if self.rows.is_empty() {
            self.rows.push(Row::new(self.scenario.to_owned(), self.major));
        }
        &mut self.rows[self.current]
    }
}

impl Row {
    fn new(name: String, major: u16) -> Self {
        Self {
            name,
            major,
            trials: 0,
            converged: 0,
            violations: Vec::new(),
        }
    }
}

/// Tries all scenarios on one version, one after the other.
pub fn run_all(scenarios: &[Scenario], major: u16, size: Size) -> Vec<Row> {
    let one = |scenario: &Scenario| {
        let started = Instant::now();
        let mut trials = Trials {
            major,
            size,
            scenario: scenario.name,
            rows: Vec::new(),
            current: 0,
        };
        // What goes wrong outside a trial, such as a server that does not start, is a violation too.
        if catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut trials))).is_err() {
            trials.row().violations.push(last_panic());
        }
        // A scenario that has tried nothing has shown nothing.
        trials.row();
        let sum = |number: fn(&Row) -> usize| trials.rows.iter().map(number).sum::<usize>();
        eprintln!(
            "torture: {} on Postgres {major}: {} of {} converged, {} violations, {} s",
            scenario.name,
            sum(|row| row.converged),
            sum(|row| row.trials),
            sum(|row| row.violations.len()),
            started.elapsed().as_secs()
        );
        trials.rows
    };
    scenarios.iter().flat_map(one).collect()
}

/// The table, as Markdown: it goes into the documentation as it is.
pub fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
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
    let mut line = |name: &str, major: &str, trials: usize, converged: usize, violations: usize| {
        let _ = writeln!(
            table,
            "| {name:width$} | {major:>8} | {trials:6} | {converged:9} | {violations:10} |"
        );
    };
    for row in rows {
        let major = row.major.to_string();
        line(&row.name, &major, row.trials, row.converged, row.violations.len());
    }
    let sum = |number: fn(&Row) -> usize| rows.iter().map(number).sum::<usize>();
    let violations = sum(|row| row.violations.len());
    line(
        "all",
        "",
        sum(|row| row.trials),
        sum(|row| row.converged),
        violations,
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
