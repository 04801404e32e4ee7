//! The server, or its connections, go away or run out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tenantctl_testbed::{MASTER, Options};

use super::super::site::{Site, wait_until};
use super::super::state_of;
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{APPLY, Going, excused, settled, tenants, whole};

pub const RESTART: Scenario = Scenario {
    name: "server restarted mid-apply",
    run: restart,
};
pub const TERMINATED: Scenario = Scenario {
    name: "backends terminated at random",
    run: terminated,
};
pub const LOCK_SESSION: Scenario = Scenario {
    name: "the lock's session terminated",
    run: lock_session,
};
pub const SCARCE: Scenario = Scenario {
    name: "connections nearly used up",
    run: scarce,
};
pub const FAILOVER: Scenario = Scenario {
    name: "failover: the server becomes a reader",
    run: failover,
};

/// What a run says that lost its server.
const LOST: [&str; 5] = [
    "nothing listens on this port",
    "the server starts, fails over",
    "the connection ended in the middle",
    "somebody or something ended the session",
    LOCK_LOST,
];
/// What a run says whose lock went.
const LOCK_LOST: &str = "the session that held the lock has ended";
/// What a run says whose writer became a reader.
const READER: &str = "is a reader";

/// After how many ended steps of a run that removes two tenants and makes two, about fifty steps.
const MOMENTS: [usize; 8] = [0, 4, 10, 17, 24, 32, 39, 46];

/// A site where two tenants live that leave with their data, in favour of two others, in each trial.
fn with_tenants(trials: &Trials) -> Site {
    let site = Site::start(trials.major);
    site.tenants(&tenants("x", 2));
    site.run(&APPLY).ok();
    site
}

fn restart(trials: &mut Trials) {
    let site = with_tenants(trials);
    let modes = [(false, "fast"), (true, "immediate")];
    let all = modes
        .into_iter()
        .flat_map(|mode| MOMENTS.map(|steps| (mode, steps)));
    for ((crash, mode), steps) in trials.sample(all.collect(), 2) {
        trials.trial(format_args!("{mode}, after {steps} steps"), || {
            site.tenants(&tenants(&format!("{mode}{steps}n"), 2));
            let run = Going::start(&site, &APPLY).until(steps);
            let postgres = &site.world.postgres;
            if crash {
                postgres.crash_and_restart()
            } else {
                postgres.restart()
            }
            .unwrap();
            excused(&run.end(), &LOST);
            settled(&site);
        });
    }
}

fn terminated(trials: &mut Trials) {
    let site = with_tenants(trials);
    for round in 0..trials.count(1, 12) {
        trials.trial(format_args!("round {round}"), || {
            site.tenants(&tenants(&format!("t{round}n"), 4));
            let over = AtomicBool::new(false);
            let killer = || {
                // Any of them but the lock's session, again and again.
                let one = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tenantctl%'
                     AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock')
                     AND usename = '{MASTER}' ORDER BY random() LIMIT 1"
                );
                let mut kills = 0;
                while kills < 12 && !over.load(Ordering::SeqCst) {
                    kills += site.sql("postgres", &one).len();
                    thread::sleep(Duration::from_millis(40));
                }
                kills
            };
            let (run, kills) = thread::scope(|scope| {
                let run = Going::start(&site, &APPLY).until(4 * (round % 8) + 1);
                let killer = scope.spawn(killer);
                let run = run.end();
                over.store(true, Ordering::SeqCst);
                (run, killer.join().unwrap())
            });
            assert!(kills > 0, "nothing was terminated");
            excused(&run, &LOST);
            settled(&site);
        });
    }
}

/// Whoever waits for the lock has it now, so nothing else may start.
fn lock_session(trials: &mut Trials) {
    let site = with_tenants(trials);
    // Later there may be nothing left to start.
    for steps in trials.sample(MOMENTS[2..7].to_vec(), 1) {
        trials.trial(format_args!("after {steps} steps"), || {
            site.tenants(&tenants(&format!("l{steps}n"), 3));
            let run = Going::start(&site, &APPLY).until(steps);
            let holder = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                          AND mode = 'ExclusiveLock' AND granted";
            let ended = site.sql("postgres", holder);
            let moment = site.value("postgres", "SELECT clock_timestamp()::text");
            let run = run.end();
            assert_eq!(ended.len(), 1, "nobody held the lock: {run}");
            assert_eq!(run.code, 1, "{run}");
            assert!(run.stdout.contains(LOCK_LOST), "{run}");
            let later = format!(
                "SELECT count(*) FROM tenantctl.step WHERE begun_at > '{moment}'::timestamptz + interval '300 ms'"
            );
            assert_eq!(site.value("postgres", &later), "0", "steps that began afterwards: {run}");
            settled(&site);
        });
    }
}

/// Twelve connections, three of them for superusers; eight workers want one each.
fn scarce(trials: &mut Trials) {
    let mut extra_conf = vec![("max_connections".to_owned(), "12".to_owned())];
    if trials.major >= 16 {
        extra_conf.push(("reserved_connections".into(), "2".into()));
    }
    let options = Options {
        extra_conf,
        ..Options::default()
    };
    let site = Site::start_with(trials.major, &options);
    let hold = |free: usize| -> Vec<Colleague> {
        wait_until("the runs before have left", || {
            let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tenantctl%'";
            site.value("postgres", query) == "0"
        });
        (0..9 - free)
            .map(|_| Colleague::master(&site, "postgres"))
            .collect()
    };
    for free in trials.sample(vec![2, 3, 4, 6], 1) {
        trials.trial(format_args!("{free} are free"), || {
            let others = hold(free);
            site.tenants(&tenants(&format!("few{free}n"), 4));
            site.run(&APPLY).ok();
            drop(others);
            site.assert_converged();
            whole(&site);
        });
    }
    trials.trial("none is free for a while", || {
        site.tenants(&tenants("none", 2));
        let others = hold(0);
        let run = Going::start(&site, &APPLY);
        thread::sleep(Duration::from_secs(3));
        drop(others);
        run.end().ok();
        site.assert_converged();
        whole(&site);
    });
    if trials.count(0, 1) == 1 {
        trials.trial("none is free", || {
            site.tenants(&tenants("never", 3));
            let others = hold(0);
            let said = site.run(&APPLY).refused();
            assert!(
                said.contains("max_connections") && said.contains("53300"),
                "{said}"
            );
            drop(others);
            settled(&site);
        });
    }
}

fn failover(trials: &mut Trials) {
    let site = with_tenants(trials);
    for steps in trials.sample(MOMENTS[3..].to_vec(), 1) {
        trials.trial(format_args!("after {steps} steps"), || {
            site.tenants(&tenants(&format!("f{steps}n"), 2));
            let run = Going::start(&site, &APPLY).until(steps);
            site.world.postgres.become_reader().unwrap();
            excused(&run.end(), &[&LOST[..], &[READER]].concat());
            let (before, iam) = (state_of::postgres(&site), state_of::iam(&site));
            let said = site.run(&APPLY).refused();
            assert!(
                said.contains(READER) && said.contains("writer endpoint"),
                "{said}"
            );
            assert_eq!(state_of::iam(&site), iam, "written before it was noticed");
            assert_eq!(state_of::postgres(&site), before);
            site.world.postgres.become_writer().unwrap();
            settled(&site);
        });
    }
}
