//! A tenant that has another name now: everything it had, it has under the new one.

use tenantctl_testbed::Side;

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Site, wait_until};
use super::state_of;

on_both_ends!(
    a_move_loses_no_data_and_no_grant,
    a_move_that_is_killed_at_any_change_is_finished_by_the_next_run,
    somebody_inside_is_named
);

const MOVED: &str = "moved {\n  from = \"tenant.client01\"\n  to   = \"tenant.north\"\n}\n\
                     moved {\n  from = \"tenant.client02\"\n  to   = \"tenant.south\"\n}\n";

fn tenants(recipient: &Recipient) -> String {
    let handover = recipient.block();
    format!(
        "tenant \"client01\" {{\n  databases = [\"db1\", \"db2\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n  connection_limit = 9\n  \
         settings = {{ statement_timeout = \"77s\" }}\n  extensions = [\"pg_trgm\"]\n  {handover}\n}}\n\
         tenant \"client02\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {handover}\n}}\n"
    )
}

fn renamed(text: &str) -> String {
    text.replace("client01", "north").replace("client02", "south")
}

/// What a tenant makes of its database, and others of it.
fn live_in(site: &Site, tenant: &str, database: &str) {
    for statement in [
        format!("CREATE SCHEMA own AUTHORIZATION {tenant}; ALTER DATABASE {database} SET work_mem = '7MB'"),
        format!(
            "SET ROLE {tenant}; CREATE TABLE own.precious AS SELECT 42 AS answer; CREATE TABLE public.more (a int)"
        ),
        format!(
            "SET ROLE {tenant}; GRANT USAGE ON SCHEMA own TO colleague; GRANT SELECT ON own.precious TO colleague"
        ),
        format!(
            "SET ROLE {tenant}; ALTER DEFAULT PRIVILEGES IN SCHEMA own GRANT SELECT ON TABLES TO colleague"
        ),
    ] {
        site.sql(database, &statement);
    }
}

/// Who owns what and who may do what, with names as they are.
fn inside(site: &Site, database: &str) -> String {
    let query = "SELECT 'schema', nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname IN ('own', 'public') \
                 UNION ALL SELECT 'table', relname, relowner::regrole, relacl FROM pg_class WHERE relname IN ('precious', 'more') \
                 UNION ALL SELECT 'default', '', defaclrole::regrole, defaclacl FROM pg_default_acl \
                 UNION ALL SELECT 'extension', extname, extowner::regrole, NULL FROM pg_extension ORDER BY 1, 2";
    let shared = "SELECT datdba::regrole, datacl, datconnlimit, (SELECT setconfig FROM pg_db_role_setting \
                  WHERE setdatabase = d.oid) FROM pg_database d WHERE datname = current_database()";
    format!("{:?} {:?}", site.sql(database, query), site.sql(database, shared))
}

fn role_of(site: &Site, name: &str) -> Vec<Vec<String>> {
    let query = format!(
        "SELECT oid, rolpassword, rolcanlogin, rolconnlimit, (SELECT setconfig FROM pg_db_role_setting \
         WHERE setrole = a.oid), (SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = a.oid) \
         FROM pg_authid a WHERE rolname = '{name}'"
    );
    site.sql("postgres", &query)
}

fn a_move_loses_no_data_and_no_grant(major: u16) {
    let recipient = Recipient::new();
    let text = tenants(&recipient);
    let site = Site::with(major, &text);
    site.master("postgres", "CREATE ROLE colleague");
    for (tenant, database) in [("client01", "client01_db1"), ("client02", "client02_db1")] {
        live_in(&site, tenant, database);
    }
    site.apply().ok();
    let key = recipient.key(&site, "client01");
    let password = recipient.open(&site, "client02")["password"].clone();
    let session = site.open_session("client02", &password, "client02_db1");
    let keys = state_of::keys(&site, "client01");
    let before: Vec<_> = ["client01_db1", "client01_db2", "client02_db1"]
        .map(|name| inside(&site, name))
        .to_vec();
    let roles = [role_of(&site, "client01"), role_of(&site, "client02")];
    let objects = "SELECT count(*) FROM tenantctl.object";
    let remembered = site.value("postgres", objects);

    site.tenants(&(MOVED.to_owned() + &renamed(&text)));
    let plan = site.plan().ok();
    assert!(plan.contains("name: client01_db1 -> north_db1"), "{plan}");
    assert!(plan.contains("IAM renames no role"), "{plan}");
    site.apply().ok();
    session.was_ended();
    site.assert_converged();

    let after: Vec<_> = ["north_db1", "north_db2", "south_db1"]
        .map(|name| inside(&site, name))
        .to_vec();
    let expected: Vec<_> = before.iter().map(|text| renamed(text)).collect();
    assert_eq!(after, expected);
    assert_eq!([role_of(&site, "north"), role_of(&site, "south")], roles);
    for database in ["north_db1", "south_db1"] {
        assert_eq!(site.value(database, "SELECT answer FROM own.precious"), "42");
    }
    let gone = "SELECT count(*) FROM (SELECT rolname AS name FROM pg_roles UNION SELECT datname FROM pg_database) a \
                WHERE name ~ '^client'";
    assert_eq!(site.value("postgres", gone), "0");
    // The key is the one its holder has, and opens the same database by its new names; so does the password.
    assert_eq!(state_of::keys(&site, "north"), keys);
    assert!(
        !state_of::exists(&site, "User", "client01")
            && !state_of::exists(&site, "Role", "rds_cluster_client01")
    );
    let token = key.token(&site, "north");
    assert_eq!(
        site.login("north", &token, "north_db1", "SELECT answer FROM own.precious"),
        Ok("42".into())
    );
    assert_eq!(
        site.login("south", &password, "south_db1", "SELECT answer FROM own.precious"),
        Ok("42".into())
    );
    // The ledger knows nobody by the old name, and forgot nobody.
    assert_eq!(site.value("postgres", objects), remembered);
    let old = "SELECT count(*) FROM tenantctl.object WHERE address::text LIKE '%client0%' OR tenant LIKE 'client0%'";
    assert_eq!(site.value("postgres", old), "0");
    let old =
        "SELECT count(*) FROM tenantctl.access_key WHERE user_name LIKE 'client0%' OR tenant LIKE 'client0%'";
    assert_eq!(site.value("postgres", old), "0");

    // The block has done its work: it may go.
    site.tenants(&renamed(&text));
    site.assert_converged();
    // And what moved can still leave.
    site.settle("");
    assert_eq!(
        site.value(
            "postgres",
            "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'north'"
        ),
        "f"
    );
}

