//! Others who need connections too, and are there first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tenantctl_testbed::{Behaviour, MASTER};

use super::super::site::Site;
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{settled, tenants};

pub const CROWD: Scenario = Scenario {
    name: "others hold most connections, and more of them come",
    run: crowd,
};

/// Of a hundred connections; three are for superusers.
const OTHERS: usize = 60;
/// Half of what is left to us and to those who come.
const SHARE: usize = (100 - 3 - OTHERS) / 2;
/// The sessions of a run that no worker has: the one with the lock, the one that reads, the one that writes down.
const FIXED: usize = 3;

fn crowd(trials: &mut Trials) {
    let (major, count) = (trials.major, trials.count(40, 5_000));
    for parallelism in [8, 64] {
        trials.trial(format_args!("--parallelism {parallelism}"), || {
            let site = Site::start(major);
            site.world.proxy.behave(Behaviour {
                page: Some(1_000),
                users: Some(Behaviour::NO_QUOTA),
                roles: Some(Behaviour::NO_QUOTA),
                ..Behaviour::default()
            });
            let others: Vec<_> = (0..OTHERS)
                .map(|_| Colleague::master(&site, "postgres"))
                .collect();
            site.tenants(&tenants("c", count));
            let parallelism_text = parallelism.to_string();
            let (seen, ()) = while_somebody_comes(&site, || {
                for command in [&["apply", "--auto-approve"][..], &["plan", "--detailed-exitcode"]] {
                    site.run(&[command, &["--parallelism", &parallelism_text]].concat())
                        .ok();
                }
            });
            assert!(seen.times > 20, "nobody came: {seen:?}");
            assert!(seen.refused == 0, "{seen:?}");
            assert!(seen.most <= parallelism.min(SHARE) + FIXED, "{seen:?}");
            drop(others);
            settled(&site);
        });
    }
}

/// What somebody saw who came again and again.
#[derive(Debug, Default)]
struct Seen {
    times: usize,
    refused: usize,
    last_refusal: String,
    /// Our sessions.
    most: usize,
}

/// Does something, while somebody opens one connection after the other.
fn while_somebody_comes<T>(site: &Site, work: impl FnOnce() -> T) -> (Seen, T) {
    const OURS: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tenantctl%'";
    let over = AtomicBool::new(false);
    let postgres = &site.world.postgres;
    thread::scope(|scope| {
        let somebody = scope.spawn(|| {
            let mut seen = Seen::default();
            while !over.load(Ordering::Relaxed) {
                seen.times += 1;
                match postgres.sql_as(MASTER, postgres.master_password(), "postgres", OURS) {
                    Ok(rows) => {
                        let ours = rows[0][0].as_ref().and_then(|count| count.parse().ok());
                        seen.most = seen.most.max(ours.unwrap_or_default());
                    }
                    Err(error) => {
                        seen.refused += 1;
                        seen.last_refusal = error.to_string();
                    }
                }
                thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        (somebody.join().unwrap(), done)
    })
}
