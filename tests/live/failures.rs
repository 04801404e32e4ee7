//! Something fails: that tenant stops, the others do not, and the next run finishes.

use serde_json::Value;
use tenantctl_testbed::Fault;

use super::login::Recipient;
use super::site::Site;
use super::{on_both_ends, state_of};

on_both_ends!(
    a_failed_step_stops_its_tenant_only,
    a_failed_statement_stops_its_tenant_only,
    a_failed_setting_stops_its_tenant_only,
    lost_answers_and_throttling_are_survived,
    a_key_whose_secret_was_lost_is_replaced,
    a_key_made_by_hand_is_not_taken_for_a_lost_one,
);

fn tenants(count: usize, more: &str) -> String {
    let all: String = (1..=count)
        .map(|n| format!("tenant \"client{n:02}\" {{}}\n"))
        .collect();
    format!("defaults {{\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n  {more}\n}}\n{all}")
}

fn refusal(action: &str, code: &str, status: u16, times: usize) -> Fault {
    Fault::Error {
        action: action.into(),
        code: code.into(),
        message: "on purpose".into(),
        status,
        times,
    }
}

fn a_failed_step_stops_its_tenant_only(major: u16) {
    let site = Site::start(major);
    site.tenants(&tenants(4, ""));
    site.world
        .proxy
        .inject(refusal("CreateUser", "AccessDenied", 403, 1));
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("Apply incomplete: 1 steps failed"), "{run}");
    assert!(
        run.stdout.contains("failed: ") && run.stdout.contains("iam_user.client"),
        "{run}"
    );
    // Postgres works beside IAM, so that one may be there; nothing is open to it.
    assert_eq!(let_in(&site), 3, "{run}");
    site.apply().ok();
    site.assert_converged();
    assert_eq!(let_in(&site), 4);
}

/// How many tenants may connect to their databases, those that let nobody in left out.
fn let_in(site: &Site) -> usize {
    let may = "SELECT rolname FROM pg_roles JOIN pg_database ON datname = rolname || '_db1'
               WHERE rolname ~ '^client' AND datallowconn AND has_database_privilege(rolname, datname, 'CONNECT')";
    site.sql("postgres", may).len()
}

/// An extension that this server does not have.
fn a_failed_statement_stops_its_tenant_only(major: u16) {
    let site = Site::start(major);
    let file = |extension: &str| {
        tenants(3, "").replace(
            "tenant \"client02\" {}",
            &format!("tenant \"client02\" {{ extensions = [{extension}] }}"),
        )
    };
    site.tenants(&file("\"pg_not_there\""));
    let run = site.run(&["apply", "--auto-approve", "--json"]);
    assert_eq!(run.code, 1, "{run}");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["complete"], false);
    let results = report["results"].as_array().unwrap();
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result["outcome"] == "failed")
        .collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|result| result["tenant"] == "client02"),
        "{run}"
    );
    let error = failed
        .iter()
        .map(|result| result["error"].to_string())
        .collect::<String>();
    assert!(error.contains("pg_not_there"), "{error}");
    let others = results.iter().filter(|result| result["tenant"] != "client02");
    assert!(
        others.clone().count() > 10 && others.clone().all(|result| result["outcome"] == "done"),
        "{run}"
    );
    let grant = "SELECT has_database_privilege('client02', 'client02_db1', 'CONNECT')";
    assert_eq!(site.value("postgres", grant), "f", "the door opens last");
    site.settle(&file(""));
    assert_eq!(site.value("postgres", grant), "t");
}

/// A value that Postgres refuses, in a transaction that is meant for all of them.
fn a_failed_setting_stops_its_tenant_only(major: u16) {
    let site = Site::start(major);
    let file = |work_mem: &str| {
        tenants(4, "").replace(
            "tenant \"client02\" {}",
            &format!("tenant \"client02\" {{ settings = {{ work_mem = \"{work_mem}\" }} }}"),
        )
    };
    site.tenants(&file("a lot"));
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("Apply incomplete: 1 steps failed"), "{run}");
    assert!(run.to_string().contains("invalid value for parameter"), "{run}");
    let roles = "SELECT rolname FROM pg_roles WHERE rolname ~ '^client' AND rolcanlogin";
    assert_eq!(site.sql("postgres", roles).len(), 4, "{run}");
    assert_eq!(let_in(&site), 3, "{run}");
    site.settle(&file("32MB"));
    assert_eq!(let_in(&site), 4);
}

fn lost_answers_and_throttling_are_survived(major: u16) {
    for action in ["CreateUser", "PutUserPolicy", "CreateRole", "PutRolePolicy"] {
        let site = Site::start(major);
        site.tenants(&tenants(2, ""));
        site.world.proxy.inject(Fault::LostAnswer {
            action: action.into(),
            times: 1,
        });
        let run = site.apply();
        site.world.proxy.heal();
        if run.code != 0 {
            assert!(run.stdout.contains("Apply incomplete"), "{action}: {run}");
            site.apply().ok();
        }
        site.assert_converged();
    }
    let site = Site::start(major);
    site.tenants(&tenants(3, ""));
    site.world.proxy.inject(refusal("*", "Throttling", 400, 6));
    site.apply().ok();
    site.assert_converged();
    assert!(state_of::exists(&site, "User", "client03"));
}

/// The call worked and its answer, which alone holds the secret, never came.
fn a_key_whose_secret_was_lost_is_replaced(major: u16) {
    let recipient = Recipient::new();
    let site = Site::start(major);
    site.tenants(&tenants(1, &recipient.block()));
    site.world.proxy.inject(Fault::LostAnswer {
        action: "CreateAccessKey".into(),
        times: 1,
    });
    let run = site.apply();
    site.world.proxy.heal();
    if run.code != 0 {
        assert!(run.stdout.contains("Apply incomplete"), "{run}");
        let stranded = state_of::keys(&site, "client01");
        site.apply().ok();
        assert!(
            stranded
                .iter()
                .all(|key| !state_of::keys(&site, "client01").contains(key)),
            "{stranded:?}"
        );
    }
    site.assert_converged();
    let key = recipient.key(&site, "client01");
    assert_eq!(
        state_of::keys(&site, "client01"),
        [(key.id.clone(), "Active".to_owned())],
        "one key, and its holder has it"
    );
    let token = key.token(&site, "client01");
    assert_eq!(
        site.login("client01", &token, "client01_db1", "SELECT 1"),
        Ok("1".into())
    );
}

/// A question that a crash left is answered once it can be; else it would be asked of every later key.
fn a_key_made_by_hand_is_not_taken_for_a_lost_one(major: u16) {
    let recipient = Recipient::new();
    let site = Site::start(major);
    site.tenants(&tenants(1, &recipient.block()));
    site.world.proxy.inject(Fault::LostAnswer {
        action: "CreateAccessKey".into(),
        times: 1,
    });
    assert_eq!(site.apply().code, 1);
    for (lost, _) in state_of::keys(&site, "client01") {
        let parameters = [("UserName", "client01"), ("AccessKeyId", lost.as_str())];
        state_of::call(&site, "DeleteAccessKey", &parameters);
    }
    site.apply().ok();
    site.assert_converged();
    state_of::call(&site, "CreateAccessKey", &[("UserName", "client01")]);
    let keys = state_of::keys(&site, "client01");
    assert_eq!(keys.len(), 2);
    site.assert_converged();
    site.apply().ok();
    assert_eq!(state_of::keys(&site, "client01"), keys);
}
