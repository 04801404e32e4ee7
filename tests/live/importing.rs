//! A cluster that somebody else made: its file is written, plans empty, and still does once everything is adopted.

use super::on_both_ends;
use super::site::{Site, changes, held};
use super::state_of;

on_both_ends!(
    fifty_tenants_made_by_terraform_plan_empty,
    what_no_file_can_say_is_left_out_and_named,
    what_is_ours_is_written_as_it_was_asked_for
);

const TENANTS: usize = 50;

pub fn name(n: usize) -> String {
    format!("client{n:02}")
}

pub fn by_password(n: usize) -> bool {
    n % 10 == 9
}

pub fn databases(n: usize) -> Vec<String> {
    let all = ["db1", "db2"]
        .iter()
        .take(if n.is_multiple_of(3) { 1 } else { 2 });
    all.map(|database| format!("{}_{database}", name(n))).collect()
}

/// Makes a tenant, with inline policies as tenantctl has them, or managed ones.
pub fn make(site: &Site, n: usize, inline: bool) {
    let tenant = name(n);
    site.master(
        "postgres",
        &format!("CREATE ROLE {tenant} LOGIN PASSWORD 'p-{n}'"),
    );
    for database in databases(n) {
        site.master("postgres", &format!("CREATE DATABASE {database}"));
        site.sql(
            &database,
            &format!(
                "REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {tenant}; \
                 REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO {tenant}"
            ),
        );
    }
    if by_password(n) {
        return;
    }
    site.master("postgres", &format!("GRANT rds_iam TO {tenant}"));
    identity(
        site,
        &tenant,
        &[&format!("203.0.113.{n}/32"), "198.51.100.0/24"],
        inline,
    );
}

/// The IAM half.
pub fn identity(site: &Site, tenant: &str, networks: &[&str], inline: bool) {
    let account = "123456789012";
    let partition = "aws";
    let resource = &site.world.cluster.resource_id;
    let call = |action: &str, parameters: &[(&str, &str)]| state_of::call(site, action, parameters);
    call("CreateUser", &[("UserName", tenant)]);
    let role = format!("rds_cluster_{tenant}");
    let networks: Vec<_> = networks.iter().map(|network| format!("{network:?}")).collect();
    let trust = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Sid\":\"\",\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\
         \"arn:{partition}:iam::{account}:user/{tenant}\"}},\"Action\":\"sts:AssumeRole\",\
         \"Condition\":{{\"IpAddress\":{{\"aws:SourceIp\":[{}]}}}}}}]}}",
        networks.join(",")
    );
    call(
        "CreateRole",
        &[("RoleName", &role), ("AssumeRolePolicyDocument", &trust)],
    );
    let allow = |action: &str, resource: &str| {
        format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{action}\",\
             \"Resource\":\"{resource}\"}}]}}"
        )
    };
    let connect = allow(
        "rds-db:connect",
        &format!("arn:{partition}:rds-db:eu-central-1:{account}:dbuser:{resource}/{tenant}"),
    );
    let assume = allow(
        "sts:AssumeRole",
        &format!("arn:{partition}:iam::{account}:role/{role}"),
    );
    if inline {
        call(
            "PutRolePolicy",
            &[
                ("RoleName", &role),
                ("PolicyName", "rds-connect"),
                ("PolicyDocument", &connect),
            ],
        );
        call(
            "PutUserPolicy",
            &[
                ("UserName", tenant),
                ("PolicyName", "assume-role"),
                ("PolicyDocument", &assume),
            ],
        );
        return;
    }
    for (policy, document) in [("connect", &connect), ("assume", &assume)] {
        let policy = format!("{tenant}-{policy}");
        call(
            "CreatePolicy",
            &[("PolicyName", &policy), ("PolicyDocument", document)],
        );
    }
    let arn = |policy: &str| format!("arn:{partition}:iam::{account}:policy/{tenant}-{policy}");
    call(
        "AttachRolePolicy",
        &[("RoleName", &role), ("PolicyArn", &arn("connect"))],
    );
    call(
        "AttachUserPolicy",
        &[("UserName", tenant), ("PolicyArn", &arn("assume"))],
    );
}

/// `import --out FILE` in the site's directory; what it wrote, and what it said.
fn import(site: &Site, file: &str) -> (String, String) {
    let path = site.path().join(file);
    let run = site.run(&["import", "--out", &path.display().to_string()]);
    assert_eq!(run.code, 0, "{run}");
    (std::fs::read_to_string(path).unwrap(), run.stderr)
}

