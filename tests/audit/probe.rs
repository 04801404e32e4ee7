//! `audit --probe`: what the server answers to a real connection as each tenant.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::Instant;

use serde_json::Value;
use tenantctl_testbed::Credentials;

use crate::leaks::TENANTS;
use crate::site::{Run, Site};
use crate::state_of;

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// An administrator of the account, who may log in as tenants by a token.
pub struct Prober(Credentials);

impl Prober {
    pub fn new(site: &Site) -> Self {
        state_of::call(site, "CreateUser", &[("UserName", "prober")]);
        let policy = [
            ("UserName", "prober"),
            ("PolicyName", "everything"),
            ("PolicyDocument", EVERYTHING),
        ];
        state_of::call(site, "PutUserPolicy", &policy);
        let key = state_of::call(site, "CreateAccessKey", &[("UserName", "prober")]);
        Self(Credentials::from_xml(&key).unwrap())
    }

    fn key(&self) -> [(&str, &str); 2] {
        [
            ("AWS_ACCESS_KEY_ID", &self.0.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.0.secret_key),
        ]
    }

    pub fn run(&self, site: &Site, arguments: &[&str]) -> Run {
        site.run_with(&[&["audit", "--probe"], arguments].concat(), &self.key())
    }

    #[track_caller]
    pub fn json(&self, site: &Site, arguments: &[&str]) -> (i32, Value) {
        let run = self.run(site, &[&["--json"], arguments].concat());
        let document = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"));
        (run.code, document)
    }

    /// Starts a slow probe, and waits until it has begun.
    pub fn spawn(&self, site: &Site) -> Child {
        let mut command = site.command(&["audit", "--probe", "--json", "--probe-rate", "1"]);
        command.envs(self.key());
        let piped = || std::process::Stdio::piped();
        let mut child = command.stdout(piped()).stderr(piped()).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("probe: ") {
            line.clear();
            assert!(
                errors.read_line(&mut line).unwrap() > 0,
                "it ended before it began"
            );
        }
        // Nothing more is read; a pipe holds what little follows.
        child.stderr = Some(errors.into_inner());
        child
    }
}

#[track_caller]
pub fn ended(mut child: Child) -> (i32, Value) {
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let code = child.wait().unwrap().code().unwrap_or(-1);
    (
        code,
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

/// Rule, subject and path of every finding that is no note.
pub fn found(document: &Value) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path = |finding: &Value| {
        let links = finding["path"].as_array().unwrap().iter().map(text);
        links.collect::<Vec<_>>().join(" -> ")
    };
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| [text(&finding["rule"]), text(&finding["subject"]), path(finding)])
        .collect()
}

pub fn numbers(document: &Value, names: &[&str]) -> Vec<u64> {
    names
        .iter()
        .map(|name| document["probe"][name].as_u64().unwrap())
        .collect()
}

/// Everything that a probe could have left: roles, grants, sessions.
pub fn left(site: &Site) -> (String, String) {
    crate::site::wait_until("sessions of tenants end", || {
        site.value(
            "postgres",
            "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^(client|t[0-9])'",
        ) == "0"
    });
    (state_of::postgres(site), state_of::ledger(site))
}

#[test]
fn a_clean_cluster_refuses_everything_but_its_own_on_15() {
    clean(15);
}

#[test]
fn a_clean_cluster_refuses_everything_but_its_own_on_18() {
    clean(18);
}

fn clean(major: u16) {
    let site = Site::with(major, TENANTS);
    let prober = Prober::new(&site);
    let before = left(&site);

    let (code, document) = prober.json(&site, &[]);
    assert_eq!(code, 0, "{document:#}");
    // Two tenants; three databases of theirs, postgres and template1.
    let counts = [
        "pairs",
        "chosen",
        "tried",
        "own_entered",
        "foreign_refused",
        "tenants",
    ];
    assert_eq!(numbers(&document, &counts), [10, 10, 10, 3, 7, 2], "{document:#}");
    let none = [
        "own_refused",
        "foreign_entered",
        "shared_entered",
        "unclear",
        "disagreements",
        "tenants_not_probed",
    ];
    assert_eq!(numbers(&document, &none), [0; 6], "{document:#}");

    let begun = Instant::now();
    let text = prober
        .run(&site, &["--probe-rate", "4", "--probe-seed", "7"])
        .ok();
    assert!(
        begun.elapsed().as_millis() > 2_000,
        "ten connections, four a second: {:?}",
        begun.elapsed()
    );
    assert!(text.contains("tried 10 of 10 pairs"), "{text}");
    assert!(text.contains("(seed 7)"), "{text}");

    let (code, document) = prober.json(&site, &["--probe-sample", "3", "--probe-seed", "7"]);
    assert_eq!(
        (
            code,
            numbers(&document, &["pairs", "chosen", "tried", "tenants", "seed"])
        ),
        (0, vec![10, 3, 3, 2, 7])
    );
    let (_, document) = prober.json(&site, &["--probe-sample", "0"]);
    assert_eq!(
        numbers(&document, &["tried", "tenants"]),
        [2, 2],
        "at least one of each tenant"
    );
    let (_, document) = prober.json(&site, &["--tenant", "client02"]);
    assert_eq!(
        numbers(&document, &["pairs", "tried"]),
        [6, 6],
        "five of its own login, one at its database"
    );

    // A grant is entered, found as such, and is what the static proof says.
    site.master("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO client02");
    let (code, document) = prober.json(&site, &[]);
    let path = "client02 -> CONNECT on client01_db1 (granted by postgres_master)";
    let expected = ["probe-entered", "database.client01_db1", path].map(str::to_owned);
    assert!(found(&document).contains(&expected), "{document:#}");
    assert_eq!(
        (
            code,
            numbers(
                &document,
                &["foreign_entered", "foreign_refused", "disagreements"]
            )
        ),
        (2, vec![1, 6, 0])
    );
    site.master(
        "postgres",
        "REVOKE CONNECT ON DATABASE client01_db1 FROM client02",
    );
    assert_eq!(left(&site), before, "nothing is left behind");
}

