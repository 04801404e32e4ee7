//! Several runs at once.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use super::super::site::{Site, wait_until};
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{APPLY, Going, one, settled, tenants, whole};

pub const RACE: Scenario = Scenario {
    name: "applies of different edits race",
    run: race,
};
pub const KILLED_HOLDER: Scenario = Scenario {
    name: "the lock of a killed run",
    run: killed_holder,
};

/// Tenants files in directories of their own, which no run reads unless it is named.
fn edit(site: &Site, name: &str, text: &str) -> PathBuf {
    fs::create_dir_all(site.path().join(name)).unwrap();
    site.write(
        &format!("{name}/tenants.hcl"),
        &format!("{}\n{text}\n", site.cluster("")),
    )
}

fn race(trials: &mut Trials) {
    let site = Site::start(trials.major);
    let racers = trials.count(3, 5);
    for round in 0..trials.count(1, 4) {
        trials.trial(format_args!("round {round}"), || {
            let edits: Vec<_> = (0..racers)
                .map(|n| {
                    let text = tenants("same", 2).replace("203.0.113.1", &format!("203.0.113.{}", n + 1))
                        + &format!("tenant \"only{n}r{round}\" {{ connection_limit = {} }}\n", n + 1);
                    edit(&site, &format!("edit{n}"), &text).display().to_string()
                })
                .collect();
            let arguments = |file: &str| -> Vec<String> {
                let more = ["--lock-timeout", "120s", "--file", file].map(str::to_owned);
                APPLY.map(str::to_owned).into_iter().chain(more).collect()
            };
            let runs: Vec<_> = edits
                .iter()
                .map(|file| {
                    let arguments = arguments(file);
                    Going::start(&site, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
                })
                .collect();
            let mut waited = 0;
            for run in runs {
                let run = run.end();
                assert_eq!(run.code, 0, "{run}");
                waited += usize::from(run.stderr.contains("waiting up to"));
                if run.stderr.contains("waiting up to") {
                    assert!(
                        run.stderr.contains("(tenantctl ") && run.stderr.contains(" since "),
                        "{run}"
                    );
                }
            }
            assert!(waited > 0, "they did not meet");
            let fulfilled =
                |file: &String| site.run(&["plan", "--detailed-exitcode", "--file", file]).code == 0;
            let whose = edits.iter().filter(|file| fulfilled(file)).count();
            assert_eq!(whose, 1, "what lives is one of the states that were asked for");
            for file in [&edits[0], &edits[racers - 1]] {
                let arguments = arguments(file);
                site.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
                    .ok();
                assert!(fulfilled(file));
            }
            whole(&site);
        });
    }
}

fn killed_holder(trials: &mut Trials) {
    let site = Site::start(trials.major);
    for steps in trials.sample(vec![17, 0, 5, 30], 1) {
        trials.trial(format_args!("killed after {steps} steps"), || {
            site.tenants(&tenants(&format!("k{steps}n"), 2));
            let run = Going::start(&site, &APPLY).until(steps);
            run.signal("-KILL");
            assert_eq!(run.end().code, -1);
            let started = Instant::now();
            site.run(&[&APPLY[..], &["--lock-timeout", "10s"]].concat()).ok();
            assert!(started.elapsed().as_secs() < 30);
            site.assert_converged();
            whole(&site);
        });
    }
    trials.trial("a holder that lives is named to whoever gives up", || {
        site.tenants(&(tenants("k17n", 2) + &one("")));
        let colleague = Colleague::superuser(&site, "postgres");
        colleague.does("BEGIN; LOCK TABLE pg_database IN SHARE ROW EXCLUSIVE MODE");
        let run = Going::start(&site, &APPLY);
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'";
        wait_until("the first run waits", || site.value("postgres", waits) != "0");
        let said = site
            .run(&[&APPLY[..], &["--lock-timeout", "1s"]].concat())
            .refused();
        for word in ["is locked by role \"postgres_master\" (tenantctl ", "@", " since ", "backend ", "tenantctl unlock"] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        colleague.does("ROLLBACK");
        run.end().ok();
        settled(&site);
    });
}
