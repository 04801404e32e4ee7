//! What else a tenant may carry: settings, a connection limit, extensions.

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Site, changes};

on_both_ends!(
    settings_limits_and_extensions_are_applied,
    settings_and_limits_are_changed_and_only_ours_removed
);

const EXTENSION: &str = "SELECT extowner::regrole FROM pg_extension WHERE extname = 'pg_trgm'";

fn tenant(recipient: &Recipient, more: &str) -> String {
    let block = recipient.block();
    format!(
        "tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {block}\n  {more}\n}}"
    )
}

/// The connection limit, and the settings in order.
fn stored(site: &Site) -> Vec<String> {
    let query = "SELECT rolconnlimit, (SELECT array_agg(s ORDER BY s) FROM unnest(rolconfig) s) FROM pg_roles \
                 WHERE rolname = 'client01'";
    site.sql("postgres", query).remove(0)
}

fn settings_limits_and_extensions_are_applied(major: u16) {
    let recipient = Recipient::new();
    let site = Site::with(
        major,
        &tenant(
            &recipient,
            "connection_limit = 5\n  extensions = [\"pg_trgm\"]\n  settings = {\n    statement_timeout = \"30s\"\n    \
             search_path = \"app, public\"\n    TimeZone = \"Europe/Warsaw\"\n  }",
        ),
    );
    let password = recipient.open(&site, "client01")["password"].clone();
    let show = |name: &str| {
        site.login("client01", &password, "client01_db1", &format!("SHOW {name}"))
            .unwrap()
    };
    assert_eq!(
        [show("statement_timeout"), show("search_path"), show("timezone")],
        ["30s", "app, public", "Europe/Warsaw"]
    );
    assert_eq!(stored(&site)[0], "5");
    assert_eq!(
        site.value("client01_db1", EXTENSION),
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
    site.settle(&tenant(&recipient, ""));
    assert_eq!(
        stored(&site),
        ["5", ""],
        "a limit that is not said is not managed"
    );
    assert_eq!(
        site.value("client01_db1", EXTENSION),
        "postgres_master",
        "an extension may hold data: it stays"
    );
}

fn settings_and_limits_are_changed_and_only_ours_removed(major: u16) {
    let recipient = Recipient::new();
    let tenant = |more: &str| tenant(&recipient, more);
    let site = Site::with(
        major,
        &tenant(
            "connection_limit = 5\n  settings = { statement_timeout = \"30s\", search_path = \"app, public\", \
             TimeZone = \"UTC\" }",
        ),
    );
    let password = recipient.open(&site, "client01")["password"].clone();

    // One of the tenant's own making stays whatever the file says.
    let own = "ALTER ROLE client01 SET work_mem = '8MB'; SELECT 1";
    assert_eq!(
        site.login("client01", &password, "client01_db1", own),
        Ok("1".into())
    );
    site.assert_converged();
    site.tenants(&tenant(
        "connection_limit = 6\n  settings = { statement_timeout = \"1min\" }",
    ));
    let expected = [
        "role.client01 update",
        "role_setting.client01/search_path delete",
        "role_setting.client01/statement_timeout update",
        "role_setting.client01/timezone delete",
    ];
    assert_eq!(changes(&site.plan_json()), expected);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(stored(&site), ["6", "{statement_timeout=1min,work_mem=8MB}"]);

    // The same length of time in other words is the same setting, or at least settles.
    site.settle(&tenant("settings = { statement_timeout = \"60s\" }"));
    site.settle(&tenant(""));
    assert_eq!(stored(&site), ["6", "{work_mem=8MB}"]);
    // What somebody sets by hand to a wanted name is put right.
    site.settle(&tenant("settings = { work_mem = \"4MB\" }"));
    site.master("postgres", "ALTER ROLE client01 SET work_mem = '1GB'");
    assert_eq!(
        changes(&site.plan_json()),
        ["role_setting.client01/work_mem update"]
    );
    site.apply().ok();
    assert_eq!(stored(&site), ["6", "{work_mem=4MB}"]);
}