#[test]
fn who_cannot_be_impersonated_is_not_proved() {
    let site = Site::with(18, TENANTS);
    // The operator of the test bed may not log in as anybody, and the tenants' roles do not trust it.
    let run = site.run(&["audit", "--probe", "--json"]);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(run.code, 2, "{run}");
    assert_eq!(
        found(&document),
        [["not-proved", "probe", ""].map(str::to_owned)],
        "{document:#}"
    );
    let finding = &document["findings"][0];
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.contains("2 tenants are not probed") && message.contains("sts:AssumeRole"),
        "{message}"
    );
    assert_eq!(finding["reachers"], serde_json::json!(["client01", "client02"]));
    assert_eq!(
        numbers(&document, &["pairs", "tried", "tenants", "tenants_not_probed"]),
        [10, 0, 0, 2]
    );

    // One that cannot log in at all.
    let prober = Prober::new(&site);
    site.sql("postgres", "ALTER ROLE client02 NOLOGIN");
    let (_, document) = prober.json(&site, &[]);
    assert_eq!(
        numbers(
            &document,
            &["pairs", "tried", "tenants_without_login", "tenants_not_probed"]
        ),
        [5, 5, 1, 0]
    );

    // A refusal with the SQLSTATE of a refused database that is none: a trigger that runs at login, on the way in.
    for statement in [
        "CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF session_user = 'client01' THEN RAISE 'permission denied for database \"client01_db1\"' \
         USING ERRCODE = '42501'; END IF; END $$",
        "CREATE EVENT TRIGGER no ON login EXECUTE FUNCTION no()",
    ] {
        site.sql("client01_db1", statement);
    }
    let (_, document) = prober.json(&site, &[]);
    assert_eq!(
        numbers(&document, &["tried", "unclear", "own_refused"]),
        [4, 1, 0],
        "{document:#}"
    );
}

/// The caller's own token is refused, and it may assume the role of one tenant.
#[test]
fn a_tenant_whose_role_the_caller_may_assume_is_probed() {
    let site = Site::with(18, TENANTS);
    let key = state_of::call(&site, "CreateAccessKey", &[("UserName", "client01")]);
    let prober = Prober(Credentials::from_xml(&key).unwrap());
    site.world
        .proxy
        .check_trust(Some("109.241.200.168".parse().unwrap()));
    let (code, document) = prober.json(&site, &[]);
    assert_eq!(code, 2, "{document:#}");
    let counts = [
        "pairs",
        "tried",
        "own_entered",
        "foreign_refused",
        "tenants",
        "tenants_not_probed",
    ];
    assert_eq!(numbers(&document, &counts), [10, 5, 2, 3, 1, 1], "{document:#}");
    assert_eq!(
        document["findings"][0]["reachers"],
        serde_json::json!(["client02"]),
        "{document:#}"
    );
}

#[test]
fn what_changes_under_it_is_a_disagreement() {
    let site = Site::with(18, TENANTS);
    let prober = Prober::new(&site);
    let child = prober.spawn(&site);
    site.sql("postgres", "GRANT CONNECT ON DATABASE template1 TO client02");
    site.sql(
        "postgres",
        "REVOKE CONNECT ON DATABASE client02_db1 FROM client02",
    );
    let (code, document) = ended(child);
    assert_eq!(code, 2);
    let disagree: Vec<_> = (found(&document).into_iter())
        .filter(|[rule, ..]| rule == "probe-disagrees")
        .map(|[_, subject, path]| (subject, path))
        .collect();
    let path = "client02 -> CONNECT on client02_db1 (granted by postgres_master)";
    let expected = [("database.client02_db1", path), ("database.template1", "")];
    assert_eq!(
        disagree,
        expected.map(|(subject, path)| (subject.to_owned(), path.to_owned())),
        "{document:#}"
    );
    assert_eq!(document["summary"]["critical"], 2);
    assert_eq!(
        numbers(&document, &["disagreements", "own_refused", "shared_entered"]),
        [2, 1, 1]
    );
}

#[test]
fn a_stopped_or_killed_probe_leaves_nothing() {
    let site = Site::with(15, TENANTS);
    let prober = Prober::new(&site);
    let before = left(&site);

    let child = prober.spawn(&site);
    signal(&child, "INT");
    let (code, document) = ended(child);
    assert_eq!(code, 2, "{document:#}");
    assert_eq!(document["probe"]["stopped"], true);
    assert!(numbers(&document, &["tried"])[0] < 10, "{document:#}");
    assert_eq!(found(&document), [["not-proved", "probe", ""].map(str::to_owned)]);
    assert_eq!(left(&site), before);

    let mut child = prober.spawn(&site);
    signal(&child, "KILL");
    child.wait().unwrap();
    assert_eq!(left(&site), before);
    prober.run(&site, &[]).ok();
}

pub fn signal(child: &Child, name: &str) {
    let mut kill = std::process::Command::new("kill");
    let status = kill.arg(format!("-{name}")).arg(child.id().to_string()).status();
    assert!(status.unwrap().success());
}
