//! What a state becomes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::state::{SECRET, iam, identity, login, others, policy, resource, run, state, write};

#[test]
fn a_module_of_tenants() {
    let directory = tempfile::tempdir().unwrap();
    let mut resources = others();
    resources.extend(identity("client01", &["109.241.200.168/32"]));
    resources.extend(login("client01", &["db1", "db2"], true));
    resources.extend(login("client02", &["db1"], false));
    write(directory.path(), "terraform.tfstate", &state(&resources));
    let done = run(directory.path(), &["--from-tfstate", "terraform.tfstate"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!("a_module_of_tenants", done.stdout);
    insta::assert_snapshot!("a_module_of_tenants_forgotten", done.stderr);

    // With a name for the file, the commands can be taken from standard output.
    let named = run(
        directory.path(),
        &["--from-tfstate", "terraform.tfstate", "--out", "tenants.hcl"],
    );
    let file = std::fs::read_to_string(directory.path().join("tenants.hcl")).unwrap();
    assert_eq!(file, done.stdout);
    assert!(
        named
            .stdout
            .contains("terraform state rm 'module.tenants[\"client01\"].aws_iam_user.this'"),
        "{}",
        named.stdout
    );
    let again = run(
        directory.path(),
        &["--from-tfstate", "terraform.tfstate", "--out", "tenants.hcl"],
    );
    assert!(
        again.code == 1 && again.stderr.contains("overwrites nothing"),
        "{}",
        again.stderr
    );
}

/// Policies that do more than ours, schemas, and what has another name.
#[test]
fn what_terraform_keeps() {
    let directory = tempfile::tempdir().unwrap();
    let mut resources = identity("client01", &["203.0.113.7/32"]);
    resources.extend(login("client01", &["db1"], true));
    let module = "module.tenants[\"client01\"]";
    let reads = policy("s3:GetObject", "*");
    let inline = policy("sts:AssumeRole", &iam("role", "rds_cluster_client01"));
    resources.extend([
        resource(
            module,
            "aws_iam_policy",
            "reports",
            &json!({ "name": "reports", "arn": iam("policy", "reports"), "policy": reads }),
        ),
        resource(
            module,
            "aws_iam_user_policy_attachment",
            "reports",
            &json!({ "user": "client01", "policy_arn": iam("policy", "reports") }),
        ),
        resource(
            module,
            "aws_iam_user_policy",
            "own",
            &json!({ "user": "client01", "name": "assume", "policy": inline }),
        ),
        resource(
            module,
            "postgresql_schema",
            "app",
            &json!({ "name": "app", "database": "client01_db1" }),
        ),
        resource(
            module,
            "postgresql_role",
            "reporting",
            &json!({ "name": "reporting", "login": true }),
        ),
    ]);
    write(
        directory.path(),
        "cluster.hcl",
        "cluster \"main\" {\n  identifier = \"prod\"\n}\n",
    );
    let path = write(directory.path(), "a.tfstate", &state(&resources));
    let done = run(directory.path(), &["--from-tfstate", &path.display().to_string()]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stdout.contains("cluster \"main\""), "{}", done.stdout);
    insta::assert_snapshot!("what_terraform_keeps", done.stdout);
    insta::assert_snapshot!("what_terraform_keeps_forgotten", done.stderr);
}

#[test]
fn iam_and_postgres_in_states_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        "iam.tfstate",
        &state(&identity("client01", &["203.0.113.7/32"])),
    );
    write(
        directory.path(),
        "postgres.tfstate",
        &state(&login("client01", &["db1"], true)),
    );
    let half = run(directory.path(), &["--from-tfstate", "iam.tfstate"]);
    assert_eq!(half.code, 1);
    assert!(
        half.stderr.contains("pass --from-tfstate for each"),
        "{}",
        half.stderr
    );
    let both = run(
        directory.path(),
        &[
            "--from-tfstate",
            "iam.tfstate",
            "--from-tfstate",
            "postgres.tfstate",
        ],
    );
    assert_eq!(both.code, 0, "{}", both.stderr);
    assert!(
        both.stdout.contains("allowed_ips = [\"203.0.113.7/32\"]"),
        "{}",
        both.stdout
    );
    assert!(
        both.stdout.contains("identifier = \"your-cluster\""),
        "{}",
        both.stdout
    );
    assert!(
        both.stderr
            .contains("the state does not say which cluster this is"),
        "{}",
        both.stderr
    );
    assert!(both.stderr.contains("# in postgres.tfstate\n"), "{}", both.stderr);
}

/// Names are whatever somebody wrote: no key breaks out of a command, no name out of a string or a comment.
#[test]
fn names_made_to_deceive() {
    let directory = tempfile::tempdir().unwrap();
    let mut resources = login("client01", &["a'; rm -rf /\"", "%{y}", "\u{202e}1"], false);
    resources.extend(login("client02", &["b\n}", "${x}"], false));
    resources.extend(login("evil\n}\ntenant \"x\" {", &["db1"], false));
    write(directory.path(), "a.tfstate", &state(&resources));
    let done = run(directory.path(), &["--from-tfstate", "a.tfstate"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    insta::assert_snapshot!("names_made_to_deceive", done.stdout);
    let commands = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("terraform state rm "));
    for line in commands {
        assert!(
            line.starts_with("terraform state rm '") && line.ends_with('\''),
            "{line}"
        );
        let inside = &line["terraform state rm '".len()..line.len() - 1];
        assert!(!inside.replace("'\\''", "").contains('\''), "{line}");
    }
    assert!(
        done.stderr.contains("[\"a'\\''; rm -rf /\\\"\"]'"),
        "{}",
        done.stderr
    );
}

/// Some eight hundred tenants.
#[test]
fn ten_thousand_resources_take_seconds() {
    let directory = tempfile::tempdir().unwrap();
    let mut resources = others();
    for number in 0..800 {
        let tenant = format!("client{number:04}");
        resources.extend(identity(&tenant, &["203.0.113.7/32"]));
        resources.extend(login(&tenant, &["db1"], true));
    }
    assert!(resources.len() > 10_000);
    let text = state(&resources);
    assert!(text.contains(SECRET));
    write(directory.path(), "a.tfstate", &text);
    let begun = Instant::now();
    let done = run(directory.path(), &["--from-tfstate", "a.tfstate"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.stdout.matches("tenant \"client").count(), 800);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
