//! A role that goes, and is granted or owns something in a database that stays.

use super::on_both_ends;
use super::site::{Site, changes, held};

on_both_ends!(
    privileges_elsewhere_go_with_the_role,
    what_it_owns_elsewhere_keeps_the_role,
    what_a_superuser_granted_keeps_the_role
);

const OTHER: &str = "tenant \"client02\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}\n";
const GOING: &str = "tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n  \
                     deletion_policy = \"delete\"\n}\n";
const ROLES: &str = "SELECT count(*) FROM pg_roles WHERE rolname = 'client01'";

const GRANTS: &str = "
    CREATE TABLE kept AS SELECT 42 AS n;
    CREATE SCHEMA other;
    CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    GRANT SELECT, UPDATE ON kept TO client01;
    GRANT SELECT (n) ON kept TO client01;
    GRANT USAGE ON SCHEMA other TO client01;
    GRANT EXECUTE ON FUNCTION answer() TO client01;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO client01;
    ALTER TABLE kept ENABLE ROW LEVEL SECURITY;
    CREATE POLICY of_one ON kept TO client01 USING (true);
    SELECT lo_create(4711);
    GRANT SELECT ON LARGE OBJECT 4711 TO client01";

/// A database of nobody's, made by a colleague with the master's rights, and another tenant's, in which that tenant has
/// granted: the role holds every kind of privilege in both.
fn site(major: u16) -> Site {
    let site = Site::with(major, &(OTHER.to_owned() + GOING));
    site.master("postgres", "CREATE DATABASE reports");
    site.master("postgres", "REVOKE ALL ON DATABASE reports FROM PUBLIC");
    site.master("postgres", "GRANT CONNECT ON DATABASE reports TO client01");
    site.master("reports", GRANTS);
    site.master("reports", "GRANT USAGE ON SCHEMA public TO client01");
    let own = "ALTER DEFAULT PRIVILEGES FOR ROLE client01 GRANT SELECT ON TABLES TO PUBLIC";
    site.sql("reports", own);
    site.sql("postgres", "GRANT CREATE ON DATABASE client02_db1 TO client02");
    site.sql("client02_db1", &format!("SET ROLE client02; {GRANTS}"));
    site.sql("postgres", "REVOKE CREATE ON DATABASE client02_db1 FROM client02");
    site
}

fn privileges_elsewhere_go_with_the_role(major: u16) {
    let site = site(major);
    site.tenants(OTHER);
    let text = site.plan().ok();
    for place in [
        "in database client02_db1",
        "in database reports",
        "on database reports",
    ] {
        assert!(text.contains(place), "no {place}: {text}");
    }
    let plan = site.plan_json();
    assert!(
        changes(&plan).contains(&"role.client01 delete".to_owned()),
        "{plan:#}"
    );
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", ROLES), "0");
    for database in ["reports", "client02_db1"] {
        assert_eq!(
            site.value(database, "SELECT n FROM kept"),
            "42",
            "nothing but privileges went"
        );
        assert_eq!(
            site.value(database, "SELECT count(*) FROM pg_largeobject_metadata"),
            "1"
        );
    }
    // The admin was its member for a moment, and is no longer.
    let members = "SELECT pg_has_role('postgres_master', 'client02', 'USAGE')";
    assert_eq!(site.value("postgres", members), "f");
    site.settle(&(OTHER.to_owned() + GOING));
}

fn what_it_owns_elsewhere_keeps_the_role(major: u16) {
    let site = site(major);
    site.sql(
        "reports",
        "ALTER TABLE kept OWNER TO client01; ALTER LARGE OBJECT 4711 OWNER TO client01",
    );
    site.tenants(OTHER);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", ROLES), "1");
    let login = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'client01'";
    assert_eq!(site.value("postgres", login), "f");
    let database = "SELECT count(*) FROM pg_database WHERE datname = 'client01_db1'";
    assert_eq!(
        site.value("postgres", database),
        "0",
        "the rest of the removal is done"
    );
    assert_eq!(
        site.value(
            "reports",
            "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
        ),
        "client01"
    );
    let plan = site.plan_json();
    let because = held(&plan, "role.client01");
    assert!(
        because.contains("it owns 2 objects in database \"reports\""),
        "{because}"
    );

    // What the reason says helps, run by the master itself.
    let statements = because.split("\": ").last().unwrap();
    assert!(
        statements.starts_with("BEGIN; GRANT") && statements.ends_with("COMMIT"),
        "{because}"
    );
    site.master("reports", statements);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", ROLES), "0");
    assert_eq!(
        site.value(
            "reports",
            "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
        ),
        "postgres_master"
    );
    assert_eq!(site.value("reports", "SELECT n FROM kept"), "42");
}

fn what_a_superuser_granted_keeps_the_role(major: u16) {
    let site = site(major);
    site.sql(
        "reports",
        "CREATE TABLE audit (n int); GRANT SELECT ON audit TO client01",
    );
    site.tenants(OTHER);
    site.apply().ok();
    site.assert_converged();
    let plan = site.plan_json();
    let because = held(&plan, "role.client01");
    assert!(because.contains("on what \"rdsadmin\" owns"), "{because}");
    let statement = because.split("in reports: ").last().unwrap();
    assert!(statement.starts_with("DROP OWNED BY"), "{because}");
    site.sql("reports", statement);
    site.settle(OTHER);
    assert_eq!(site.value("postgres", ROLES), "0");
    assert_eq!(site.value("reports", "SELECT n FROM kept"), "42");
}
