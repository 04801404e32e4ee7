//! Measures tenantctl beside its floor: the same statements, connections and calls, sent by the barest client. Both run on
//! the same servers in the same run, in turns, so that a figure of this machine stands beside another of this machine.

mod calls;
mod clones;
mod copies;
mod floor;
mod measure;
mod plot;
mod site;
mod storage;
mod terraform;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use self::measure::{Bench, Row, growth};
use self::terraform::Terraform;

/// Anything that ends a measurement.
pub type Failed = Box<dyn Error + Send + Sync>;

/// Times tenantctl beside its floor and prints a table.
#[derive(Debug, Parser)]
struct Arguments {
    /// Numbers of tenants
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    tenants: Vec<usize>,
    /// The version of Postgres
    #[arg(long, default_value_t = 18)]
    postgres: u16,
    /// How often each is timed at least; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The binary
    #[arg(long)]
    tenantctl: PathBuf,
    /// The directory for results.json and results.svg
    #[arg(long, value_name = "DIRECTORY", default_value = "bench")]
    out: PathBuf,
    /// Time CREATE DATABASE alone, so many times by each strategy, and nothing else
    #[arg(long, value_name = "DATABASES")]
    copies: Option<usize>,
    /// Make the databases before, as clones of the template: a first apply has no floor then. From Postgres 18 on, in a
    /// TENANTCTL_TESTBED_DATA whose file system shares blocks: XFS, or Btrfs
    #[arg(long)]
    clones: bool,
    /// A setting of the server, such as autovacuum=off
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Terraform, to run the same tenants through it
    #[arg(long, value_name = "PATH", default_value = "terraform")]
    terraform: String,
    /// The aws and postgresql providers, laid out as a file system mirror; else Terraform asks its registry
    #[arg(long, value_name = "DIRECTORY")]
    terraform_plugins: Option<String>,
    /// Exit 1 if a ratio to the floor is over its limit by a quarter
    #[arg(long)]
    check: bool,
}

/// Everything that is known about one run.
#[derive(Serialize)]
struct Results<'a> {
    machine: String,
    postgres: u16,
    rows: &'a [Row],
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let mut said = format!("bench: {error}");
            let mut cause = error.source();
            while let Some(because) = cause {
                let _ = write!(said, ": {because}");
                cause = because.source();
            }
            say(&said);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Failed> {
    print(&format!(
        "Postgres {}, all on one machine: {}\n",
        arguments.postgres,
        machine()
    ));
    if let Some(copies) = arguments.copies {
        print(&copies::table(arguments.postgres, copies)?);
        return Ok(true);
    }
    if arguments.clones && arguments.postgres < clones::SINCE {
        return Err(format!("--clones needs Postgres {} or later", clones::SINCE).into());
    }
    print(Row::head());
    let mut settings = arguments.settings.clone();
    if arguments.clones {
        let (name, value) = clones::SETTING;
        settings.push((name.to_owned(), value.to_owned()));
    }
    let bench = Bench {
        binary: &arguments.tenantctl,
        major: arguments.postgres,
        rounds: arguments.rounds,
        clones: arguments.clones,
        settings,
        show: &|rows| {
            // A run may take an hour, and be ended before its end.
            rows.last().inspect(|row| print(&row.line()));
            save(arguments, rows)
        },
        say: &say,
        terraform: Terraform {
            binary: arguments.terraform.clone(),
            plugins: arguments.terraform_plugins.clone(),
        },
    };
    let mut rows = Vec::new();
    bench.start_up(&mut rows)?;
    for &tenants in &arguments.tenants {
        bench.measure(tenants, &mut rows)?;
    }
    print("");
    if rows.iter().all(|row| row.terraform.is_none()) {
        print("Terraform was not measured.");
    }
    for line in rows.iter().filter_map(Row::by_terraform) {
        print(&line);
    }
    for (what, times) in growth(&rows) {
        print(&format!("{what}: {times:.1} times"));
    }
    for row in rows.iter().filter(|row| !row.parts.is_empty()) {
        print(&row.parts());
    }
    let over: Vec<&Row> = rows.iter().filter(|row| row.is_over()).collect();
    for row in &over {
        say(&format!("over its limit: {}", row.line()));
    }
    Ok(!arguments.check || !over.iter().any(|row| row.fails()))
}

/// `NAME=VALUE`.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is wanted")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Writes the figures and the plot.
fn save(arguments: &Arguments, rows: &[Row]) -> Result<(), Failed> {
    fs::create_dir_all(&arguments.out)?;
    let results = Results {
        machine: machine(),
        postgres: arguments.postgres,
        rows,
    };
    let path = |name| arguments.out.join(name);
    fs::write(
        path("results.json"),
        serde_json::to_string_pretty(&results)? + "\n",
    )?;
    plot::draw(&path("results.svg"), rows)
}

/// Processor, cores, memory, kernel.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned());
        value.unwrap_or_else(|| "?".to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores, {} of memory, Linux {}",
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal"),
        read("/proc/sys/kernel/osrelease").trim()
    )
}

#[expect(clippy::print_stdout, reason = "the table is what this is for")]
fn print(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "errors go to people")]
fn say(line: &str) {
    eprintln!("{line}");
}
