//! `postgres`, `template1` and what others made: closed to tenants, and to nobody who was there before.

use super::login::Recipient;
use super::site::{Site, changes, held, warnings};
use super::{on_all, on_both_ends, state_of};

on_all!(public_loses_shared_databases_and_other_logins_keep_them);
on_both_ends!(shared_databases_can_be_warned_about_or_left);

const PUBLIC: &str = "SELECT count(*) FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a \
                      WHERE a.grantee = 0 AND datname = ";
const SHARED: [&str; 3] = ["postgres", "template1", "warehouse"];

/// A login and two databases that were there before us.
fn neighbours(site: &Site) {
    site.master(
        "postgres",
        "CREATE ROLE reporting LOGIN PASSWORD 'reporting-password'",
    );
    site.master("postgres", "CREATE DATABASE warehouse");
    site.sql("postgres", "CREATE ROLE stranger NOLOGIN");
    site.sql("postgres", "CREATE DATABASE strangers OWNER stranger");
}

fn public_items(site: &Site, database: &str) -> String {
    site.value("postgres", &format!("{PUBLIC}'{database}'"))
}

fn public_loses_shared_databases_and_other_logins_keep_them(major: u16) {
    let site = Site::start(major);
    neighbours(&site);
    let recipient = Recipient::new();
    let block = recipient.block();
    site.tenants(&format!(
        "tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {block}\n}}"
    ));
    let strangers = state_of::postgres(&site)
        .lines()
        .filter(|line| line.contains("strangers"))
        .collect::<String>();
    let plan = site.plan_json();
    let because = held(&plan, "database_grant.strangers/PUBLIC");
    assert!(
        because.contains("stranger") && because.contains("REVOKE ALL ON DATABASE"),
        "{plan:#}"
    );
    site.apply().ok();
    site.assert_converged();

    let password = recipient.open(&site, "client01")["password"].clone();
    for database in SHARED {
        assert_eq!(public_items(&site, database), "0", "{database}");
        assert_eq!(
            site.login("client01", &password, database, "SELECT 1"),
            Err("42501".into()),
            "{database}"
        );
        // Nobody ever had TEMPORARY on template1.
        let work = if database == "template1" {
            ""
        } else {
            "CREATE TEMP TABLE t (n int); "
        };
        let neighbour = site.login(
            "reporting",
            "reporting-password",
            database,
            &format!("{work}SELECT current_user"),
        );
        assert_eq!(neighbour, Ok("reporting".into()), "{database}");
    }
    let now = state_of::postgres(&site)
        .lines()
        .filter(|line| line.contains("strangers"))
        .collect::<String>();
    assert_eq!(now, strangers, "what only its owner may close is left as it is");

    // Somebody opens one again, and makes another.
    site.master("postgres", "GRANT CONNECT ON DATABASE warehouse TO PUBLIC");
    site.master("postgres", "CREATE DATABASE annex");
    let reopened = [
        "database_grant.annex/PUBLIC update",
        "database_grant.warehouse/PUBLIC update",
    ];
    assert_eq!(changes(&site.plan_json()), reopened);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(
        site.login("client01", &password, "annex", "SELECT 1"),
        Err("42501".into())
    );
    assert_eq!(
        site.login("reporting", "reporting-password", "annex", "SELECT 1"),
        Ok("1".into())
    );
}

fn shared_databases_can_be_warned_about_or_left(major: u16) {
    let site = Site::start(major);
    neighbours(&site);
    let tenant = "tenant \"client01\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}\n";
    for (word, expected) in [("warn", 4), ("leave", 0)] {
        site.write(
            "tenants.hcl",
            &(site.cluster(&format!("shared_databases = \"{word}\"")) + tenant),
        );
        let plan = site.plan_json();
        let count = warnings(&plan)
            .iter()
            .filter(|code| **code == "shared_database_open")
            .count();
        assert_eq!(count, expected, "{word}: {plan:#}");
        site.apply().ok();
        site.assert_converged();
        for database in SHARED {
            assert_ne!(public_items(&site, database), "0", "{word} {database}");
        }
    }
    assert_eq!(
        public_items(&site, "client01_db1"),
        "0",
        "a tenant's own is closed in any case"
    );
}
