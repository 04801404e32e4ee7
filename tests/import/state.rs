//! States as the providers write them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

pub const ACCOUNT: &str = "123456789012";
pub const CLUSTER: &str = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Stands wherever a state has a secret, and must stand nowhere else.
pub const SECRET: &str = "hunter2-is-no-password";

/// A state with these resources.
pub fn state(resources: &[Value]) -> String {
    json!({
        "version": 4,
        "terraform_version": "1.9.8",
        "serial": 12,
        "lineage": "3f1c3c3e-0000-4b7d-9a3c-000000000000",
        "outputs": { "password": { "value": SECRET, "type": "string", "sensitive": true } },
        "resources": resources,
        "check_results": null
    })
    .to_string()
}

/// A resource of one instance in a module with a key.
pub fn resource(module: &str, kind: &str, name: &str, attributes: &Value) -> Value {
    json!({
        "module": module,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": "provider[\"registry.terraform.io/hashicorp/aws\"]",
        "instances": [{ "schema_version": 0, "attributes": attributes, "sensitive_attributes": [], "private": "bnVsbA==" }]
    })
}

fn partition() -> &'static str {
    "aws"
}

pub fn iam(kind: &str, name: &str) -> String {
    format!("arn:{}:iam::{ACCOUNT}:{kind}/{name}", partition())
}

pub fn policy(action: &str, resource: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": [action], "Resource": [resource] }] }).to_string()
}

pub fn trust(user: &str, networks: &[&str]) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "", "Effect": "Allow", "Principal": { "AWS": iam("user", user) }, "Action": "sts:AssumeRole",
            "Condition": { "IpAddress": { "aws:SourceIp": networks } }
        }]
    })
    .to_string()
}

/// The IAM half of a tenant: managed policies, attached, and an access key.
pub fn identity(tenant: &str, networks: &[&str]) -> Vec<Value> {
    let module = format!("module.tenants[{tenant:?}]");
    let role = format!("rds_cluster_{tenant}");
    let arn = format!(
        "arn:{}:rds-db:eu-central-1:{ACCOUNT}:dbuser:{CLUSTER}/{tenant}",
        partition()
    );
    let connect = policy("rds-db:connect", &arn);
    let assume = policy("sts:AssumeRole", &iam("role", &role));
    let managed = |name: &str| iam("policy", &format!("{tenant}-{name}"));
    vec![
        resource(
            &module,
            "aws_iam_user",
            "this",
            &json!({ "name": tenant, "path": "/", "arn": iam("user", tenant) }),
        ),
        resource(
            &module,
            "aws_iam_access_key",
            "this",
            &json!({
            "id": "AKIAIOSFODNN7EXAMPLE", "user": tenant, "secret": SECRET, "ses_smtp_password_v4": SECRET }),
        ),
        resource(
            &module,
            "aws_iam_role",
            "this",
            &json!({
            "name": role, "path": "/", "arn": iam("role", &role), "assume_role_policy": trust(tenant, networks),
            "inline_policy": [], "managed_policy_arns": [managed("connect")] }),
        ),
        resource(
            &module,
            "aws_iam_policy",
            "connect",
            &json!({
            "name": format!("{tenant}-connect"), "arn": managed("connect"), "policy": connect }),
        ),
        resource(
            &module,
            "aws_iam_role_policy_attachment",
            "connect",
            &json!({ "role": role, "policy_arn": managed("connect") }),
        ),
        resource(
            &module,
            "aws_iam_policy",
            "assume",
            &json!({
            "name": format!("{tenant}-assume"), "arn": managed("assume"), "policy": assume }),
        ),
        resource(
            &module,
            "aws_iam_user_policy_attachment",
            "assume",
            &json!({ "user": tenant, "policy_arn": managed("assume") }),
        ),
    ]
}

/// The Postgres half: a role, its databases by `for_each`, and what is granted on them.
pub fn login(tenant: &str, databases: &[&str], by_iam: bool) -> Vec<Value> {
    let module = format!("module.tenants[{tenant:?}]");
    let roles = if by_iam { vec!["rds_iam"] } else { Vec::new() };
    let keyed = |kind: &str, name: &str, attributes: &dyn Fn(&str) -> Value| {
        let instances: Vec<_> = databases
            .iter()
            .map(|database| json!({ "index_key": database, "schema_version": 0, "attributes": attributes(&format!("{tenant}_{database}")) }))
            .collect();
        json!({ "module": module, "mode": "managed", "type": kind, "name": name, "provider": "p", "instances": instances })
    };
    let grant = |role: String, object: &'static str, privileges: &'static [&'static str]| {
        move |database: &str| json!({ "database": database, "role": role, "object_type": object, "schema": "public", "privileges": privileges })
    };
    vec![
        resource(
            &module,
            "random_password",
            "this",
            &json!({ "result": SECRET, "bcrypt_hash": SECRET }),
        ),
        resource(
            &module,
            "postgresql_role",
            "this",
            &json!({
            "name": tenant, "login": true, "password": SECRET, "roles": roles, "connection_limit": -1, "superuser": false,
            "create_database": false, "create_role": false, "search_path": [], "statement_timeout": 30000 }),
        ),
        keyed("postgresql_database", "this", &|database| {
            json!({
            "name": database, "owner": "postgres", "allow_connections": true, "connection_limit": -1 })
        }),
        keyed(
            "postgresql_grant",
            "public",
            &grant("public".into(), "database", &[]),
        ),
        keyed(
            "postgresql_grant",
            "connect",
            &grant(tenant.into(), "database", &["CONNECT", "TEMPORARY"]),
        ),
        keyed(
            "postgresql_grant",
            "schema",
            &grant(tenant.into(), "schema", &["CREATE", "USAGE"]),
        ),
    ]
}

/// The cluster, and what else is in such a state.
pub fn others() -> Vec<Value> {
    let data = json!({
        "mode": "data", "type": "aws_iam_user", "name": "seen", "provider": "p",
        "instances": [{ "attributes": { "name": "client01" } }]
    });
    let mut cluster = resource(
        "",
        "aws_rds_cluster",
        "main",
        &json!({
        "cluster_identifier": "prod-tenants", "cluster_resource_id": CLUSTER, "master_username": "postgres", "master_password": SECRET }),
    );
    cluster.as_object_mut().unwrap().remove("module");
    vec![data, cluster]
}

pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The binary in a directory, with nothing of this machine's environment.
pub fn run(directory: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenantctl"));
    command.env_clear().current_dir(directory).stdin(Stdio::null());
    let output = command.args(["import"]).args(arguments).output().unwrap();
    let run = Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(SECRET), "a secret got out: {text}");
    }
    run
}

pub fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
