//! Suspended: no way in, nothing lost, and exactly reversible.

use super::login::Recipient;
use super::site::{Site, changes};
use super::{on_all, state_of};

on_all!(suspension_cuts_all_access_and_is_undone_exactly);

const DEAD: &str = "28000";

fn suspension_cuts_all_access_and_is_undone_exactly(major: u16) {
    let recipient = Recipient::new();
    let tenants = |state: &str| {
        format!(
            "defaults {{\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n  state = \"{state}\"\n}}\n\
             tenant \"client01\" {{\n  {}\n}}\ntenant \"client02\" {{}}",
            recipient.block()
        )
    };
    let site = Site::with(major, &tenants("active"));
    let by_hand = |user: &str| {
        let made = state_of::call(&site, "CreateAccessKey", &[("UserName", user)]);
        state_of::texts(&made, "AccessKeyId").remove(0)
    };
    by_hand("client01");
    by_hand("client02");
    let off = by_hand("client02");
    set_key(&site, "client02", &off, "Inactive");
    let keys = || {
        [
            state_of::keys(&site, "client01"),
            state_of::keys(&site, "client02"),
        ]
    };
    let keys_before = keys();
    assert_eq!(keys_before.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    let key = recipient.key(&site, "client01");
    let token = key.token(&site, "client01");
    let fill = "CREATE TABLE kept AS SELECT 42 AS n; SELECT n FROM kept";
    assert_eq!(
        site.login("client01", &token, "client01_db1", fill),
        Ok("42".into())
    );
    let (catalogs, iam) = (state_of::postgres(&site), state_of::iam(&site));
    let session = site.open_session("client01", &token, "client01_db1");

    site.settle(&tenants("suspended"));
    session.was_ended();
    let login = "SELECT string_agg(rolcanlogin::text, ' ') FROM pg_roles WHERE rolname ~ '^client'";
    assert_eq!(site.value("postgres", login), "false false");
    assert!(
        keys().iter().flatten().all(|(_, status)| status == "Inactive"),
        "{:?}",
        keys()
    );
    // A token that is still good for minutes, and a key that somebody switched on again, are of no use.
    assert_eq!(
        site.login("client01", &token, "client01_db1", "SELECT 1"),
        Err(DEAD.into())
    );
    set_key(&site, "client01", &key.id, "Active");
    let refused = key.run(&site, &["token", "client01"]).refused();
    assert!(
        refused.contains("AccessDenied") || refused.contains("not authorized"),
        "{refused}"
    );
    assert_eq!(changes(&site.plan_json()), ["iam_access_key.client01 update"]);
    site.apply().ok();
    site.assert_converged();
    assert!(keys().iter().flatten().all(|(_, status)| status == "Inactive"));
    assert_eq!(site.value("client01_db1", "SELECT n FROM kept"), "42");

    site.settle(&tenants("active"));
    assert_eq!(keys(), keys_before, "the one that was off before stays off");
    assert_eq!(state_of::postgres(&site), catalogs);
    assert_eq!(state_of::iam(&site), iam);
    let token = key.token(&site, "client01");
    assert_eq!(
        site.login("client01", &token, "client01_db1", "SELECT n FROM kept"),
        Ok("42".into())
    );
}

fn set_key(site: &Site, user: &str, id: &str, status: &str) {
    state_of::call(
        site,
        "UpdateAccessKey",
        &[("UserName", user), ("AccessKeyId", id), ("Status", status)],
    );
}
