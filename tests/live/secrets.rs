//! What is secret is nowhere but in the hand-over file, encrypted.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::login::Recipient;
use super::site::Site;
use super::{on_both_ends, state_of};

on_both_ends!(no_secret_is_in_any_output_log_ledger_or_process_list);

fn no_secret_is_in_any_output_log_ledger_or_process_list(major: u16) {
    let recipient = Recipient::new();
    let site = Site::start(major);
    site.tenants(&format!(
        "defaults {{\n  databases = [\"db1\"]\n  {}\n}}\ntenant \"client01\" {{ allowed_ips = [\"127.0.0.1/32\"] }}\n\
         tenant \"client02\" {{ rds_iam_auth = false }}",
        recipient.block()
    ));
    let plan_file = site.path().join("saved.plan");
    let plan_path = plan_file.to_str().unwrap();
    let planned = site.run(&["plan", "-vv", "--out", plan_path]);
    assert_eq!(planned.code, 0, "{planned}");
    let as_json = site.run(&["plan", "-vv", "--json"]).ok();
    let (applied, processes) = watched(&site, &["apply", "-vv", plan_path]);
    site.assert_converged();

    let key = recipient.key(&site, "client01");
    let password = recipient.open(&site, "client02")["password"].clone();
    assert!(key.secret.len() > 20 && password.len() >= 20);
    assert_eq!(
        site.login("client02", &password, "client02_db1", "SELECT current_user"),
        Ok("client02".into())
    );
    assert!(!key.token(&site, "client01").is_empty());
    let stored = site.value(
        "postgres",
        "SELECT rolpassword FROM pg_authid WHERE rolname = 'client02'",
    );
    assert!(stored.starts_with("SCRAM-SHA-256$4096:"), "{stored}");

    let log = site.world.postgres.log();
    let ledger = state_of::ledger(&site);
    // Each place really holds something about these tenants, so that finding no secret there says something.
    let seen = |text: &str, what: &str| assert!(text.contains(what), "{what} is not in {text}");
    seen(&log, "CREATE DATABASE");
    seen(&log, "client02");
    seen(&ledger, &key.id);
    seen(&applied, "client02.age");
    seen(&processes, "tenantctl");
    seen(&planned.stdout, "(sensitive)");
    let mut places = vec![
        ("server log", log),
        ("ledger", ledger),
        ("apply", applied),
        ("plan", planned.stdout + &planned.stderr),
        ("plan --json", as_json),
        ("process list", processes),
    ];
    places.extend(
        files(&site)
            .into_iter()
            .map(|text| ("a file of the configuration directory", text)),
    );
    for (place, text) in &places {
        for secret in [&key.secret, &password, &stored] {
            // The server has to be told the verifier, and does not log it as a password; nobody else needs it.
            let expected = *place == "server log" && *secret == stored;
            assert!(
                expected || !text.contains(secret.as_str()),
                "a secret is in the {place}"
            );
        }
    }
}

/// Runs to the end; its output, and every command line that any process had meanwhile.
fn watched(site: &Site, arguments: &[&str]) -> (String, String) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                seen.extend(command_lines());
                thread::sleep(Duration::from_millis(2));
            }
            seen.into_iter().collect::<Vec<_>>().join("\n")
        });
        let run = site.run(arguments);
        over.store(true, Ordering::Relaxed);
        assert_eq!(run.code, 0, "{run}");
        (run.stdout + &run.stderr, watcher.join().unwrap())
    })
}

fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let line = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    processes
        .filter_map(line)
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
        .collect()
}

fn files(site: &Site) -> Vec<String> {
    let mut texts = Vec::new();
    for directory in [site.path().to_owned(), site.path().join("handover")] {
        let entries = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        texts.extend(
            entries
                .filter(|path| path.is_file())
                .map(|path| fs::read_to_string(path).unwrap()),
        );
    }
    assert!(texts.len() >= 4, "the file, the plan and two hand-overs");
    texts
}
