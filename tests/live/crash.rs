//! Runs that are killed, at any moment: the next one finishes their work, and nothing is lost or left over.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::login::Recipient;
use super::site::{Site, wait_until};
use super::{on_both_ends, state_of};

on_both_ends!(
    a_run_killed_anywhere_is_finished_by_the_next,
    what_a_killed_run_left_running_is_waited_for
);

/// After how many finished steps a run is killed: in each phase at least once, for three tenants of one database each.
const KILLED_AFTER: [usize; 9] = [0, 3, 7, 12, 17, 22, 26, 30, 33];

/// Applies, and kills the process with no chance to clean up once so many steps have ended.
fn kill_after(site: &Site, steps: usize) {
    let mut command = site.command(&["apply", "--auto-approve", "--max-removals", "9"]);
    let mut run = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(run.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let ended = lines.filter(|line| line.starts_with('[')).take(steps).count();
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(ended <= steps);
}

fn a_run_killed_anywhere_is_finished_by_the_next(major: u16) {
    let site = Site::start(major);
    let recipient = Recipient::new();
    let defaults = format!(
        "defaults {{\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n  deletion_policy = \"delete\"\n  {}\n}}\n",
        recipient.block()
    );
    for (round, steps) in KILLED_AFTER.into_iter().enumerate() {
        let tenants = format!(
            "{defaults}tenant \"a{round}\" {{}}\ntenant \"b{round}\" {{}}\ntenant \"c{round}\" {{ rds_iam_auth = false }}\n"
        );
        site.tenants(&tenants);
        kill_after(&site, steps);
        site.apply().ok();
        site.assert_converged();
        for name in ["a", "b"] {
            let user = format!("{name}{round}");
            let handed_over = recipient.key(&site, &user).id;
            let only = [(handed_over, "Active".to_owned())];
            assert_eq!(
                state_of::keys(&site, &user),
                only,
                "one key, and its holder has it"
            );
        }
        site.tenants(&defaults);
        kill_after(&site, steps / 2);
        site.run(&["apply", "--auto-approve", "--max-removals", "9"]).ok();
        site.assert_converged();
        let left =
            format!("SELECT count(*) FROM pg_roles WHERE rolname IN ('a{round}', 'b{round}', 'c{round}')");
        assert_eq!(site.value("postgres", &left), "0", "round {round}");
    }
}

/// The server goes on with a statement whose client is gone. A run that did not wait for it would see no database,
/// and then one that nobody explains.
fn what_a_killed_run_left_running_is_waited_for(major: u16) {
    let site = Site::start(major);
    site.tenants("tenant \"client01\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}");
    thread::scope(|scope| {
        let postgres = &site.world.postgres;
        let nobody_creates = "BEGIN; LOCK TABLE pg_database IN SHARE MODE; SELECT pg_sleep(60)";
        // Ends with an error when it is no longer needed.
        let blocking = scope.spawn(move || postgres.sql("postgres", nobody_creates).is_err());
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'";
        let mut run = site.spawn(&["apply", "--auto-approve"]);
        wait_until("CREATE DATABASE waits", || site.value("postgres", waits) == "1");
        run.kill().unwrap();
        run.wait().unwrap();
        let next = scope.spawn(|| site.apply());
        // Long enough to read, plan and get to its own CREATE DATABASE, which would be one too many.
        thread::sleep(Duration::from_secs(4));
        let after = site.value("postgres", waits);
        let free =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK TABLE%'";
        site.sql("postgres", free);
        assert!(blocking.join().unwrap());
        next.join().unwrap().ok();
        assert_eq!(
            after, "1",
            "its backend goes on without it, and nobody else creates"
        );
    });
    site.assert_converged();
}
