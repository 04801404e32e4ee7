//! What a killed run leaves running. Runs killed at every moment are in tests/torture.

use std::thread;
use std::time::Duration;

use tenantctl_testbed::Side;

use super::on_both_ends;
use super::site::{Site, wait_until};

on_both_ends!(
    what_a_killed_run_left_running_is_waited_for,
    what_a_killed_run_could_not_write_down_is_found_out
);

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

/// The change has happened, and the run died before it could say so in the ledger.
fn what_a_killed_run_could_not_write_down_is_found_out(major: u16) {
    const HERE: &str = "tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n  \
                        deletion_policy = \"delete\"\n}";
    const REMEMBERED: &str = "SELECT address ->> 'name' FROM tenantctl.object \
                              WHERE address ->> 'kind' IN ('iam_user', 'database') ORDER BY 1";
    let arguments = ["apply", "--auto-approve", "--parallelism", "1"];
    let site = Site::start(major);
    let gate = site.world.gate();
    for (before, after, change, known) in [
        ("", HERE, "CreateUser", &["client01", "client01_db1"][..]),
        (HERE, "", "DeleteUser", &[]),
        (HERE, "", "DROP DATABASE", &[]),
    ] {
        site.settle(before);
        site.tenants(after);
        gate.shut_at_first(change, Side::After);
        let mut run = site.spawn(&arguments);
        wait_until("the change has happened", || gate.is_shut());
        run.kill().unwrap();
        run.wait().unwrap();
        gate.open();
        site.apply().ok();
        site.assert_converged();
        assert_eq!(site.sql("postgres", REMEMBERED).concat(), known, "{change}");
    }
}
