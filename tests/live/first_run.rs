//! The list of an existing Terraform parameters file, as it stands, on an empty cluster.

use serde_json::json;

use super::site::Site;
use super::{on_all, state_of};

/// As in the contract.
pub const CLIENTS: &str = r#"clients = [
  { name = "client01", databases = { db1 = true, db2 = true, db3 = false }, allowed_ips = ["109.241.200.168/32"], rds_iam_auth = true },
  { name = "client02", databases = { db1 = true, db2 = false, db3 = false }, allowed_ips = ["0.0.0.0/0"], rds_iam_auth = false },
]
"#;
const FILES: [&str; 4] = ["--file", "cluster.hcl", "--file", "clients.tfvars"];
const VAR_FILE: [&str; 3] = ["--file", "cluster.hcl", "-var-file=clients.tfvars"];

on_all!(the_clients_list_becomes_exactly_the_table);

fn the_clients_list_becomes_exactly_the_table(major: u16) {
    let site = Site::start(major);
    site.write("cluster.hcl", &site.cluster(""));
    site.write("clients.tfvars", CLIENTS);
    let run = |command: &[&str], files: &[&str]| site.run(&[command, files].concat());

    let planned = run(&["plan", "--json"], &FILES).ok();
    assert_eq!(planned, run(&["plan", "-json"], &VAR_FILE).ok());
    let again = run(&["plan", "--detailed-exitcode"], &FILES);
    assert_eq!(again.code, 2, "{again}");
    assert!(
        again.stdout.contains(" to destroy.\n") && again.stdout.contains("\nPlan: "),
        "{again}"
    );
    assert_eq!(
        state_of::databases(&site),
        ["postgres", "rdsadmin", "template1"],
        "a plan writes nothing"
    );

    let applied = run(&["apply", "-auto-approve"], &FILES).ok();
    assert!(applied.contains("Apply complete! "), "{applied}");
    for files in [&FILES[..], &VAR_FILE[..]] {
        let settled = run(&["plan", "--detailed-exitcode"], files);
        assert_eq!(settled.code, 0, "{settled}");
        assert!(settled.stdout.contains("No changes."), "{settled}");
    }
    assert_roles(&site);
    assert_databases(&site);
    assert_iam(&site);
    assert_nobody_else(&site);
}

fn assert_roles(site: &Site) {
    let attributes = "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls, \
                      rolconnlimit, rolpassword FROM pg_authid WHERE rolname ~ '^client|^postgres_master' ORDER BY 1";
    let rows = site.sql("postgres", attributes);
    assert_eq!(rows[0], ["client01", "t", "f", "-1", ""]);
    assert_eq!(
        rows[1],
        ["client02", "t", "f", "-1", ""],
        "without a hand-over nobody could know its password"
    );
    assert_eq!(rows[2][..3], ["postgres_master", "t", "t"]);
    assert_eq!(rows.len(), 3);
    let superuser = site.value(
        "postgres",
        "SELECT rolsuper FROM pg_roles WHERE rolname = 'postgres_master'",
    );
    assert_eq!(superuser, "f", "or this test proves little");

    let members = "SELECT r.rolname, m.rolname, admin_option FROM pg_auth_members \
                   JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member \
                   WHERE m.rolname ~ '^client' OR r.rolname ~ '^client' AND NOT admin_option";
    assert_eq!(site.sql("postgres", members), [["rds_iam", "client01", "f"]]);
    assert_eq!(
        site.value("postgres", "SELECT count(*) FROM pg_db_role_setting"),
        "0"
    );
}

