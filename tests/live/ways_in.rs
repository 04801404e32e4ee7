//! How the admin gets in: a token, a managed secret; and through which TLS.

use serde_json::json;
use tenantctl_testbed::{ClusterSpec, MASTER, Postgres};

use super::on_both_ends;
use super::site::Site;

on_both_ends!(
    the_admin_logs_in_by_token,
    the_admin_logs_in_with_the_managed_secret,
    tls_is_verified_unless_told_otherwise
);

const TENANT: &str =
    "tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n";

fn the_admin_logs_in_by_token(major: u16) {
    let site = Site::start(major);
    site.sql("postgres", "GRANT rds_iam TO postgres_master");
    let call =
        |action: &str, parameters: &[(&str, &str)]| site.world.aws.call("iam", action, parameters).unwrap();
    call("CreateUser", &[("UserName", "operator")]);
    let resource = format!(
        "arn:aws:rds-db:*:*:dbuser:{}/{MASTER}",
        site.world.cluster.resource_id
    );
    let statement = json!({ "Effect": "Allow", "Action": "rds-db:connect", "Resource": resource });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    call(
        "PutUserPolicy",
        &[
            ("UserName", "operator"),
            ("PolicyName", "admin"),
            ("PolicyDocument", &policy),
        ],
    );
    let key = call("CreateAccessKey", &[("UserName", "operator")]);
    let key = tenantctl_testbed::Credentials::from_xml(&key).unwrap();
    let environment = [
        ("AWS_ACCESS_KEY_ID", key.access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", key.secret_key.as_str()),
        ("PGPASSWORD", "not-it"),
    ];
    site.write(
        "tenants.hcl",
        &(site.cluster("admin { auth = \"iam\" }") + TENANT),
    );
    site.run_with(&["apply", "--auto-approve"], &environment).ok();
    let settled = site.run_with(&["plan", "--detailed-exitcode"], &environment).ok();
    assert!(settled.contains("No changes."), "{settled}");
    assert_eq!(
        site.value(
            "postgres",
            "SELECT count(*) FROM pg_database WHERE datname = 'client01_db1'"
        ),
        "1"
    );
    // Another user's key makes tokens too, and none that opens.
    let other = site.run(&["plan"]).refused();
    assert!(
        other.contains(MASTER) && other.contains("authentication failed"),
        "{other}"
    );
}

fn the_admin_logs_in_with_the_managed_secret(major: u16) {
    let site = Site::start(major);
    let port = site.world.front_door.port();
    let spec = ClusterSpec {
        identifier: "managed",
        master_username: MASTER,
        port,
        iam: true,
        manage_master_secret: true,
    };
    site.world.aws.create_cluster(&spec).unwrap();
    let secrets = site
        .world
        .aws
        .call_json("secretsmanager", "ListSecrets", &json!({}))
        .unwrap();
    let arn = secrets["SecretList"][0]["ARN"].clone();
    let put = |password: &str| {
        let value = json!({ "username": MASTER, "password": password }).to_string();
        let body = json!({ "SecretId": arn, "SecretString": value });
        site.world
            .aws
            .call_json("secretsmanager", "PutSecretValue", &body)
            .unwrap();
    };
    put(site.world.postgres.master_password());
    let plain = [("PGPASSWORD", "not-it")];
    site.write(
        "tenants.hcl",
        &(site.cluster_of("managed", "admin { auth = \"secret\" }") + TENANT),
    );
    let applied = site.run_with(&["apply", "--auto-approve"], &plain);
    assert_eq!(applied.code, 0, "{applied}");
    assert!(
        !applied.stderr.contains(site.world.postgres.master_password()),
        "{applied}"
    );
    site.run_with(&["plan", "--detailed-exitcode"], &plain).ok();

    site.sql(
        "postgres",
        "ALTER ROLE postgres_master PASSWORD 'rotated-Passw0rd'",
    );
    let refused = site.run_with(&["plan"], &plain).refused();
    assert!(refused.contains("password"), "{refused}");
    put("rotated-Passw0rd");
    site.run_with(&["plan", "--detailed-exitcode"], &plain).ok();

    site.write(
        "tenants.hcl",
        &(site.cluster("admin { auth = \"secret\" }") + TENANT),
    );
    let unmanaged = site.run(&["plan"]).refused();
    assert!(unmanaged.contains("manages no master secret"), "{unmanaged}");
}

fn tls_is_verified_unless_told_otherwise(major: u16) {
    let site = Site::start(major);
    let attempt = |more: &str| {
        site.write("tenants.hcl", &(site.cluster(more) + TENANT));
        site.plan()
    };
    let stranger = Postgres::start(major).unwrap();
    let wrong = format!("sslrootcert = {:?}", stranger.ca_file().display().to_string());
    for mode in ["", "sslmode = \"verify-full\"\n", "sslmode = \"verify-ca\"\n"] {
        attempt(mode).ok();
        let refused = attempt(&format!("{mode}{wrong}")).refused();
        assert!(
            refused.to_lowercase().contains("certificate"),
            "{mode}: {refused}"
        );
    }
    // Another authority's certificate says nothing where none is asked for.
    attempt("sslmode = \"require\"").ok();
    let unreadable = attempt("sslrootcert = \"not-there.pem\"").refused();
    assert!(unreadable.contains("not-there.pem"), "{unreadable}");
    // The roots of RDS and of the system know nothing of this test's authority.
    let text = site.cluster("").replace("sslrootcert", "# sslrootcert");
    site.write("tenants.hcl", &(text + TENANT));
    let refused = site.plan().refused();
    assert!(refused.to_lowercase().contains("certificate"), "{refused}");

    // Without TLS a password still works here, and a token does not: Aurora takes it over TLS alone.
    attempt("sslmode = \"disable\"").ok();
    site.sql("postgres", "GRANT rds_iam TO postgres_master");
    let refused = attempt("sslmode = \"disable\"\nadmin { auth = \"iam\" }").refused();
    assert!(
        refused.contains("TLS") || refused.contains("encryption") || refused.contains("sslmode"),
        "{refused}"
    );
}
