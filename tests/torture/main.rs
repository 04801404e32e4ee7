//! What a bad day does to `tenantctl`, in figures: every scenario is tried many times against real servers, and one
//! table says how often the next run put everything right, and how often a promise was broken.
//!
//! `cargo test` runs a bounded form on Postgres 15 and 18; `scripts/torture` runs all of it and explains the options.
#![expect(
    clippy::unwrap_used,
    reason = "a trial that cannot go on says where by panicking"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is what this is for"
)]

mod aws;
mod crash;
#[path = "../live/login.rs"]
mod login;
mod postgres;
#[path = "../live/site.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod site;
#[path = "../live/state_of.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod state_of;
mod trials;

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use trials::{Row, Scenario, Size};

/// Every scenario, in the order of the table.
fn scenarios() -> Vec<Scenario> {
    [aws::SCENARIOS, crash::SCENARIOS, postgres::SCENARIOS].concat()
}

struct Arguments {
    size: Size,
    majors: Vec<u16>,
    only: Vec<String>,
    /// Of `cargo test`, for the tests of all targets: it may well fit none of ours.
    filters: Vec<String>,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments {
        size: Size::Bounded,
        majors: Vec::new(),
        only: Vec::new(),
        filters: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--full" => arguments.size = Size::Full,
            "--trials" => {
                let trials = words.next().and_then(|trials| trials.parse().ok());
                arguments.size = Size::AtMost(trials.ok_or("--trials needs a number")?);
            }
            "--postgres" => {
                let major = words.next().and_then(|major| major.parse().ok());
                arguments
                    .majors
                    .push(major.ok_or("--postgres needs a major version")?);
            }
            "--only" => arguments
                .only
                .push(words.next().ok_or("--only needs a part of a name")?),
            // What `cargo test` hands to every target.
            "--nocapture" | "--no-capture" | "-q" | "--quiet" => {}
            option if option.starts_with('-') => return Err(format!("{option} is no option of this")),
            filter => arguments.filters.push(filter.to_owned()),
        }
    }
    if arguments.majors.is_empty() {
        arguments.majors = vec![15, 18];
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("torture: {why}");
            return ExitCode::from(2);
        }
    };
    let fits = |parts: &[String], scenario: &Scenario| {
        parts.is_empty() || parts.iter().any(|part| scenario.name.contains(part.as_str()))
    };
    let mut scenarios = scenarios();
    scenarios.retain(|scenario| fits(&arguments.filters, scenario));
    if scenarios.is_empty() {
        return ExitCode::SUCCESS;
    }
    scenarios.retain(|scenario| fits(&arguments.only, scenario));
    trials::remember_panics();
    let started = Instant::now();
    // Each version has servers of its own, so they need not wait for each other.
    let mut rows: Vec<Row> = thread::scope(|scope| {
        let threads: Vec<_> = arguments
            .majors
            .iter()
            .map(|major| scope.spawn(|| trials::run_all(&scenarios, *major, arguments.size)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    rows.sort_by_key(|row| names.iter().position(|name| *name == row.name));
    println!("{}", trials::table(&rows));
    println!("in {} s", started.elapsed().as_secs());
    for row in &rows {
        for violation in &row.violations {
            println!(
                "\nVIOLATION in {} on Postgres {}: {violation}",
                row.name, row.major
            );
        }
    }
    // A name that fits nothing, or a scenario that tried nothing, has shown nothing.
    let shown = !rows.is_empty() && rows.iter().all(|row| row.trials > 0);
    let held = rows
        .iter()
        .all(|row| row.violations.is_empty() && row.converged == row.trials);
    if shown && held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
