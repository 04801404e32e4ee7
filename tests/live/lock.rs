//! Two applies at once: one works, the other waits or gives up, and says for whom.

use std::thread;
use std::time::{Duration, Instant};

use tenantctl_testbed::{Fault, MASTER};

use super::on_both_ends;
use super::site::{Site, wait_until};

on_both_ends!(
    a_run_that_lost_its_lock_asks_nothing_more_of_aws,
    whoever_comes_second_waits_or_gives_up,
    two_applies_at_once_share_the_work
);

const TENANTS: &str = "defaults {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}\n";

fn tenants(count: usize) -> String {
    TENANTS.to_owned()
        + &(0..count)
            .map(|n| format!("tenant \"client{n:02}\" {{}}\n"))
            .collect::<String>()
}

fn whoever_comes_second_waits_or_gives_up(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(1));
    let key = tenantctl::apply::lock::key("default");
    let hold = |seconds: u32| {
        format!(
            "SET application_name = 'colleague'; SELECT pg_advisory_lock({key}); SELECT pg_sleep({seconds})"
        )
    };
    let held = || {
        let query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        site.value("postgres", query) == "1"
    };
    let password = site.world.postgres.master_password();
    thread::scope(|scope| {
        let holder = |seconds| {
            let statement = hold(seconds);
            let postgres = &site.world.postgres;
            let thread =
                scope.spawn(move || postgres.sql_as(MASTER, password, "postgres", &statement).unwrap());
            wait_until("somebody holds the lock", held);
            thread
        };
        let first = holder(6);
        site.plan().ok();
        let given_up = site
            .run(&["apply", "--auto-approve", "--lock-timeout", "1s"])
            .refused();
        assert!(
            given_up.contains("locked by") && given_up.contains("colleague"),
            "{given_up}"
        );
        assert!(
            given_up.contains(MASTER) && given_up.contains("backend"),
            "{given_up}"
        );
        assert_eq!(
            site.value(
                "postgres",
                "SELECT count(*) FROM pg_roles WHERE rolname = 'client00'"
            ),
            "0"
        );
        first.join().unwrap();

        let second = holder(3);
        let waited = site.run(&["apply", "--auto-approve", "--lock-timeout=60s"]);
        assert_eq!(waited.code, 0, "{waited}");
        assert!(
            waited.stderr.contains("waiting up to") && waited.stderr.contains("colleague"),
            "{waited}"
        );
        second.join().unwrap();
    });
    site.assert_converged();

    // Workspaces do not wait for each other.
    thread::scope(|scope| {
        let statement = hold(4);
        let postgres = &site.world.postgres;
        let other = scope.spawn(move || postgres.sql_as(MASTER, password, "postgres", &statement).unwrap());
        wait_until("somebody holds the lock", held);
        site.tenants(&format!(
            "tenantctl {{ workspace = \"green\" }}\n{}",
            TENANTS.to_owned() + "tenant \"other\" {}"
        ));
        site.run(&["apply", "--auto-approve", "--lock-timeout", "1s"])
            .ok();
        other.join().unwrap();
    });
}

/// A run waits half a minute for a new user to be known. The lock may be somebody else's by then.
fn a_run_that_lost_its_lock_asks_nothing_more_of_aws(major: u16) {
    let site = Site::start(major);
    site.tenants("tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n}");
    site.world.proxy.inject(Fault::Error {
        action: "PutUserPolicy".into(),
        code: "NoSuchEntity".into(),
        message: "The user with name client01 cannot be found.".into(),
        status: 404,
        times: 1000,
    });
    let asked = || {
        site.world
            .proxy
            .counts()
            .get("PutUserPolicy")
            .copied()
            .unwrap_or_default()
    };
    let run = site.spawn(&["apply", "--auto-approve"]);
    wait_until("it waits for IAM", || asked() > 1);
    let key = tenantctl::apply::lock::key("default");
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted \
         AND ((classid::int8 << 32) | objid::int8) = {key}"
    );
    site.sql("postgres", &end);
    let ended = Instant::now();
    let output = run.wait_with_output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("lock"), "{errors}");
    assert!(ended.elapsed() < Duration::from_secs(8), "{:?}", ended.elapsed());
    let before = asked();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(asked(), before);
    site.world.proxy.heal();
    site.apply().ok();
    site.assert_converged();
}

fn two_applies_at_once_share_the_work(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(12));
    let arguments = ["apply", "--auto-approve", "--lock-timeout", "120s"];
    let runs = [site.spawn(&arguments), site.spawn(&arguments)];
    let mut idle = 0;
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{text}\n{errors}");
        idle += usize::from(text.contains("0 added, 0 changed, 0 destroyed"));
    }
    assert_eq!(
        idle, 1,
        "one did all of it, and the other found nothing left to do"
    );
    site.assert_converged();
}
