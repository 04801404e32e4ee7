//! What a run says of itself while it works: progress, `-v`, and logs for machines.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Run, Site};

on_both_ends!(
    v_shows_statements_and_calls_with_durations,
    a_log_for_machines_is_one_object_a_line,
    a_terminal_shows_a_bar_and_q_shows_nothing,
);

fn tenants(recipient: &Recipient) -> String {
    let handover = recipient.block();
    format!("tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {handover}\n}}\n")
}

fn v_shows_statements_and_calls_with_durations(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(&Recipient::new()));
    let run = site.run(&["apply", "--auto-approve", "-v"]);
    assert_eq!(run.code, 0, "{run}");
    let line = |part: &str| {
        let found = run.stderr.lines().find(|line| line.contains(part));
        found
            .unwrap_or_else(|| panic!("{part} is not in {run}"))
            .to_owned()
    };
    let call = line("rds:DescribeDBClusters");
    assert!(call.contains("tenantctl::aws") && call.contains("status=200") && call.contains("milliseconds="));
    assert!(line("connect database=\"client01_db1\"").contains("username=\"postgres_master\""));
    assert!(line("CREATE DATABASE \"client01_db1\"").contains("milliseconds="));
    assert!(
        line("INSERT INTO tenantctl.run").contains("values=["),
        "values are shown as data"
    );
    assert!(line("ALTER ROLE \"client01\" PASSWORD").contains("PASSWORD (sensitive)"));
    assert!(line("REVOKE").contains("tenantctl::sql"));

    let refused = site.run_with(&["plan", "-v"], &[("TENANTCTL_PASSWORD_MAIN", "not-the-one")]);
    assert!(
        refused.stderr.contains("error=\"28P01\"") && !refused.stderr.contains("not-the-one"),
        "{refused}"
    );
    let silent = site.run(&["plan", "-q"]);
    assert_eq!((silent.code, silent.stderr.as_str()), (0, ""), "{silent}");
}

fn objects(run: &Run) -> Vec<Value> {
    let parsed = run.stderr.lines().map(serde_json::from_str);
    parsed
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn a_log_for_machines_is_one_object_a_line(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(&Recipient::new()));
    let run = site.run(&["--log-format", "json", "apply", "--auto-approve", "-v"]);
    assert_eq!(run.code, 0, "{run}");
    let lines = objects(&run);
    let find = |wanted: &dyn Fn(&Value) -> bool| {
        lines
            .iter()
            .find(|line| wanted(line))
            .unwrap_or_else(|| panic!("not in {run}"))
            .clone()
    };
    let sql = find(&|line| line["message"].as_str().unwrap().starts_with("CREATE DATABASE"));
    assert_eq!(
        (&sql["target"], &sql["level"]),
        (&"tenantctl::sql".into(), &"INFO".into())
    );
    assert!(
        sql["milliseconds"].as_f64().unwrap() > 0.0 && sql["database"] == "postgres",
        "{sql}"
    );
    assert!(sql["timestamp"].as_str().unwrap().ends_with('Z'));
    let call = find(&|line| line["message"] == "sts:GetCallerIdentity");
    assert_eq!(
        (&call["target"], &call["status"]),
        (&"tenantctl::aws".into(), &200.into())
    );
    let progress = find(&|line| line["message"].as_str().unwrap().contains("done role.client01"));
    assert_eq!(progress["target"], "tenantctl::ui");

    // Without -v: what people would have read. Errors have their place.
    let quiet = objects(&site.run(&["--log-format=json", "plan"]));
    assert!(
        quiet.iter().all(|line| line["target"] == "tenantctl::ui"),
        "{quiet:?}"
    );
    site.tenants("tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"10.0.0.1/8\"]\n}\n");
    let wrong = site.run(&["--log-format=json", "plan"]);
    assert_eq!(wrong.code, 1);
    let found = &objects(&wrong)[0];
    assert_eq!(
        (&found["level"], &found["code"]),
        (&"ERROR".into(), &"cidr_host_bits".into())
    );
    assert!(
        found["file"].as_str().unwrap().ends_with("tenants.hcl") && found["line"] == 11,
        "{found}"
    );
    assert!(found["help"].as_str().unwrap().contains("10.0.0.0/8"), "{found}");
}

/// `script` gives a terminal, whose two streams are one.
fn on_a_terminal(site: &Site, arguments: &[&str]) -> String {
    let command = site.command(arguments);
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .collect();
    let line = words
        .iter()
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect::<Vec<_>>()
        .join(" ");
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            terminal.env(name, value);
        }
    }
    terminal
        .env("TERM", "xterm")
        .current_dir(site.path())
        .stdin(Stdio::null());
    let output = terminal.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn a_terminal_shows_a_bar_and_q_shows_nothing(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(&Recipient::new()));
    let shown = on_a_terminal(&site, &["apply", "--auto-approve"]);
    assert!(
        shown.contains("reading: ") && shown.contains(" AWS calls, "),
        "{shown}"
    );
    let steps = shown.matches("done database.client01_db1").count();
    assert!(steps > 0 && shown.contains('█'), "{shown}");
    let quiet = on_a_terminal(&site, &["plan", "-q"]);
    assert!(!quiet.contains("reading: "), "{quiet}");
    let logged = on_a_terminal(&site, &["plan", "-v"]);
    assert!(
        !logged.contains("reading: ") && logged.contains("tenantctl::sql"),
        "{logged}"
    );
}
