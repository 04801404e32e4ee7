//! `databases.x = false` for one that exists: closed to its tenant, kept, and said.

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Site, changes, held};

on_both_ends!(a_database_no_longer_wanted_is_closed_kept_and_reported);

fn a_database_no_longer_wanted_is_closed_kept_and_reported(major: u16) {
    let recipient = Recipient::new();
    let tenant = |second: bool| {
        let block = recipient.block();
        format!(
            "tenant \"client01\" {{\n  databases = {{ db1 = true, db2 = {second} }}\n  rds_iam_auth = false\n  {block}\n}}"
        )
    };
    let site = Site::with(major, &tenant(true));
    let password = recipient.open(&site, "client01")["password"].clone();
    let login = |database: &str, statement: &str| site.login("client01", &password, database, statement);
    assert_eq!(
        login(
            "client01_db2",
            "CREATE TABLE kept AS SELECT 42 AS n; SELECT n FROM kept"
        ),
        Ok("42".into())
    );
    let stays = site.open_session("client01", &password, "client01_db1");
    let goes = site.open_session("client01", &password, "client01_db2");

    site.tenants(&tenant(false));
    let plan = site.plan_json();
    assert_eq!(changes(&plan), ["database_grant.client01_db2/client01 delete"]);
    assert!(
        held(&plan, "database.client01_db2").contains("retained"),
        "{plan:#}"
    );
    assert!(site.plan().ok().contains("retained: not wanted any more"));
    site.apply().ok();
    site.assert_converged();
    goes.was_ended();
    assert!(stays.is_open());
    assert_eq!(login("client01_db2", "SELECT 1"), Err("42501".into()));
    assert_eq!(login("client01_db1", "SELECT 1"), Ok("1".into()));
    assert_eq!(site.value("client01_db2", "SELECT n FROM kept"), "42");
    assert!(held(&site.plan_json(), "database.client01_db2").contains("retained"));

    site.settle(&tenant(true));
    assert_eq!(login("client01_db2", "SELECT n FROM kept"), Ok("42".into()));
    assert!(stays.is_open());
}
