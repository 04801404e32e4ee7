//! The page in a real browser: Debian's Chromium, without a screen. `scripts/setup` installs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tenantctl::report::html::page;

use crate::page::leaky;

/// What came of opening a page.
struct Opened {
    /// The document as the browser understood it.
    dom: String,
    /// What it complained about.
    console: Vec<String>,
    /// What it asked a network for.
    requests: Vec<String>,
}

/// Opens a file as a user would, by a profile of its own that is gone afterwards.
fn open(file: &Path) -> Opened {
    let profile = tempfile::tempdir().unwrap();
    let log = profile.path().join("net.json");
    let output = Command::new("timeout")
        .args(["--kill-after=5", "120", "chromium"])
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--no-default-browser-check",
        ])
        .args([
            "--enable-logging=stderr",
            "--virtual-time-budget=2000",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--log-net-log={}", log.display()))
        .arg(format!("file://{}", file.display()))
        .env("HOME", profile.path())
        .output()
        .expect("no `timeout`, which is in coreutils");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "Chromium did not open the page; is it installed? scripts/setup does that. {}\n{stderr}",
        output.status
    );
    let console = stderr.lines().filter(|line| line.contains("CONSOLE"));
    Opened {
        dom: String::from_utf8(output.stdout).unwrap(),
        console: console.map(str::to_owned).collect(),
        requests: requests(&std::fs::read_to_string(log).unwrap()),
    }
}

/// The addresses that a page asked for, by a log of the network. Chromium's own errands (the time, updates) have no
/// initiator: <https://www.chromium.org/developers/design-documents/network-stack/netlog/>.
fn requests(log: &str) -> Vec<String> {
    let log: Value = serde_json::from_str(log).unwrap();
    let events = log["events"].as_array().unwrap().iter();
    let asked = events.filter_map(|event| {
        let parameters = &event["params"];
        let initiator = parameters["initiator"].as_str()?;
        (initiator != "not an origin").then(|| parameters["url"].to_string())
    });
    asked.collect()
}

#[test]
fn two_hundred_tenants_open_from_disk() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("audit.html");
    std::fs::write(&file, page(&leaky(200))).unwrap();
    let opened = open(&file);
    assert!(opened.requests.is_empty(), "{:?}", opened.requests);
    assert!(opened.console.is_empty(), "{:?}", opened.console);
    let dom = &opened.dom;
    assert_eq!(
        dom.matches("<g class=\"row\">").count(),
        200,
        "a row for each tenant"
    );
    let cell =
        "<title>t00001 → t00000: critical, A tenant can connect to another tenant's database (finding ";
    let (_, cell) = dom
        .split_once(cell)
        .unwrap_or_else(|| panic!("no such cell: {dom}"));
    let (_, mark) = cell.split_once("<rect ").unwrap();
    assert!(
        mark.starts_with("class=\"critical\" x=\"1\" y=\"0\" width=\"1\" height=\"1\""),
        "{}",
        mark.chars().take(80).collect::<String>()
    );
}

/// What the test above looks for would be seen, if it were there.
#[test]
fn a_page_that_loads_something_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("loads.html");
    let loads = "<img src=\"http://127.0.0.1:9/pixel.png\">";
    std::fs::write(&file, format!("<!DOCTYPE html><title>x</title>{loads}")).unwrap();
    let opened = open(&file);
    assert!(
        opened.requests.iter().any(|url| url.contains("/pixel.png")),
        "{:?}",
        opened.requests
    );

    // Into the page itself, whose policy refuses it: no request, and a complaint.
    let spoiled = page(&leaky(3)).replace("</footer>", &format!("</footer>{loads}"));
    std::fs::write(&file, spoiled).unwrap();
    let opened = open(&file);
    assert!(opened.requests.is_empty(), "{:?}", opened.requests);
    assert!(
        opened
            .console
            .iter()
            .any(|line| line.contains("Content Security Policy")),
        "{:?}",
        opened.console
    );
}
