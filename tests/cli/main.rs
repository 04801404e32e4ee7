//! The command line without any server: help, completions, manual pages, and what `init` writes.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod help;
mod init;
mod packaging;

use std::process::{Command, Stdio};

/// How a run of the binary ended.
#[derive(Debug)]
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs the binary without a terminal, and as wide as the widest help.
fn tenantctl(arguments: &[&str]) -> Run {
    run(Command::new(env!("CARGO_BIN_EXE_tenantctl")).args(arguments))
}

fn run(command: &mut Command) -> Run {
    let output = command
        .stdin(Stdio::null())
        .env("COLUMNS", "100")
        .env_remove("TENANTCTL_READER")
        .output()
        .unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
