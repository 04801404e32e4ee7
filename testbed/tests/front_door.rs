//! Members of rds_iam get in with a good token and with nothing else; everybody else is none of its business.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use std::process::Command;

use serde_json::json;
use tenantctl_testbed::{Credentials, MASTER, World};

/// A world with one tenant, as tenantctl would make it: user, role, trust, policies, login role.
struct Tenant {
    world: World,
    user: Credentials,
}

impl Tenant {
    fn new(major: u16, trusted_address: &str) -> Self {
        let world = World::start(major).unwrap();
        let role = "arn:aws:iam::123456789012:role/rds_cluster_acme";
        let connect = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds-db:connect",
            "Resource": format!("arn:aws:rds-db:eu-central-1:123456789012:dbuser:{}/acme", world.cluster.resource_id)}]});
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/acme"},
            "Condition": {"IpAddress": {"aws:SourceIp": [trusted_address]}}}]});
        let assume = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]});
        let iam = |action: &str, params: &[(&str, &str)]| world.aws.call("iam", action, params).unwrap();
        iam("CreateUser", &[("UserName", "acme")]);
        iam(
            "CreateRole",
            &[
                ("RoleName", "rds_cluster_acme"),
                ("AssumeRolePolicyDocument", &trust.to_string()),
            ],
        );
        let document = connect.to_string();
        iam(
            "PutRolePolicy",
            &[
                ("RoleName", "rds_cluster_acme"),
                ("PolicyName", "connect"),
                ("PolicyDocument", &document),
            ],
        );
        let document = assume.to_string();
        iam(
            "PutUserPolicy",
            &[
                ("UserName", "acme"),
                ("PolicyName", "assume"),
                ("PolicyDocument", &document),
            ],
        );
        let user = Credentials::from_xml(&iam("CreateAccessKey", &[("UserName", "acme")])).unwrap();
        for sql in [
            "CREATE ROLE acme LOGIN PASSWORD 'unused'",
            "CREATE ROLE plain LOGIN PASSWORD 'secret'",
        ] {
            world
                .front_door
                .sql_as(MASTER, world.postgres.master_password(), "postgres", sql)
                .unwrap();
        }
        world
            .front_door
            .sql_as(
                MASTER,
                world.postgres.master_password(),
                "postgres",
                "GRANT rds_iam TO acme",
            )
            .unwrap();
        Self { world, user }
    }

    /// Lets the user's own key log in, too, which tenantctl would not.
    fn allow_user(&self) {
        let document =
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "rds-db:*", "Resource": "*"}}).to_string();
        let params = [
            ("UserName", "acme"),
            ("PolicyName", "connect"),
            ("PolicyDocument", document.as_str()),
        ];
        self.world.aws.call("iam", "PutUserPolicy", &params).unwrap();
    }

    fn session(&self) -> Result<Credentials, tenantctl_testbed::Error> {
        let role = ("RoleArn", "arn:aws:iam::123456789012:role/rds_cluster_acme");
        let params = [role, ("RoleSessionName", "test")];
        let answer = self
            .world
            .proxy
            .call_with_key(&self.user.access_key, "sts", "AssumeRole", &params)?;
        Credentials::from_xml(&answer)
    }

    fn log_in(&self, user: &str, password: &str) -> Result<String, String> {
        let rows = self
            .world
            .front_door
            .sql_as(user, password, "postgres", "SELECT current_user");
        match rows {
            Ok(rows) => Ok(rows[0][0].clone().unwrap()),
            Err(error) => Err(format!("{} {error}", error.code().unwrap_or("-"))),
        }
    }
}

#[test]
fn a_session_of_the_role_logs_in_on_every_version() {
    for major in [15, 16, 17, 18] {
        let tenant = Tenant::new(major, "127.0.0.0/8");
        let token = tenant.session().unwrap().token(&tenant.world.endpoint(), "acme");
        assert_eq!(tenant.log_in("acme", &token).as_deref(), Ok("acme"), "{major}");
        // The master may grant rds_iam, and since 16 is even a kind of member; it keeps its password.
        let password = tenant.world.postgres.master_password();
        assert_eq!(tenant.log_in(MASTER, password).as_deref(), Ok(MASTER), "{major}");
        assert_eq!(
            tenant.log_in("plain", "secret").as_deref(),
            Ok("plain"),
            "{major}"
        );
        assert!(
            tenant.log_in("plain", "wrong").unwrap_err().starts_with("28P01"),
            "{major}"
        );
        // Behind the front door's back there is no way in.
        let direct = tenant
            .world
            .postgres
            .sql_as("acme", "unused", "postgres", "SELECT 1");
        assert_eq!(direct.unwrap_err().code(), Some("28000"), "{major}");
    }
}