fn a_move_that_is_killed_at_any_change_is_finished_by_the_next_run(major: u16) {
    let recipient = Recipient::new();
    let block = |name: &str| {
        format!(
            "tenant {name:?} {{\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n  \
             settings = {{ statement_timeout = \"77s\" }}\n  {}\n}}\n",
            recipient.block()
        )
    };
    let moved = |from: &str, to: &str| {
        format!(
            "moved {{\n  from = \"tenant.{from}\"\n  to = \"tenant.{to}\"\n}}\n{}",
            block(to)
        )
    };
    let arguments = ["apply", "--auto-approve", "--parallelism", "1", "--no-audit"];
    let site = Site::with(major, &block("client01"));
    let keys = state_of::keys(&site, "client01");
    site.sql("client01_db1", "CREATE TABLE precious AS SELECT 42 AS answer");
    let gate = site.world.gate();
    let (mut from, mut to) = ("client01", "north");
    let mut number = 0;
    loop {
        number += 1;
        site.tenants(&moved(from, to));
        gate.shut_at(number, Side::After);
        let mut run = site.spawn(&arguments);
        wait_until("the gate is shut, or the run is over", || {
            gate.is_shut() || run.try_wait().unwrap().is_some()
        });
        let all_passed = !gate.is_shut();
        let at = gate.passed().last().cloned().unwrap_or_default();
        let _ = run.kill();
        run.wait().unwrap();
        gate.open();
        let next = site.run(&arguments);
        assert_eq!(next.code, 0, "killed after {number}, {at}: {next}");
        site.assert_converged();
        assert_eq!(
            site.value(&format!("{to}_db1"), "SELECT answer FROM precious"),
            "42",
            "{at}"
        );
        assert_eq!(state_of::keys(&site, to), keys, "{at}");
        assert_eq!(state_of::users(&site).len(), 1, "{at}");
        let remembered = "SELECT string_agg(DISTINCT tenant, ',') || ' ' || count(*) FROM tenantctl.object WHERE tenant IS NOT NULL";
        assert_eq!(
            site.value("postgres", remembered),
            format!("{to} 5"),
            "killed after {number}, {at}"
        );
        let stale = format!("SELECT count(*) FROM tenantctl.object WHERE address::text LIKE '%{from}%'");
        assert_eq!(site.value("postgres", &stale), "0", "killed after {number}, {at}");
        std::mem::swap(&mut from, &mut to);
        if all_passed {
            break;
        }
    }
    assert!(number > 12, "a move has more changes than {number}");
}

/// Postgres renames no database that somebody is in, and says who that is; then it is tried again.
fn somebody_inside_is_named(major: u16) {
    let site = Site::with(
        major,
        "tenant \"client01\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}",
    );
    site.sql(
        "postgres",
        "CREATE ROLE visitor LOGIN PASSWORD 'v'; GRANT CONNECT ON DATABASE client01_db1 TO visitor",
    );
    let session = site.open_session("visitor", "v", "client01_db1");
    site.tenants("moved {\n  from = \"tenant.client01\"\n  to = \"tenant.north\"\n}\ntenant \"north\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}");
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("role \"visitor\""), "{run}");
    assert!(session.is_open(), "whoever is no tenant is not sent away");
    site.sql(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'visitor'",
    );
    site.apply().ok();
    site.assert_converged();
}
