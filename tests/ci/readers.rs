//! A login that can plan and nothing else.

use tenantctl_testbed::Credentials;

use super::site::{Run, Site, changes, held};

fn tenant(name: &str, network: &str) -> String {
    format!("tenant \"{name}\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"{network}\"]\n}}\n")
}

/// What a role holds, by name and by nothing else: on databases, on the ledger's schema, on its tables.
const HOLDS: &str = "
    SELECT 'database ' || d.datname || ' ' || x.privilege_type
    FROM pg_database d, aclexplode(d.datacl) x WHERE x.grantee = 'ci_plan'::regrole
    UNION SELECT 'schema ' || n.nspname || ' ' || x.privilege_type
    FROM pg_namespace n, aclexplode(n.nspacl) x WHERE x.grantee = 'ci_plan'::regrole
    UNION SELECT 'table ' || c.relname || ' ' || x.privilege_type
    FROM pg_class c, aclexplode(c.relacl) x WHERE x.grantee = 'ci_plan'::regrole
    ORDER BY 1";
const EVERYTHING: [&str; 9] = [
    "database client01_db1 CONNECT",
    "database client02_db1 CONNECT",
    "database postgres CONNECT",
    "schema tenantctl USAGE",
    "table access_key SELECT",
    "table object SELECT",
    "table run SELECT",
    "table step SELECT",
    "table version SELECT",
];

fn holds(site: &Site) -> Vec<String> {
    site.sql("postgres", HOLDS).into_iter().flatten().collect()
}

fn write(site: &Site, readers: &str, tenants: &str) {
    site.write("tenants.hcl", &format!("{}\n{tenants}", site.cluster(readers)));
}

fn as_reader(site: &Site, arguments: &[&str]) -> Run {
    let environment = [("TENANTCTL_READER", "ci_plan"), ("PGPASSWORD", "a-reader")];
    site.run_with(arguments, &environment)
}

fn a_reader_plans_and_can_do_nothing_else(major: u16) {
    let site = Site::start(major);
    let both = tenant("client01", "192.0.2.1/32") + &tenant("client02", "192.0.2.1/32");
    let readers = "readers = [\"ci_plan\"]";
    write(&site, readers, &both);
    // Nobody made the role yet: its grants are held, the rest goes on.
    site.apply().ok();
    let plan = site.plan_json();
    assert_eq!(changes(&plan), Vec::<String>::new());
    let because = held(&plan, "database_grant.client01_db1/ci_plan");
    assert!(because.contains("CREATE ROLE \"ci_plan\" LOGIN"), "{plan:#}");

    site.sql("postgres", "CREATE ROLE ci_plan LOGIN PASSWORD 'a-reader'");
    let early = as_reader(&site, &["plan"]).refused();
    assert!(
        early.contains("gets what it needs by an apply as the admin"),
        "{early}"
    );
    site.apply().ok();
    site.assert_converged();
    assert_eq!(holds(&site), EVERYTHING);

    // Nothing to do, or everything at once: the same plan, and the admin applies what the reader saved.
    assert_eq!(as_reader(&site, &["plan"]).ok(), site.plan().ok());
    let other = tenant("client01", "192.0.2.2/32") + &tenant("client03", "192.0.2.3/32");
    write(&site, readers, &other);
    site.sql("client01_db1", "GRANT CREATE ON SCHEMA public TO PUBLIC");
    for arguments in [&["plan", "-v"][..], &["plan", "--json"], &["plan", "--markdown"]] {
        assert_eq!(as_reader(&site, arguments).ok(), site.run(arguments).ok());
    }
    as_reader(&site, &["plan", "--out", "saved.plan"]).ok();
    site.run(&["apply", "saved.plan"]).ok();
    site.assert_converged();
    assert!(
        holds(&site).contains(&"database client03_db1 CONNECT".to_owned()),
        "{:?}",
        holds(&site)
    );

    can_do_nothing_else(&site);

    let audit = site.run(&["audit"]);
    assert!(
        audit.code == 0 && audit.stdout.contains("Readers (ci_plan) can connect"),
        "{audit}"
    );

    // What it cannot enter is a gap, and its contents are held.
    site.sql("postgres", "REVOKE CONNECT ON DATABASE client01_db1 FROM ci_plan");
    let plan = as_reader(&site, &["plan", "--json"]).ok();
    let plan = serde_json::from_str(&plan).unwrap();
    assert!(
        held(&plan, "database.client01_db1").contains("could not be read"),
        "{plan:#}"
    );
    assert_eq!(changes(&plan), ["database_grant.client01_db1/ci_plan create"]);
    site.apply().ok();

    // Who leaves the list loses everything.
    write(&site, "", &other);
    as_reader(&site, &["plan"]).refused();
    site.apply().ok();
    site.assert_converged();
    assert_eq!(holds(&site), Vec::<String>::new());
}

fn can_do_nothing_else(site: &Site) {
    site.sql(
        "client01_db1",
        "CREATE TABLE public.kept AS SELECT 42 AS n; ALTER TABLE public.kept OWNER TO client01",
    );
    let denied = Err("42501".to_owned());
    for statement in [
        "SELECT n FROM public.kept",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "SET ROLE client01",
    ] {
        assert_eq!(
            site.login("ci_plan", "a-reader", "client01_db1", statement),
            denied,
            "{statement}"
        );
    }
    for statement in [
        "DELETE FROM tenantctl.object",
        "INSERT INTO tenantctl.version (version) VALUES (99)",
        "CREATE TABLE tenantctl.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
    ] {
        assert_eq!(
            site.login("ci_plan", "a-reader", "postgres", statement),
            denied,
            "{statement}"
        );
    }
    assert_eq!(site.login("ci_plan", "a-reader", "template1", "SELECT 1"), denied);
    let counted = site.login(
        "ci_plan",
        "a-reader",
        "postgres",
        "SELECT count(*) > 0 FROM tenantctl.object",
    );
    assert_eq!(counted, Ok("t".to_owned()));
}

#[test]
fn on_15() {
    a_reader_plans_and_can_do_nothing_else(15);
}

#[test]
fn on_18() {
    a_reader_plans_and_can_do_nothing_else(18);
}

/// By token, with the policy for plans and no password anywhere.
#[test]
fn a_reader_may_log_in_by_token() {
    let site = Site::start(15);
    site.sql("postgres", "CREATE ROLE ci_plan LOGIN; GRANT rds_iam TO ci_plan");
    write(
        &site,
        "readers = [\"ci_plan\"]",
        &tenant("client01", "192.0.2.1/32"),
    );
    site.apply().ok();
    let policy = site
        .run(&["iam-policy", "plan", "--account", "123456789012"])
        .ok();
    assert!(policy.contains("dbuser:*/ci_plan"), "{policy}");
    let call = |action: &str, more: &[(&str, &str)]| {
        let params = [&[("UserName", "ci")], more].concat();
        site.world.aws.call("iam", action, &params).unwrap()
    };
    call("CreateUser", &[]);
    call(
        "PutUserPolicy",
        &[("PolicyName", "plan"), ("PolicyDocument", &policy)],
    );
    let key = Credentials::from_xml(&call("CreateAccessKey", &[])).unwrap();
    site.world.proxy.check_policies();
    let mut command = site.command(&["plan", "--reader", "ci_plan", "--detailed-exitcode"]);
    command
        .env("AWS_ACCESS_KEY_ID", &key.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret_key);
    let run = command.env_remove("PGPASSWORD").output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:?}");

    let unknown = site.run(&["plan", "--reader", "somebody"]).refused();
    assert!(unknown.contains("\"somebody\" is no reader"), "{unknown}");
}
