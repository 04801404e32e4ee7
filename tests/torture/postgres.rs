//! Postgres on a bad day.

mod colleague;
mod crowd;
mod databases;
mod locks;
mod races;
mod server;
mod unlock;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use super::site::{Run, Site};
use super::trials::Scenario;

/// The scenarios of this file, in the order of the table.
pub const SCENARIOS: &[Scenario] = &[
    server::RESTART,
    server::TERMINATED,
    server::LOCK_SESSION,
    server::SCARCE,
    crowd::CROWD,
    server::FAILOVER,
    locks::LOCKED_ROW,
    locks::NEVER_RELEASED,
    locks::CANCELLED,
    locks::CONCURRENT_GRANTS,
    databases::INVALID,
    databases::IN_USE,
    races::RACE,
    races::KILLED_HOLDER,
    unlock::UNLOCK,
];

/// Any number of removals, and no question.
const APPLY: [&str; 4] = ["apply", "--auto-approve", "--max-removals", "99"];

/// A few tenants whose data goes with them, so that leaving takes every kind of step that there is.
fn tenants(prefix: &str, count: usize) -> String {
    let mut text = String::from(
        "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n  deletion_policy = \"delete\"\n}\n",
    );
    for n in 0..count {
        let _ = writeln!(text, "tenant \"{prefix}{n}\" {{}}");
    }
    text
}

/// One tenant that logs in by password, with one database.
fn one(more: &str) -> String {
    format!("tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {more}\n}}\n")
}

/// The fault is over: the next apply finishes the work, nothing is left to do, and the ledger tells no tales.
#[track_caller]
fn settled(site: &Site) {
    site.run(&APPLY).ok();
    site.assert_converged();
    whole(site);
}

/// No step whose end nobody wrote down, and no object that is not there.
#[track_caller]
fn whole(site: &Site) {
    let open = "SELECT string_agg(s::text, '; ') FROM tenantctl.step s WHERE finished_at IS NULL";
    assert_eq!(site.value("postgres", open), "", "open steps");
    let gone = "SELECT string_agg(o::text, '; ') FROM tenantctl.object o WHERE CASE address ->> 'kind'
                WHEN 'role' THEN NOT EXISTS (SELECT FROM pg_roles WHERE oid = object_oid)
                WHEN 'database' THEN NOT EXISTS (SELECT FROM pg_database WHERE oid = object_oid) END";
    assert_eq!(
        site.value("postgres", gone),
        "",
        "the ledger has what is not there"
    );
}

/// A run that was cut short says why, and what to do.
#[track_caller]
fn excused(run: &Run, words: &[&str]) {
    assert!(run.code == 0 || run.code == 1, "{run}");
    if run.code == 1 {
        let said = run.to_string();
        assert!(words.iter().any(|word| said.contains(word)), "{run}");
    }
}

/// A run that goes on.
struct Going {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Going {
    fn start(site: &Site, arguments: &[&str]) -> Self {
        let mut child = site.spawn(arguments);
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            errors,
            said: String::new(),
        }
    }

    /// Waits until so many steps have ended, or the run has.
    fn until(mut self, steps: usize) -> Self {
        let mut ended = 0;
        while ended < steps {
            let before = self.said.len();
            if self.errors.read_line(&mut self.said).unwrap() == 0 {
                break;
            }
            ended += usize::from(self.said[before..].starts_with('['));
        }
        self
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn end(mut self) -> Run {
        self.errors.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: self.said,
        }
    }
}
