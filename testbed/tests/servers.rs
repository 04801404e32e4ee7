//! The servers start, look like Aurora, and leave nothing behind.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use std::process::Command;

use tenantctl_testbed::{Aws, ClusterSpec, Error, MASTER, Options, Postgres};

const VERSIONS: [u16; 4] = [15, 16, 17, 18];

#[test]
fn every_version_starts_with_a_master_who_is_no_superuser() {
    for major in VERSIONS {
        let server = Postgres::start(major).unwrap();
        let ask =
            "SELECT current_setting('server_version_num')::int / 10000, rolsuper, rolcreaterole, rolcreatedb
                   FROM pg_roles WHERE rolname = current_user";
        let rows = server
            .sql_as(MASTER, server.master_password(), "postgres", ask)
            .unwrap();
        let expected = [major.to_string(), "f".into(), "t".into(), "t".into()].map(Some);
        assert_eq!(rows, [expected]);
    }
}

#[test]
fn members_of_rds_iam_cannot_log_in_by_password() {
    let server = Postgres::start(15).unwrap();
    let master = |sql: &str| {
        server
            .sql_as(MASTER, server.master_password(), "postgres", sql)
            .unwrap()
    };
    master("CREATE ROLE tenant LOGIN PASSWORD 'secret'");
    assert!(server.sql_as("tenant", "secret", "postgres", "SELECT 1").is_ok());
    master("GRANT rds_iam TO tenant");
    let refusal = server
        .sql_as("tenant", "secret", "postgres", "SELECT 1")
        .unwrap_err();
    assert_eq!(refusal.code(), Some("28000"), "{refusal}");
}

#[test]
fn a_server_can_be_stopped_and_started_on_the_same_data() {
    let server = Postgres::start(16).unwrap();
    server.sql("postgres", "CREATE TABLE kept (n int)").unwrap();
    server.stop().unwrap();
    assert!(server.sql("postgres", "SELECT 1").is_err());
    server.restart().unwrap();
    assert_eq!(
        server.sql("postgres", "SELECT count(*) FROM kept").unwrap(),
        [[Some("0".into())]]
    );
    assert!(server.log().contains("CREATE TABLE kept"));
}

#[test]
fn each_emulator_is_empty_and_alone() {
    for _ in 0..2 {
        let aws = Aws::start().unwrap();
        assert!(!aws.call("iam", "ListUsers", &[]).unwrap().contains("<UserName>"));
        aws.call("iam", "CreateUser", &[("UserName", "acme")]).unwrap();
        assert!(
            aws.call("iam", "ListUsers", &[])
                .unwrap()
                .contains("<UserName>acme</UserName>")
        );
        let refusal = aws
            .call("iam", "CreateUser", &[("UserName", "acme")])
            .unwrap_err();
        assert!(matches!(refusal, Error::Aws { status: 409, .. }), "{refusal}");
    }
}

#[test]
fn a_cluster_has_a_resource_id_and_a_master_secret() {
    let aws = Aws::start().unwrap();
    let spec = ClusterSpec {
        identifier: "prod-tenants",
        master_username: MASTER,
        port: 5432,
        iam: true,
        manage_master_secret: true,
    };
    let cluster = aws.create_cluster(&spec).unwrap();
    assert!(cluster.resource_id.starts_with("cluster-"), "{cluster:?}");
    let clusters = aws.call("rds", "DescribeDBClusters", &[]).unwrap();
    assert!(
        clusters.contains("<IAMDatabaseAuthenticationEnabled>true"),
        "{clusters}"
    );
    assert!(clusters.contains("<SecretArn>"), "{clusters}");
    let secrets = aws
        .call_json("secretsmanager", "ListSecrets", &serde_json::json!({}))
        .unwrap();
    let owner = secrets["SecretList"][0]["Tags"][0]["Value"].as_str();
    assert_eq!(owner, Some(cluster.arn.as_str()), "{secrets}");
}

#[test]
fn the_certificate_can_be_verified_and_settings_can_be_added() {
    let options = Options {
        extra_conf: vec![("max_connections".into(), "17".into())],
        ..Options::default()
    };
    let server = Postgres::start_with(17, &options).unwrap();
    let target = format!(
        "host=localhost port={} user={MASTER} dbname=postgres sslmode=verify-full sslrootcert={}",
        server.port(),
        server.ca_file().display()
    );
    let mut psql = Command::new("psql");
    psql.args(["-XAtc", "SHOW max_connections", &target]);
    let output = psql.env("PGPASSWORD", server.master_password()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "17\n", "{output:?}");
}
