//! A tenant leaves the file: its access goes, its data stays, unless it was agreed before that it goes.

use super::login::Recipient;
use super::site::{Site, changes, held};
use super::{on_all, on_both_ends, state_of};

on_all!(
    removal_cuts_access_keeps_data_and_can_be_undone,
    data_goes_only_where_that_was_applied_before
);
on_both_ends!(many_removals_at_once_need_a_word);

const OTHER: &str = "tenant \"client02\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n}\n";

fn tenant(recipient: &Recipient, more: &str) -> String {
    format!(
        "{OTHER}tenant \"client01\" {{\n  databases = [\"db1\", \"db2\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n  {}\n  {more}\n}}\n",
        recipient.block()
    )
}

fn removal_cuts_access_keeps_data_and_can_be_undone(major: u16) {
    let recipient = Recipient::new();
    let site = Site::with(major, &tenant(&recipient, ""));
    state_of::call(&site, "CreateAccessKey", &[("UserName", "client01")]);
    let key = recipient.key(&site, "client01");
    let token = key.token(&site, "client01");
    let fill = "CREATE TABLE kept AS SELECT 42 AS n; SELECT n FROM kept";
    assert_eq!(
        site.login("client01", &token, "client01_db1", fill),
        Ok("42".into())
    );
    let session = site.open_session("client01", &token, "client01_db2");

    site.tenants(OTHER);
    let text = site.plan().ok();
    assert!(
        text.contains("client01 can no longer log in; client01_db1, client01_db2 retained"),
        "{text}"
    );
    let removed = site.apply().ok();
    assert!(removed.contains("Apply complete!"), "{removed}");
    session.was_ended();
    assert_eq!(
        site.value(
            "postgres",
            "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'client01'"
        ),
        "f"
    );
    assert_eq!(
        site.login("client01", &token, "client01_db1", "SELECT 1"),
        Err("28000".into())
    );
    assert!(!state_of::exists(&site, "User", "client01"));
    assert!(!state_of::exists(&site, "Role", "rds_cluster_client01"));
    assert!(state_of::exists(&site, "User", "client02"));
    assert_eq!(site.value("client01_db1", "SELECT n FROM kept"), "42");
    site.assert_converged();
    let plan = site.plan_json();
    for address in ["database.client01_db1", "database.client01_db2"] {
        assert!(held(&plan, address).contains("retained"), "{plan:#}");
    }

    site.settle(&tenant(&recipient, ""));
    let again = recipient.key(&site, "client01");
    assert_ne!(again.id, key.id);
    let token = again.token(&site, "client01");
    assert_eq!(
        site.login("client01", &token, "client01_db1", "SELECT n FROM kept"),
        Ok("42".into())
    );
    assert_eq!(held(&site.plan_json(), "database.client01_db1"), "");
}

fn data_goes_only_where_that_was_applied_before(major: u16) {
    let recipient = Recipient::new();
    let site = Site::with(major, &tenant(&recipient, ""));
    let delete = "deletion_policy = \"delete\"";

    // In the same edit as the removal it was never agreed to.
    site.settle(&format!("defaults {{ {delete} }}\n{OTHER}"));
    assert!(state_of::databases(&site).contains(&"client01_db1".to_owned()));
    assert!(held(&site.plan_json(), "database.client01_db1").contains("retained"));

    site.settle(&tenant(&recipient, delete));
    let key = recipient.key(&site, "client01");
    let token = key.token(&site, "client01");
    let fill = "CREATE TABLE lost AS SELECT 42 AS n; SELECT n FROM lost";
    assert_eq!(
        site.login("client01", &token, "client01_db1", fill),
        Ok("42".into())
    );
    let session = site.open_session("client01", &token, "client01_db1");
    site.tenants(OTHER);
    let text = site.plan().ok();
    assert!(text.contains("DROPPED, with all data"), "{text}");
    let plan = site.plan_json();
    for gone in [
        "database.client01_db1 delete",
        "database.client01_db2 delete",
        "role.client01 delete",
    ] {
        assert!(changes(&plan).contains(&gone.to_owned()), "{plan:#}");
    }
    site.apply().ok();
    session.was_ended();
    site.assert_converged();
    assert!(
        !state_of::databases(&site)
            .iter()
            .any(|name| name.starts_with("client01"))
    );
    assert_eq!(
        site.value(
            "postgres",
            "SELECT count(*) FROM pg_roles WHERE rolname = 'client01'"
        ),
        "0"
    );
    assert!(!state_of::exists(&site, "User", "client01"));
    assert!(state_of::databases(&site).contains(&"client02_db1".to_owned()));
    let plan = site.plan_json();
    assert_eq!(
        held(&plan, "database.client01_db1"),
        "",
        "nothing is retained of it: {plan:#}"
    );
    site.settle(&tenant(&recipient, ""));
}

fn many_removals_at_once_need_a_word(major: u16) {
    let tenants = |numbers: std::ops::RangeInclusive<u32>| -> String {
        numbers
            .map(|n| format!("tenant \"client{n:02}\" {{ rds_iam_auth = false }}\n"))
            .collect()
    };
    let site = Site::with(major, &tenants(1..=10));
    site.tenants(&tenants(1..=3));
    let before = state_of::postgres(&site);
    let refused = site.apply().refused();
    assert!(
        refused.contains("7 of 10 tenants") && refused.contains("--max-removals 7"),
        "{refused}"
    );
    for n in 4..=10 {
        assert!(refused.contains(&format!("client{n:02}")), "{refused}");
    }
    let text = site.plan();
    assert!(text.stdout.contains("7 of 10 tenants"), "{text}");
    assert_eq!(
        site.run(&["apply", "--auto-approve", "--max-removals", "6"]).code,
        1
    );
    assert_eq!(state_of::postgres(&site), before);

    site.run(&["apply", "--auto-approve", "--max-removals", "7"]).ok();
    site.assert_converged();
    let left = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname ~ '^client' AND rolcanlogin";
    assert_eq!(site.value("postgres", left), "client01 client02 client03");
    // Up to five need none.
    site.settle("");
}
