//! What a killed run leaves running. Runs killed at every moment are in tests/torture.

use std::thread;
use std::time::Duration;

use super::on_both_ends;
use super::site::{Site, wait_until};

on_both_ends!(what_a_killed_run_left_running_is_waited_for);

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
