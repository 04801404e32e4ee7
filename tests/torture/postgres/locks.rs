//! Somebody else is in the way: an open transaction, a cancelled statement, grants in a loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::site::{Site, wait_until};
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{APPLY, Going, one, settled, whole};

pub const LOCKED_ROW: Scenario = Scenario {
    name: "a catalog row locked, then released",
    run: locked_row,
};
pub const NEVER_RELEASED: Scenario = Scenario {
    name: "a catalog row locked, not released",
    run: never_released,
};
pub const CANCELLED: Scenario = Scenario {
    name: "a step's statement times out",
    run: cancelled,
};
pub const CONCURRENT_GRANTS: Scenario = Scenario {
    name: "others grant on the same rows in a loop",
    run: concurrent_grants,
};

const WAITS: &str = "SELECT count(*) > 0 FROM pg_stat_activity
                     WHERE application_name LIKE 'tenantctl%' AND wait_event_type = 'Lock'";

fn site(trials: &Trials) -> Site {
    let site = Site::start(trials.major);
    site.tenants(&one(""));
    site.run(&APPLY).ok();
    site
}

/// What somebody does to a row of ours, and an edit that has to change the same row.
const ROWS: [(&str, &str); 4] = [
    ("ALTER ROLE client01 VALID UNTIL 'infinity'", "connection_limit"),
    ("ALTER DATABASE client01_db1 CONNECTION LIMIT 50", "databases"),
    (
        "GRANT CONNECT ON DATABASE client01_db1 TO rds_password",
        "databases",
    ),
    ("LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE", "databases"),
];

/// Another edit each time.
fn edited(kind: &str, round: usize) -> String {
    match kind {
        "connection_limit" => one(&format!("connection_limit = {}", 20 + round)),
        _ => with_or_without(round, ""),
    }
}

/// What the tenant may open changes from time to time.
fn with_or_without(round: usize, more: &str) -> String {
    let databases = if round.is_multiple_of(2) {
        "{ db1 = false }"
    } else {
        "[\"db1\"]"
    };
    one(more).replace("[\"db1\"]", databases)
}

fn locked_row(trials: &mut Trials) {
    let site = site(trials);
    let ends = ["COMMIT", "ROLLBACK"];
    let all: Vec<_> = ROWS.iter().flat_map(|row| ends.map(|end| (*row, end))).collect();
    for (round, ((statement, kind), end)) in trials.sample(all, 3).into_iter().enumerate() {
        trials.trial(format_args!("{statement}; {end}"), || {
            // From a settled state, whatever the trials before have asked for.
            site.tenants(&edited(kind, round + 1));
            site.run(&APPLY).ok();
            let colleague = Colleague::superuser(&site, "postgres");
            colleague.does(&format!("BEGIN; {statement}"));
            site.tenants(&edited(kind, round));
            let run = Going::start(&site, &APPLY);
            wait_until("the apply waits", || site.value("postgres", WAITS) == "t");
            colleague.does(end);
            run.end().ok();
            site.assert_converged();
            whole(&site);
        });
    }
}

/// Fails after its patience with the name of who is in the way, and nobody else's tenant fails with it.
fn never_released(trials: &mut Trials) {
    let site = site(trials);
    for (statement, kind) in trials.sample(ROWS.to_vec(), 1) {
        trials.trial(statement, || {
            site.tenants(&edited(kind, 1));
            site.run(&APPLY).ok();
            let colleague = Colleague::superuser(&site, "postgres");
            colleague.does(&format!("BEGIN; {statement}"));
            let other = "tenant \"other\" {\n  databases = []\n  rds_iam_auth = false\n}\n";
            site.tenants(&format!("{}{other}", edited(kind, 2)));
            let run = site.run(&APPLY);
            assert_eq!(run.code, 1, "{run}");
            for word in [
                "55P03",
                "In the way: role \"rdsadmin\" (colleague)",
                "idle in transaction",
                "since",
                "pg_terminate_backend(",
            ] {
                assert!(run.stdout.contains(word), "no {word}: {run}");
            }
            let other = "SELECT count(*) FROM pg_roles WHERE rolname = 'other'";
            assert_eq!(site.value("postgres", other), "1", "{run}");
            // The statement it names is the one that helps.
            let call = run.stdout.split("SELECT pg_terminate_backend(").nth(1).unwrap();
            let pid = call.split(')').next().unwrap();
            site.sql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
            drop(colleague);
            settled(&site);
        });
    }
}

fn cancelled(trials: &mut Trials) {
    let site = site(trials);
    for round in 0..trials.count(1, 4) {
        trials.trial(format_args!("round {round}"), || {
            let colleague = Colleague::superuser(&site, "postgres");
            colleague.does("BEGIN; LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE");
            let new = one("").replace("client01", &format!("new{round}"));
            site.tenants(&(one("") + &new));
            let run = Going::start(&site, &APPLY);
            wait_until("the apply waits", || site.value("postgres", WAITS) == "t");
            // What statement_timeout does after five minutes, now.
            let cancel =
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%'";
            wait_until("a step is cancelled", || !site.sql("postgres", cancel).is_empty());
            let run = run.end();
            assert_eq!(run.code, 1, "{run}");
            let step = format!("failed: new{round}: database.new{round}_db1");
            for word in [step.as_str(), "57014", "it took longer", "Apply again"] {
                assert!(run.stdout.contains(word), "no {word}: {run}");
            }
            colleague.does("ROLLBACK");
            settled(&site);
        });
    }
}

fn concurrent_grants(trials: &mut Trials) {
    let site = site(trials);
    for round in 0..trials.count(1, 10) {
        trials.trial(format_args!("round {round}"), || {
            let over = AtomicBool::new(false);
            site.tenants(&with_or_without(
                round,
                &format!("connection_limit = {}", 30 + round),
            ));
            let busy = |statements: &str| {
                let colleague = Colleague::superuser(&site, "postgres");
                let mut collisions = 0;
                while !over.load(Ordering::SeqCst) {
                    collisions += usize::from(colleague.try_to(statements).is_err());
                }
                collisions
            };
            let run = thread::scope(|scope| {
                scope.spawn(|| busy("GRANT CONNECT ON DATABASE client01_db1 TO rds_password"));
                scope.spawn(|| busy("REVOKE CONNECT ON DATABASE client01_db1 FROM rds_password"));
                scope.spawn(|| busy("ALTER ROLE client01 VALID UNTIL 'infinity'"));
                let run = site.run(&APPLY);
                over.store(true, Ordering::SeqCst);
                run
            });
            run.ok();
            site.sql(
                "postgres",
                "REVOKE ALL ON DATABASE client01_db1 FROM rds_password",
            );
            site.assert_converged();
            whole(&site);
        });
    }
}
