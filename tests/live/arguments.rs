//! What else a tenant may carry: settings, a connection limit, extensions.

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Site, changes};

on_both_ends!(settings_limits_and_extensions_are_applied_changed_and_removed);

fn settings_limits_and_extensions_are_applied_changed_and_removed(major: u16) {
    let recipient = Recipient::new();
    let tenant = |more: &str| {
        let block = recipient.block();
        format!(
            "tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {block}\n  {more}\n}}"
        )
    };
    let site = Site::with(
        major,
        &tenant(
            "connection_limit = 5\n  extensions = [\"pg_trgm\"]\n  settings = {\n    statement_timeout = \"30s\"\n    \
             search_path = \"app, public\"\n    TimeZone = \"Europe/Warsaw\"\n  }",
        ),
    );
    let password = recipient.open(&site, "client01")["password"].clone();
    let show = |name: &str| {
        site.login("client01", &password, "client01_db1", &format!("SHOW {name}"))
            .unwrap()
    };
    let stored = || {
        let query = "SELECT rolconnlimit, (SELECT array_agg(s ORDER BY s) FROM unnest(rolconfig) s) FROM pg_roles \
                     WHERE rolname = 'client01'";
        site.sql("postgres", query).remove(0)
    };
    assert_eq!(
        [show("statement_timeout"), show("search_path"), show("timezone")],
        ["30s", "app, public", "Europe/Warsaw"]
    );
    assert_eq!(stored()[0], "5");
    let extension = "SELECT extowner::regrole FROM pg_extension WHERE extname = 'pg_trgm'";
    assert_eq!(
        site.value("client01_db1", extension),
        "postgres_master",
        "the admin's, not the tenant's"
    );
    let similar = site.login(
        "client01",
        &password,
        "client01_db1",
        "SET search_path = public; SELECT similarity('a', 'a')",
    );
    assert_eq!(similar, Ok("1".into()));

    // One of the tenant's own making stays whatever the file says.
    let own = "ALTER ROLE client01 SET work_mem = '8MB'; SELECT 1";
    assert_eq!(
        site.login("client01", &password, "client01_db1", own),
        Ok("1".into())
    );
    site.assert_converged();
    let fewer = tenant(
        "connection_limit = 6\n  extensions = [\"pg_trgm\"]\n  settings = { statement_timeout = \"1min\" }",
    );
    site.tenants(&fewer);
    let expected = [
        "role.client01 update",
        "role_setting.client01/search_path delete",
        "role_setting.client01/statement_timeout update",
        "role_setting.client01/timezone delete",
    ];
    assert_eq!(changes(&site.plan_json()), expected);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(stored(), ["6", "{statement_timeout=1min,work_mem=8MB}"]);

    // The same length of time in other words is the same setting, or at least settles.
    site.settle(&tenant("settings = { statement_timeout = \"60s\" }"));
    site.settle(&tenant(""));
    assert_eq!(
        stored(),
        ["6", "{work_mem=8MB}"],
        "a limit that is not said is not managed"
    );
    assert_eq!(
        site.value("client01_db1", extension),
        "postgres_master",
        "an extension holds data: it stays"
    );
    // What somebody sets by hand to a wanted name is put right.
    site.settle(&tenant("settings = { work_mem = \"4MB\" }"));
    site.master("postgres", "ALTER ROLE client01 SET work_mem = '1GB'");
    assert_eq!(
        changes(&site.plan_json()),
        ["role_setting.client01/work_mem update"]
    );
    site.apply().ok();
    assert_eq!(show("work_mem"), "4MB");
}
