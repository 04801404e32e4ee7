//! What was applied, when and by whom, as the ledger remembers it.

use serde_json::Value;
use tenantctl_testbed::Fault;

use super::on_both_ends;
use super::site::Site;

on_both_ends!(
    runs_are_remembered_with_what_they_did,
    a_failed_statement_is_remembered_though_its_transaction_is_gone,
    a_ledger_of_the_first_version_is_read_and_then_brought_up_to_date,
);

const TENANTS: &str = "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n}\n\
                       tenant \"client01\" {}\ntenant \"client02\" {}\n";

fn history(site: &Site, arguments: &[&str]) -> Vec<Value> {
    let run = site.run(&[&["history", "--json"], arguments].concat());
    let document: Value = serde_json::from_str(&run.ok()).unwrap();
    assert_eq!(document["workspace"], "default");
    document["runs"].as_array().unwrap().clone()
}

fn steps<'a>(run: &'a Value, wanted: impl Fn(&Value) -> bool + 'a) -> Vec<&'a Value> {
    let steps = run["steps"].as_array().unwrap().iter();
    steps.filter(|step| wanted(step)).collect()
}

fn runs_are_remembered_with_what_they_did(major: u16) {
    let site = Site::start(major);
    site.tenants(TENANTS);
    assert_eq!(site.run(&["history"]).ok(), "Nothing was applied yet.\n");
    site.apply().ok();
    site.world.proxy.inject(Fault::Error {
        action: "UpdateAssumeRolePolicy".into(),
        code: "AccessDenied".into(),
        message: "on purpose".into(),
        status: 403,
        times: 1,
    });
    site.tenants(&TENANTS.replace(
        "tenant \"client02\" {}",
        "tenant \"client02\" { allowed_ips = [\"127.0.0.2/32\"] }",
    ));
    assert_eq!(site.apply().code, 1);

    let runs = history(&site, &[]);
    let [failed, first] = runs.as_slice() else {
        panic!("the latest first: {runs:?}");
    };
    assert_eq!(
        (&first["complete"], &failed["complete"]),
        (&true.into(), &false.into())
    );
    assert_eq!(first["done_steps"], first["planned_steps"]);
    assert_eq!((&first["tenants"], &failed["tenants"]), (&2.into(), &1.into()));
    assert_eq!(failed["summary"], serde_json::json!({ "update": 1 }));
    assert!(first["actor"].as_str().unwrap().contains('@'));
    assert_eq!(first["tool_version"], env!("CARGO_PKG_VERSION"));
    for when in [&first["started_at"], &first["finished_at"]] {
        assert!(when.as_str().unwrap().starts_with("20") && when.as_str().unwrap().ends_with('Z'));
    }
    let created = steps(first, |step| {
        step["address"] == "role.client01" && step["action"] == "create"
    });
    assert!(created.iter().any(|step| step["outcome"] == "done"), "{first}");
    let denied = &steps(failed, |_| true)[0]["outcome"];
    assert!(
        denied
            .as_str()
            .unwrap()
            .starts_with("failed: iam:UpdateAssumeRolePolicy"),
        "{denied}"
    );

    // Of one tenant: its runs, and of them its steps.
    let own = history(&site, &["--tenant", "client01"]);
    assert_eq!(own.len(), 1);
    assert_eq!(own[0]["id"], first["id"]);
    assert!(steps(&own[0], |step| step["tenant"] != "client01").is_empty());
    assert_eq!(history(&site, &["--limit", "1"]), std::slice::from_ref(failed));
    let text = site.run(&["history", "--tenant", "client02"]).ok();
    for part in [
        "~1 of 1 tenant",
        "incomplete: 0 of 1 steps done, 1 failed",
        "~ change iam_role         rds_cluster_client02  failed: iam:Update",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(
        text.matches("+ create database         client02_db1").count(),
        1,
        "{text}"
    );
    assert!(
        text.contains("~ change iam_role         rds_cluster_client02  failed: iam:Update"),
        "{text}"
    );
    let unknown = site.run(&["history", "--tenant", "client03"]).refused();
    assert!(unknown.contains("client03"), "{unknown}");
    site.apply().ok();
    site.assert_converged();
}

/// A step of the admin database and its row are one transaction: both were rolled back.
fn a_failed_statement_is_remembered_though_its_transaction_is_gone(major: u16) {
    let site = Site::with(major, TENANTS);
    site.tenants(&TENANTS.replace(
        "client02\" {}",
        "client02\" { settings = { work_mem = \"lots\" } }",
    ));
    assert_eq!(site.apply().code, 1);
    let runs = history(&site, &["--limit", "1"]);
    let failed = steps(&runs[0], |step| {
        step["address"] == "role_setting.client02/work_mem"
    });
    assert_eq!(failed.len(), 1, "{runs:?}");
    assert_eq!(failed[0]["action"], "create");
    assert!(
        failed[0]["outcome"].as_str().unwrap().contains("work_mem"),
        "{runs:?}"
    );
}

/// As one finds it after an upgrade of tenantctl.
fn a_ledger_of_the_first_version_is_read_and_then_brought_up_to_date(major: u16) {
    let site = Site::with(major, TENANTS);
    let first = history(&site, &[]).remove(0);
    site.master(
        "postgres",
        "ALTER TABLE tenantctl.run DROP summary, DROP steps; ALTER TABLE tenantctl.step DROP action; \
         DROP INDEX tenantctl.run_started; DELETE FROM tenantctl.version WHERE version = 2",
    );
    let old = history(&site, &[]).remove(0);
    assert_eq!(
        (&old["summary"], &old["planned_steps"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(old["complete"], true);
    assert_eq!(old["done_steps"], first["done_steps"]);
    let version = "SELECT max(version) FROM tenantctl.version";
    assert_eq!(site.value("postgres", version), "1", "reading does not change it");
    site.assert_converged();

    site.settle(&TENANTS.replace("client02\" {}", "client02\" { connection_limit = 3 }"));
    assert_eq!(site.value("postgres", version), "2");
    let runs = history(&site, &[]);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["summary"], serde_json::json!({ "update": 1 }));
    assert_eq!(runs[1], old, "what was written before stays as it was");
}
