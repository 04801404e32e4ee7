//! Exactly these tenants; who is asked; and the documents for machines.

use serde_json::Value;

use super::first_run::CLIENTS;
use super::on_both_ends;
use super::site::{Site, changes};
use super::state_of;

on_both_ends!(one_tenant_is_exactly_one_tenant, documents_are_stable_and_shaped);

const TENANTS: &str = "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n\
                       tenant \"client01\" {}\ntenant \"client02\" {}\ntenant \"client03\" {}";

fn one_tenant_is_exactly_one_tenant(major: u16) {
    let site = Site::start(major);
    site.tenants(TENANTS);
    let asked = site.run(&["apply"]).refused();
    assert!(asked.contains("--auto-approve"), "{asked}");
    assert_eq!(state_of::databases(&site).len(), 3);

    let plan = site.plan_json_with(&["--tenant", "client02"]);
    let of: Vec<_> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["tenant"].as_str())
        .collect();
    assert!(
        of.len() >= 8 && of.iter().all(|tenant| *tenant == Some("client02")),
        "{plan:#}"
    );
    let text = site
        .run(&["apply", "--auto-approve", "--tenant", "client02"])
        .ok();
    assert!(!text.contains("client01") && !text.contains("client03"), "{text}");
    assert_eq!(
        state_of::databases(&site),
        ["client02_db1", "postgres", "rdsadmin", "template1"]
    );
    assert!(!state_of::exists(&site, "User", "client01"));
    let open = "SELECT has_database_privilege('client02', 'postgres', 'CONNECT')";
    assert_eq!(
        site.value("postgres", open),
        "t",
        "what is nobody's is no part of a tenant"
    );

    let unknown = site.run(&["plan", "--tenant", "client20"]).refused();
    assert!(
        unknown.contains("client20") && unknown.contains("did you mean"),
        "{unknown}"
    );
    site.settle(TENANTS);
    // Two leave the file, and one of them is asked for.
    site.tenants(
        &TENANTS
            .replace("tenant \"client01\" {}\n", "")
            .replace("tenant \"client02\" {}\n", ""),
    );
    site.run(&["apply", "--auto-approve", "--tenant=client02"]).ok();
    let login = "SELECT rolname FROM pg_roles WHERE rolname ~ '^client' AND rolcanlogin ORDER BY 1";
    assert_eq!(site.sql("postgres", login), [["client01"], ["client03"]]);
    assert!(state_of::exists(&site, "User", "client01") && !state_of::exists(&site, "User", "client02"));
}

fn documents_are_stable_and_shaped(major: u16) {
    let site = Site::start(major);
    site.write("cluster.hcl", &site.cluster(""));
    site.write("clients.tfvars", CLIENTS);
    let as_blocks = "tenant \"client02\" {\n  rds_iam_auth = false\n  allowed_ips = [\"0.0.0.0/0\"]\n  databases = [\"db1\"]\n}\n\
                     tenant \"client01\" {\n  databases = { db3 = false, db2 = true, db1 = true }\n  \
                     allowed_ips = [\"109.241.200.168/32\"]\n  rds_iam_auth = true\n}\n";
    let blocks = site.write("blocks.hcl", as_blocks);
    let run = |command: &[&str], file: &str| {
        site.run(&[command, &["--file", "cluster.hcl", "--file", file]].concat())
    };
    let list = "clients.tfvars";
    let text = run(&["plan", "--json"], list).ok();
    assert_eq!(text, run(&["plan", "--json"], list).ok(), "the same bytes twice");
    let same = run(&["plan", "--json"], blocks.to_str().unwrap()).ok();
    assert_eq!(text, same, "the same meaning makes the same plan");
    let plan: Value = serde_json::from_str(&text).unwrap();
    assert_shape(&plan);

    let quiet = run(&["plan", "--quiet"], list);
    assert_eq!(
        quiet.stderr, "",
        "data goes to stdout, and nothing else was asked for"
    );
    let applied = run(&["apply", "--auto-approve", "--json"], list);
    let report: Value = serde_json::from_str(&applied.stdout).unwrap();
    assert_eq!(
        (&report["complete"], &report["summary"]),
        (&Value::Bool(true), &plan["summary"]),
        "{applied}"
    );
}

/// What the contract says of `plan --json`, for a first plan of the clients list.
fn assert_shape(plan: &Value) {
    for field in [
        "format_version",
        "tool_version",
        "workspace",
        "summary",
        "changes",
        "held",
        "warnings",
    ] {
        assert!(!plan[field].is_null(), "no {field}: {plan:#}");
    }
    assert_eq!(plan["workspace"], "default");
    let all = plan["changes"].as_array().unwrap();
    let count = |action: &str| all.iter().filter(|change| change["action"] == action).count();
    assert_eq!(plan["summary"]["add"], count("create"));
    assert_eq!(plan["summary"]["change"], count("update"));
    assert_eq!(plan["summary"]["destroy"], 0);
    for change in all {
        let (kind, name) = (change["kind"].as_str().unwrap(), change["name"].as_str().unwrap());
        assert_eq!(change["address"], format!("{kind}.{name}"));
        assert!(
            change["before"].is_null() == (change["action"] == "create"),
            "{change:#}"
        );
        assert!(
            !change["after"].is_null() && change.get("tenant").is_some(),
            "{change:#}"
        );
        let steps = change["steps"].as_array().unwrap();
        assert!(
            !steps.is_empty() && steps.iter().all(Value::is_string),
            "{change:#}"
        );
    }
    let codes = super::site::warnings(plan);
    assert!(!codes.is_empty(), "0.0.0.0/0 is worth a word: {plan:#}");
    let tenants: std::collections::BTreeSet<_> = all.iter().map(|change| change["tenant"].as_str()).collect();
    assert_eq!(
        tenants.into_iter().collect::<Vec<_>>(),
        [None, Some("client01"), Some("client02")]
    );
    assert!(changes(plan).contains(&"database.client01_db2 create".to_owned()));
}
