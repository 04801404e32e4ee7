//! The forms of a plan besides text.

use std::path::Path;

use tenantctl::plan::{ClusterPlan, Command, IamCommand, file};
use tenantctl::report::{json, markdown, several, status, text};

use crate::world::{ONE, RECIPIENT, Small, TWO};

fn onboarding() -> Small {
    let file = ONE.replace(
        "databases ",
        &format!("handover {{ recipient = \"{RECIPIENT}\" }}\n  databases "),
    );
    Small::untouched(&file)
}

#[test]
fn one_json_document() {
    let file = TWO.replace("203.0.113.8/32", "203.0.113.9/32");
    let plan = Small::applied(TWO).asks(&file).plan();
    insta::assert_json_snapshot!(json::plan(&plan, &[]));
}

/// The words that scripts read.
#[test]
fn the_json_document_has_what_the_contract_says() {
    let document = json::plan(&onboarding().plan(), &[]);
    for name in ["format_version", "tool_version", "workspace", "held", "warnings"] {
        assert!(document.get(name).is_some(), "{name}");
    }
    let summary = &document["summary"];
    let changes = document["changes"].as_array().expect("a list");
    assert_eq!(summary["add"].as_u64(), Some(10));
    assert_eq!(summary["change"].as_u64(), Some(4));
    assert_eq!(summary["destroy"].as_u64(), Some(0));
    assert_eq!(changes.len(), 14);
    for change in changes {
        for name in [
            "address", "tenant", "kind", "name", "action", "before", "after", "steps",
        ] {
            assert!(change.get(name).is_some(), "{name} in {change}");
        }
        assert!(
            change["steps"].as_array().is_some_and(|steps| !steps.is_empty()),
            "{change}"
        );
        let address = format!(
            "{}.{}",
            change["kind"].as_str().expect("a word"),
            change["name"].as_str().expect("a word")
        );
        assert_eq!(change["address"].as_str(), Some(address.as_str()));
    }
}

#[test]
fn a_plan_file_is_the_plan() {
    let plan = vec![ClusterPlan::only(onboarding().plan())];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plan.json");
    file::write(&path, &plan).expect("written");
    assert_eq!(file::read(&path).expect("read"), plan);
    let other = std::fs::read_to_string(&path)
        .expect("read")
        .replacen("\"format\": 1", "\"format\": 99", 1);
    std::fs::write(&path, other).expect("written");
    let error = file::read(&path).expect_err("another format").to_string();
    assert!(error.contains("format 99"), "{error}");
    std::fs::write(&path, "{}").expect("written");
    assert!(file::read(&path).is_err());
}

/// Whoever shows or runs a plan takes its steps by their numbers; what an edited file calls things goes to a terminal.
#[test]
fn an_edited_plan_file_breaks_nothing() {
    let path = Path::new("saved.plan");
    let text = file::to_text(&[ClusterPlan::only(onboarding().plan())]).expect("JSON");
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} in {text}");
        file::parse(path, &text.replacen(from, to, 1))
    };
    let refused = |from: &str, to: &str| edited(from, to).expect_err(to).to_string();
    let beyond = refused("\"steps\": [\n        0\n", "\"steps\": [\n        4096\n");
    assert!(beyond.contains("names a step that is not there"), "{beyond}");
    let swapped = refused("\"id\": 1,", "\"id\": 2,");
    assert!(
        swapped.contains("step 2 stands in the place of step 1"),
        "{swapped}"
    );

    let plans = edited("\"privilege\": \"CONNECT\"", "\"privilege\": \"\\u001b[2J\"").expect("a plan");
    let style = text::Style {
        color: false,
        verbose: true,
    };
    for shown in [several::plan(&plans, style), markdown::plans(&plans, &[])] {
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}

/// A key or password does not exist before its step runs, and no step has a place to put one.
#[test]
fn secrets_have_no_place_in_a_plan() {
    let plan = onboarding().plan();
    let shown = text::plan(
        &plan,
        text::Style {
            color: false,
            verbose: true,
        },
    );
    assert!(shown.contains("(sensitive)"), "{shown}");
    let hands_over = |command: &Command| {
        matches!(
            command,
            Command::Iam(IamCommand::CreateAccessKey { .. }) | Command::HandOverPassword { .. }
        )
    };
    assert!(plan.steps.iter().any(|step| hands_over(&step.command)));
    let written = serde_json::to_string(&plan).expect("JSON");
    for word in [
        "secret_access_key",
        "SecretAccessKey",
        "SCRAM-SHA-256$",
        "PASSWORD '",
    ] {
        assert!(!written.contains(word), "{word}");
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    let plan = onboarding().plan();
    let plain = text::plan(
        &plan,
        text::Style {
            color: false,
            verbose: true,
        },
    );
    let mut coloured = text::plan(
        &plan,
        text::Style {
            color: true,
            verbose: true,
        },
    );
    for code in ["0", "1", "2", "31", "32", "33", "35", "36"] {
        coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(coloured, plain);
    assert!(!plain.contains('\u{1b}'));
}

/// What a script branches on.
#[test]
fn a_status_says_how_a_plan_ended() {
    let of = |plan: &tenantctl::plan::Plan| status::plan(plan, 0);
    let applied = Small::applied(TWO);
    assert_eq!(of(&applied.plan())["status"], "empty");
    let changed = onboarding().plan();
    let status = of(&changed);
    assert_eq!(status["status"], "changes");
    assert_eq!(status["summary"]["add"], 10);
    assert_eq!(status["error"], serde_json::Value::Null);
    let refused = Small::applied(TWO).asks(ONE).max_removals(0);
    let mut status = of(&refused.plan());
    for digest in ["config_digest", "live_digest"] {
        assert!(
            status[digest].as_str().is_some_and(|text| text.len() == 64),
            "{digest}"
        );
        status[digest] = "(a digest)".into();
    }
    assert_eq!(status["status"], "refused");
    assert_eq!(status["guards"][0]["code"], "too_many_removals");
    insta::assert_json_snapshot!(status);
}
