//! `unlock`, while somebody holds the lock, has hung, or has died.

use super::super::site::{Site, wait_until};
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{APPLY, Going, excused, one, settled, tenants};

pub const UNLOCK: Scenario = Scenario {
    name: "unlock",
    run: unlock,
};

const UNLOCK_NOW: [&str; 2] = ["unlock", "--auto-approve"];

/// A run that waits for somebody who does not let it make its database.
fn stuck(site: &Site, text: &str) -> (Going, Colleague) {
    site.tenants(text);
    let colleague = Colleague::superuser(site, "postgres");
    colleague.does("BEGIN; LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE");
    let run = Going::start(site, &APPLY);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'";
    wait_until("the run waits", || site.value("postgres", waits) != "0");
    (run, colleague)
}

fn unlock(trials: &mut Trials) {
    let site = Site::start(trials.major);
    trials.trial("nobody holds the lock", || {
        site.tenants(&one(""));
        for arguments in [&UNLOCK_NOW[..], &["unlock"]] {
            let said = site.run(arguments).ok();
            assert!(said.contains("Nobody holds the lock"), "{said}");
        }
    });
    trials.trial("a run that goes on", || {
        let (run, colleague) = stuck(&site, &one(""));
        let said = site.run(&["unlock"]).refused();
        for word in [
            "postgres_master",
            "(tenantctl ",
            "since ",
            "backend ",
            "CREATE DATABASE",
            "--auto-approve",
        ] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        let done = site.run(&UNLOCK_NOW);
        assert!(done.stdout.contains("is free"), "{done}");
        assert!(done.stderr.contains("is locked by"), "{done}");
        assert_eq!(done.code, 0);
        let run = run.end();
        assert_eq!(run.code, 1, "{run}");
        assert!(
            run.stdout.contains("the session that held the lock has ended"),
            "{run}"
        );
        colleague.does("ROLLBACK");
        settled(&site);
    });
    trials.trial("a run that was stopped, and wakes up while another works", || {
        site.tenants(&(one("") + &tenants("awake", 3)));
        let run = Going::start(&site, &APPLY).until(9);
        run.signal("-STOP");
        site.run(&UNLOCK_NOW).ok();
        // Somebody else, with another wish.
        site.tenants(&(one("") + &tenants("other", 3)));
        let other = Going::start(&site, &APPLY).until(5);
        run.signal("-CONT");
        let run = run.end();
        assert_eq!(run.code, 1, "{run}");
        // Of the calls to IAM that it was about to make, one for each tenant may still come: nothing can hold those up.
        excused(&other.end(), &["iam:"]);
        settled(&site);
        let left = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^awake' AND rolcanlogin";
        assert_eq!(site.value("postgres", left), "0", "{run}");
    });
    trials.trial("what a killed run left running", || {
        let (run, colleague) = stuck(&site, &(one("") + &tenants("killed", 1)));
        run.signal("-KILL");
        assert_eq!(run.end().code, -1);
        let said = site
            .run(&[&APPLY[..], &["--lock-timeout", "1s"]].concat())
            .refused();
        assert!(said.contains("tenantctl unlock"), "{said}");
        let done = site.run(&UNLOCK_NOW);
        assert!(
            done.stdout.contains("is free") && done.stderr.contains("CREATE DATABASE"),
            "{done}"
        );
        // The session of `unlock` itself ends a moment after its process; one of the killed run would stay until the
        // colleague lets it make its database.
        let left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tenantctl%'";
        wait_until("no session is left", || site.value("postgres", left) == "0");
        colleague.does("ROLLBACK");
        settled(&site);
    });
    trials.trial("a superuser's session", || {
        let key = tenantctl::apply::lock::key("default");
        let colleague = Colleague::superuser(&site, "postgres");
        colleague.does(&format!("SELECT pg_advisory_lock({key})"));
        let said = site.run(&UNLOCK_NOW).refused();
        assert!(
            said.contains("rdsadmin") && said.contains("SELECT pg_terminate_backend("),
            "{said}"
        );
        assert!(colleague.try_to("SELECT 1").is_ok(), "it is as it was");
        drop(colleague);
        settled(&site);
    });
}