fn fifty_tenants_made_by_terraform_plan_empty(major: u16) {
    let site = Site::start(major);
    for n in 0..TENANTS {
        make(&site, n, true);
    }
    let before = (state_of::postgres(&site), state_of::iam(&site));
    site.write("cluster.hcl", &site.cluster(""));
    let (file, said) = import(&site, "tenants.hcl");
    assert_eq!(file.matches("tenant \"").count(), TENANTS, "{file}");
    let first = "tenant \"client01\" {\n  databases   = [\"db1\", \"db2\"]\n  \
                 allowed_ips = [\"198.51.100.0/24\", \"203.0.113.1/32\"]\n}\n";
    assert!(file.contains(first), "{file}");
    assert!(!file.contains("not in this file"), "{file}");
    assert!(
        said.contains("50 tenants, 45 by IAM and 5 by password, with 83 databases."),
        "{said}"
    );
    site.assert_converged();
    let plan = site.plan_json();
    assert!(
        held(&plan, "role.client00").contains("exists, not ours"),
        "{plan:#}"
    );
    assert_eq!(
        (state_of::postgres(&site), state_of::iam(&site)),
        before,
        "it writes nothing"
    );

    // What it said that adoption would bring is what it brings.
    assert!(
        said.contains("database_grant changed (privileges: CONNECT, TEMPORARY -> nothing): postgres/PUBLIC"),
        "{said}"
    );
    site.run(&["adopt", "--all"]).ok();
    assert_eq!(
        changes(&site.plan_json()),
        [
            "database_grant.postgres/PUBLIC update",
            "database_grant.template1/PUBLIC update"
        ]
    );
    site.apply().ok();
    site.assert_converged();
    let again = site.run(&["adopt", "--all"]);
    assert!(again.stderr.contains("nothing to adopt"), "{again}");
}

/// Without any file, with policies and databases as the Terraform providers make them, and with odds and ends.
fn what_no_file_can_say_is_left_out_and_named(major: u16) {
    let site = Site::start(major);
    make(&site, 1, false);
    make(&site, 2, true);
    site.sql(
        "postgres",
        "ALTER DATABASE client02_db1 OWNER TO client02; GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC",
    );
    site.master("postgres", "CREATE ROLE reporting LOGIN CONNECTION LIMIT 3");
    site.master("postgres", "CREATE DATABASE analytics");
    site.master("postgres", "CREATE ROLE staff LOGIN; GRANT rds_iam TO staff");
    identity(&site, "other", &["203.0.113.9/32"], true);
    let endpoint = site.world.endpoint();
    let roots = site.world.front_door.ca_file().display().to_string();
    let flags = [
        "import",
        "--identifier",
        "prod-tenants",
        "--region",
        "eu-central-1",
        "--endpoint",
        &endpoint,
        "--sslrootcert",
        &roots,
    ];
    let run = site.run(&flags);
    assert_eq!(run.code, 0, "{run}");
    let file = run.stdout.replace(&endpoint, "ENDPOINT").replace(&roots, "ROOTS");
    insta::with_settings!({ snapshot_suffix => "" }, { insta::assert_snapshot!("odds_and_ends", file) });
    let said = run.stderr;
    for word in [
        "database_grant changed (privileges: CONNECT -> nothing): client01_db1/PUBLIC",
        "database changed (owner: client02 -> postgres_master): client02_db1",
        "iam_user_policy created: client01/assume-role",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }

    let path = site.write("tenants.hcl", &run.stdout);
    site.assert_converged();
    let refused = site
        .run(&["import", "--out", &path.display().to_string()])
        .refused();
    assert!(refused.contains("overwrites nothing"), "{refused}");
    // What the file has is not imported again.
    let rest = site.run(&["import"]).ok();
    assert!(!rest.contains("tenant \""), "{rest}");
    assert!(rest.contains("role \"staff\""), "{rest}");

    let before = state_of::postgres(&site);
    let added = site.run(&["apply", "--mode", "adopt", "--auto-approve"]);
    assert_eq!(added.code, 0, "{added}");
    assert_eq!(
        state_of::postgres(&site),
        before,
        "nothing was taken from anybody"
    );
    let policies = state_of::call(&site, "ListUserPolicies", &[("UserName", "client01")]);
    assert_eq!(state_of::texts(&policies, "member"), ["assume-role"]);
    assert_eq!(
        site.run(&["plan", "--mode", "additive", "--detailed-exitcode"])
            .code,
        0
    );
    let left = site.plan_json();
    assert!(
        changes(&left).contains(&"database.client02_db1 update".to_owned()),
        "{left:#}"
    );
    site.apply().ok();
    site.assert_converged();
    let owner = "SELECT datdba::regrole FROM pg_database WHERE datname = 'client02_db1'";
    assert_eq!(site.value("postgres", owner), "postgres_master");
}

fn what_is_ours_is_written_as_it_was_asked_for(major: u16) {
    let site = Site::with(
        major,
        r#"
tenant "client01" {
  databases        = { db1 = true, db2 = true }
  allowed_ips      = ["203.0.113.7/32"]
  connection_limit = 20
  settings         = { statement_timeout = "30s", search_path = "\"$user\", app" }
  extensions       = ["pg_trgm"]
}
tenant "client02" {
  databases       = ["db1"]
  rds_iam_auth    = false
  state           = "suspended"
  deletion_policy = "delete"
}
tenant "client03" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.8/32"]
}
"#,
    );
    // One gave a database up, one left.
    let text = std::fs::read_to_string(site.path().join("tenants.hcl")).unwrap();
    let (kept, _) = text.split_once("tenant \"client03\"").unwrap();
    site.write("tenants.hcl", &kept.replace("db2 = true", "db2 = false"));
    site.apply().ok();
    site.assert_converged();
    site.write("tenants.hcl", &site.cluster(""));
    let (file, _) = import(&site, "imported.hcl");
    insta::with_settings!({ snapshot_suffix => "" }, { insta::assert_snapshot!("what_is_ours", file) });
    site.assert_converged();
    let plan = site.plan_json();
    let kinds: Vec<_> = plan["held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|held| held["kind"].clone())
        .collect();
    assert!(kinds.iter().all(|kind| kind == "retained"), "{plan:#}");
}