fn assert_databases(site: &Site) {
    let query = "SELECT datname, datdba::regrole, datallowconn, datacl FROM pg_database \
                 WHERE datname ~ '^client' ORDER BY 1";
    let row = |database: &str, tenant: &str| {
        let acl = format!("{{postgres_master=CTc/postgres_master,{tenant}=Tc/postgres_master}}");
        [database.to_owned(), "postgres_master".into(), "t".into(), acl]
    };
    let expected = [
        row("client01_db1", "client01"),
        row("client01_db2", "client01"),
        row("client02_db1", "client02"),
    ];
    assert_eq!(site.sql("postgres", query), expected);
    for [database, _, _, _] in &expected {
        let tenant = &database[..8];
        let acl = site.value(
            database,
            "SELECT nspacl FROM pg_namespace WHERE nspname = 'public'",
        );
        assert_eq!(
            acl,
            format!("{{pg_database_owner=UC/pg_database_owner,{tenant}=UC/pg_database_owner}}")
        );
        let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'";
        assert_eq!(site.value(database, schemas), "1");
        assert_eq!(
            site.value(database, "SELECT string_agg(extname, ',') FROM pg_extension"),
            "plpgsql"
        );
    }
}

fn assert_iam(site: &Site) {
    let call = |action: &str, parameters: &[(&str, &str)]| state_of::call(site, action, parameters);
    let (user, role) = (("UserName", "client01"), ("RoleName", "rds_cluster_client01"));
    for answer in [call("ListUserTags", &[user]), call("ListRoleTags", &[role])] {
        let pairs = state_of::texts(&answer, "Key")
            .into_iter()
            .zip(state_of::texts(&answer, "Value"));
        let mut tags: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        tags.sort();
        assert_eq!(tags, ["tenantctl:tenant=client01", "tenantctl:workspace=default"]);
    }
    assert_eq!(
        state_of::texts(&call("ListUserPolicies", &[user]), "member"),
        ["assume-role"]
    );
    assert_eq!(
        state_of::texts(&call("ListRolePolicies", &[role]), "member"),
        ["rds-connect"]
    );
    assert_eq!(
        state_of::keys(site, "client01"),
        [],
        "a key is made for a hand-over alone"
    );

    let role_arn = "arn:aws:iam::123456789012:role/rds_cluster_client01";
    let assume = call("GetUserPolicy", &[user, ("PolicyName", "assume-role")]);
    let only = |action: &str, resource: &str| {
        let statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    };
    assert_eq!(
        flat(state_of::document(&assume, "PolicyDocument")),
        only("sts:AssumeRole", role_arn)
    );
    let connect = call("GetRolePolicy", &[role, ("PolicyName", "rds-connect")]);
    let resource = &site.world.cluster.resource_id;
    let resource = format!("arn:aws:rds-db:eu-central-1:123456789012:dbuser:{resource}/client01");
    assert_eq!(
        flat(state_of::document(&connect, "PolicyDocument")),
        only("rds-db:connect", &resource)
    );
    let trust = state_of::document(&call("GetRole", &[role]), "AssumeRolePolicyDocument");
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::123456789012:user/client01" },
        "Action": "sts:AssumeRole",
        "Condition": { "IpAddress": { "aws:SourceIp": "109.241.200.168/32" } },
    });
    assert_eq!(
        flat(trust),
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    );
    assert!(
        !state_of::exists(site, "User", "client02"),
        "it logs in by password"
    );
}

/// IAM takes a list of one for the one; so does this test. The list of statements stays a list.
fn flat(document: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match document {
        Value::Array(mut items) if items.len() == 1 && !items[0].is_object() => flat(items.remove(0)),
        Value::Array(items) => items.into_iter().map(flat).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, flat(value)))
            .collect(),
        other => other,
    }
}

/// Nothing that the table does not name: no other role, database, user or IAM role.
fn assert_nobody_else(site: &Site) {
    let roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_|^rds'";
    assert_eq!(site.value("postgres", roles), "client01 client02 postgres_master");
    let expected = [
        "client01_db1",
        "client01_db2",
        "client02_db1",
        "postgres",
        "rdsadmin",
        "template1",
    ];
    assert_eq!(state_of::databases(site), expected);
    assert_eq!(
        state_of::texts(&state_of::call(site, "ListUsers", &[]), "UserName"),
        ["client01"]
    );
    assert_eq!(
        state_of::texts(&state_of::call(site, "ListRoles", &[]), "RoleName"),
        ["rds_cluster_client01"]
    );
}