#[test]
fn what_is_wrong_with_a_token_is_refused() {
    let tenant = Tenant::new(15, "127.0.0.1/32");
    let endpoint = tenant.world.endpoint();
    let refused = |user: &str, token: &str| {
        let refusal = tenant.log_in(user, token).unwrap_err();
        assert!(
            refusal.starts_with(&format!("28000 PAM authentication failed for user \"{user}\"")),
            "{refusal}"
        );
    };
    let good = tenant.user.token(&endpoint, "acme");
    // No policy lets the user in, only the role.
    refused("acme", &good);
    tenant.allow_user();
    assert_eq!(tenant.log_in("acme", &good).as_deref(), Ok("acme"));

    refused("acme", "unused");
    refused("acme", &tenant.user.token(&endpoint, "other"));
    refused("acme", &tenant.user.token("localhost:1", "acme"));
    let last = if good.ends_with('0') { "1" } else { "0" };
    refused("acme", &format!("{}{last}", &good[..good.len() - 1]));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    refused("acme", &tenant.user.token_made_at(&endpoint, "acme", now - 1_000));
    let mut session = tenant.session().unwrap();
    session.session_token = None;
    refused("acme", &session.token(&endpoint, "acme"));

    let key = ("AccessKeyId", tenant.user.access_key.as_str());
    let inactive = [("UserName", "acme"), key, ("Status", "Inactive")];
    tenant
        .world
        .aws
        .call("iam", "UpdateAccessKey", &inactive)
        .unwrap();
    refused("acme", &good);
    let active = [("UserName", "acme"), key, ("Status", "Active")];
    tenant.world.aws.call("iam", "UpdateAccessKey", &active).unwrap();
    assert_eq!(tenant.log_in("acme", &good).as_deref(), Ok("acme"));
    tenant
        .world
        .aws
        .call("iam", "DeleteAccessKey", &active[..2])
        .unwrap();
    refused("acme", &good);
}

#[test]
fn a_token_never_travels_in_clear_text() {
    let tenant = Tenant::new(16, "127.0.0.1");
    let token = tenant.session().unwrap().token(&tenant.world.endpoint(), "acme");
    let (code, message) = psql(&tenant, "disable", &token);
    assert_ne!(code, Some(0));
    assert!(message.contains("no pg_hba.conf entry"), "{message}");
    let (code, message) = psql(&tenant, "verify-full", &token);
    assert_eq!(code, Some(0), "{message}");
}

fn psql(tenant: &Tenant, mode: &str, password: &str) -> (Option<i32>, String) {
    let certificate = tenant.world.front_door.ca_file();
    let target = format!(
        "host=localhost port={} user=acme dbname=postgres sslmode={mode} sslrootcert={}",
        tenant.world.front_door.port(),
        certificate.display()
    );
    let output = Command::new("psql")
        .args(["-Xc", "SELECT 1", &target])
        .env("PGPASSWORD", password)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The signatures here and those of the AWS SDK for Python, which comes with the emulator, must be the same.
#[test]
fn a_token_made_by_an_aws_sdk_is_accepted() {
    let tenant = Tenant::new(15, "127.0.0.1");
    let session = tenant.session().unwrap();
    let script = "import os, boto3
print(boto3.client('rds').generate_db_auth_token('localhost', int(os.environ['PORT']), 'acme'), end='')";
    let mut python = Command::new(tenant.world.aws.python().unwrap());
    python.args(["-c", script]).envs(tenant.world.env());
    python.env("PORT", tenant.world.front_door.port().to_string());
    python
        .env("AWS_ACCESS_KEY_ID", &session.access_key)
        .env("AWS_SECRET_ACCESS_KEY", &session.secret_key);
    python.env("AWS_SESSION_TOKEN", session.session_token.as_deref().unwrap());
    let output = python.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!(tenant.log_in("acme", &token).as_deref(), Ok("acme"), "{token}");
}

#[test]
fn a_role_is_assumed_only_from_where_its_trust_policy_says() {
    let tenant = Tenant::new(15, "203.0.113.0/24");
    let refusal = tenant.session().unwrap_err().to_string();
    assert!(
        refusal.contains("AccessDenied") && refusal.contains("sts:AssumeRole"),
        "{refusal}"
    );
    tenant.world.proxy.check_trust("203.0.113.7".parse().ok());
    assert!(tenant.session().is_ok());
    // Another caller, from the right place.
    let role = [
        ("RoleArn", "arn:aws:iam::123456789012:role/rds_cluster_acme"),
        ("RoleSessionName", "test"),
    ];
    assert!(
        tenant
            .world
            .proxy
            .call_with_key("AKIANOBODY", "sts", "AssumeRole", &role)
            .is_err()
    );
}
