//! Days on which everything is a little wrong.

use std::time::{Duration, Instant};

use tenantctl_testbed::{Behaviour, Fault};

use super::small_world::{ALL, HERE, SmallWorld, fair};
use crate::site::Site;
use crate::trials::Trials;

const ELSEWHERE: &str = "203.0.113.0/24";

/// Everybody comes, moves, and one leaves, each on such a day.
fn three_days(major: u16, day: &Behaviour) {
    let world = SmallWorld::start(major);
    let seeded = |n| Behaviour {
        seed: day.seed + n,
        ..day.clone()
    };
    world.survive(seeded(0), &ALL, &[HERE]);
    world.survive(seeded(1_000), &ALL, &[HERE, ELSEWHERE]);
    world.survive(seeded(2_000), &ALL[..2], &[HERE, ELSEWHERE]);
}

pub fn throttling(trials: &mut Trials) {
    for seed in 0..trials.count(1, 10) {
        let day = Behaviour {
            seed: seed as u64,
            throttled: 30,
            ..fair()
        };
        let major = trials.major;
        trials.trial(format!("seed {seed}"), || three_days(major, &day));
    }
}

/// That takes its time and fails nobody, and what is refused is not asked again and again at once.
pub fn five_a_second(trials: &mut Trials) {
    let (major, count) = (trials.major, trials.count(10, 5_000));
    trials.trial(format!("{count} tenants"), || {
        let site = Site::start(major);
        let names: Vec<String> = (0..count).map(|n| format!("client{n:04}")).collect();
        site.tenants(&format!(
            "tenant \"all\" {{\n  for_each = toset({names:?})\n  name = each.key\n  databases = [\"db1\"]\n  allowed_ips = \
             [{HERE:?}]\n}}\n"
        ));
        let proxy = &site.world.proxy;
        let day = Behaviour {
            page: Some(1_000),
            users: Some(Behaviour::NO_QUOTA),
            roles: Some(Behaviour::NO_QUOTA),
            ..fair()
        };
        proxy.behave(Behaviour {
            per_second: Some(5),
            ..day.clone()
        });
        let begun = Instant::now();
        site.apply().ok();
        let (took, throttled) = (begun.elapsed().as_secs_f64(), proxy.throttled());
        let sent: usize = proxy.counts().values().sum();
        let passed = sent - throttled;
        let floor = passed as f64 / 5.0;
        let said = format!("{sent} calls, {throttled} of them throttled, in {took:.1} s; at best {floor:.1} s");
        assert!(throttled > 0 && sent <= 4 * passed, "{said}");
        assert!(took < 3.0 * floor + 10.0, "{said}");
        proxy.behave(day);
        site.assert_converged();
    });
}

pub fn unavailable(trials: &mut Trials) {
    for seed in 0..trials.count(1, 10) {
        let day = Behaviour {
            seed: 100 + seed as u64,
            unavailable: 15,
            reset: 10,
            ..fair()
        };
        let major = trials.major;
        trials.trial(format!("seed {seed}"), || three_days(major, &day));
    }
}

pub fn slow(trials: &mut Trials) {
    let delays: Vec<u64> = trials.sample(vec![60, 1_000, 3_000], 1);
    for delay in delays {
        let day = Behaviour {
            delay: Duration::from_millis(delay),
            ..fair()
        };
        let major = trials.major;
        trials.trial(format!("{delay} ms"), || three_days(major, &day));
    }
}

pub fn lost_answers(trials: &mut Trials) {
    for seed in 0..trials.count(1, 8) {
        let day = Behaviour {
            seed: 200 + seed as u64,
            lost: 10,
            ..fair()
        };
        let major = trials.major;
        trials.trial(format!("seed {seed}"), || three_days(major, &day));
    }
}

fn late(appears: u64, principal: u64) -> Behaviour {
    Behaviour {
        appears_after: Duration::from_millis(appears),
        principal_after: Duration::from_millis(principal),
        ..fair()
    }
}

/// These are waited for: no run fails.
pub fn latecomers(trials: &mut Trials) {
    let days = trials.sample(vec![(1_000, 2_000), (500, 8_000), (4_000, 4_000)], 1);
    for (appears, principal) in days {
        let major = trials.major;
        trials.trial(format!("{appears} and {principal} ms"), || {
            let world = SmallWorld::start(major);
            world.survive(late(appears, principal), &ALL, &[HERE]).ok();
            world
                .survive(late(appears, principal), &ALL[..2], &[HERE, ELSEWHERE])
                .ok();
        });
    }
}

/// The first run makes the users and fails; what it made is as new to the second as to the first.
pub fn latecomers_of_another_run(trials: &mut Trials) {
    for failing in trials.sample(vec!["CreateRole", "PutUserPolicy", "CreateAccessKey"], 1) {
        let major = trials.major;
        trials.trial(failing, || {
            let world = SmallWorld::start(major);
            world.ask(&ALL, &[HERE]);
            let proxy = &world.site.world.proxy;
            proxy.inject(Fault::Error {
                action: failing.into(),
                code: "AccessDenied".into(),
                message: "not yet".into(),
                status: 403,
                times: ALL.len(),
            });
            proxy.behave(late(3_000, 4_000));
            let begun = Instant::now();
            let run = world.site.apply();
            assert!(run.code == 1 && run.stdout.contains("AccessDenied"), "{run}");
            world.site.apply().ok();
            if failing != "CreateAccessKey" {
                let waited = begun.elapsed();
                assert!(waited > Duration::from_secs(3), "nothing was late: {waited:?}");
            }
            proxy.behave(fair());
            world.check(&ALL, &[HERE]);
        });
    }
}

/// Also where the account's details are denied, and users and roles are read one by one.
pub fn pages_of_one(trials: &mut Trials) {
    for denied in trials.sample(vec![true, false], 1) {
        let major = trials.major;
        trials.trial(format!("details denied: {denied}"), || {
            let world = SmallWorld::start(major);
            let day = Behaviour {
                page: Some(1),
                ..fair()
            };
            if denied {
                world.site.world.proxy.inject(Fault::Error {
                    action: "GetAccountAuthorizationDetails".into(),
                    code: "AccessDenied".into(),
                    message: "not authorized".into(),
                    status: 403,
                    times: usize::MAX,
                });
            }
            world.survive(day.clone(), &ALL, &[HERE]).ok();
            world.survive(day.clone(), &ALL, &[HERE, ELSEWHERE]).ok();
            world.survive(day.clone(), &ALL[..2], &[HERE]).ok();
            // What was read in pages is what there is.
            world.site.world.proxy.behave(day);
            world.site.assert_converged();
        });
    }
}
