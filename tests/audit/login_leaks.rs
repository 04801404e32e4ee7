//! Leaks by attributes, predefined roles, and how tenants log in.

use crate::leaks::{Act, Leak, file, sql};

/// Concatenates a path at compile time.
macro_rules! to_db1 {
    ($before:literal) => {
        concat!(
            $before,
            " -> CONNECT on client01_db1 (granted by postgres_master)"
        )
    };
}

pub fn all() -> Vec<Leak> {
    [attributes(), predefined(), logins()].concat()
}

fn attributes() -> Vec<Leak> {
    let attribute = |act, undo, rule, path| sql(act, "postgres", act, undo, [rule, "role.client02", path]);
    vec![
        attribute(
            "ALTER ROLE client02 SUPERUSER",
            "ALTER ROLE client02 NOSUPERUSER",
            "tenant-superuser",
            "client02 -> SUPERUSER",
        ),
        attribute(
            "ALTER ROLE client02 CREATEROLE",
            "ALTER ROLE client02 NOCREATEROLE",
            "tenant-createrole",
            "client02 -> CREATEROLE",
        ),
        attribute(
            "ALTER ROLE client02 CREATEDB",
            "ALTER ROLE client02 NOCREATEDB",
            "tenant-createdb",
            "client02 -> CREATEDB",
        ),
        attribute(
            "ALTER ROLE client02 REPLICATION",
            "ALTER ROLE client02 NOREPLICATION",
            "tenant-replication",
            "client02 -> REPLICATION",
        ),
        attribute(
            "ALTER ROLE client02 BYPASSRLS",
            "ALTER ROLE client02 NOBYPASSRLS",
            "tenant-bypassrls",
            "client02 -> BYPASSRLS",
        ),
        sql(
            "may become who creates roles",
            "postgres",
            "CREATE ROLE helper CREATEROLE;;GRANT helper TO client02",
            "DROP ROLE helper",
            [
                "tenant-createrole",
                "membership.helper/client02",
                "client02 -> helper (member, inherits) -> CREATEROLE",
            ],
        ),
        sql(
            "may become a superuser",
            "postgres",
            "CREATE ROLE helper SUPERUSER;;GRANT helper TO client02",
            "DROP ROLE helper",
            [
                "tenant-superuser",
                "membership.helper/client02",
                "client02 -> helper (member, inherits) -> SUPERUSER",
            ],
        ),
    ]
}

/// Predefined roles of Postgres and of RDS.
macro_rules! predefined {
    ($($role:literal),+) => {
        vec![$(sql(concat!("GRANT ", $role), "postgres", concat!("GRANT ", $role, " TO client02"),
                   concat!("REVOKE ", $role, " FROM client02"),
                   ["powerful-membership", concat!("membership.", $role, "/client02"),
                    concat!("client02 -> ", $role, " (member, inherits)")])),+]
    };
}

fn predefined() -> Vec<Leak> {
    let mut leaks = predefined!(
        "pg_read_all_data",
        "pg_write_all_data",
        "pg_monitor",
        "pg_signal_backend",
        "pg_read_server_files",
        "pg_write_server_files",
        "pg_execute_server_program",
        "rds_superuser",
        "rds_replication"
    );
    leaks.push(sql(
        "reads all data through a group",
        "postgres",
        "CREATE ROLE reporting;;GRANT pg_read_all_data TO reporting;;GRANT reporting TO client02",
        "DROP ROLE reporting",
        [
            "powerful-membership",
            "membership.reporting/client02",
            "client02 -> reporting (member, inherits) -> pg_read_all_data (member, inherits)",
        ],
    ));
    leaks
}

const WITHOUT_DB2: &str = r#"
tenant "client01" {
  databases   = { db1 = true, db2 = false }
  allowed_ips = ["109.241.200.168/32"]
}

tenant "client02" {
  databases   = ["db1"]
  allowed_ips = ["109.241.200.169/32"]
}
"#;

const SUSPENDED: &str = r#"
tenant "client01" {
  databases   = { db1 = true, db2 = true }
  allowed_ips = ["109.241.200.168/32"]
}

tenant "client02" {
  databases   = ["db1"]
  allowed_ips = ["109.241.200.169/32"]
  state       = "suspended"
}
"#;

const ONE: &str = r#"
tenant "client01" {
  databases   = { db1 = true, db2 = true }
  allowed_ips = ["109.241.200.168/32"]
}
"#;

const BY_PASSWORD: &str = r#"
tenant "client01" {
  databases   = { db1 = true, db2 = true }
  allowed_ips = ["109.241.200.168/32"]
}

tenant "client02" {
  databases    = ["db1"]
  rds_iam_auth = false
}
"#;

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn logins() -> Vec<Leak> {
    let set = |state: &'static str| {
        let statement = if state == "set" {
            "UPDATE tenantctl.object SET password = 'set' WHERE address ->> 'kind' = 'role' AND tenant = 'client02'"
        } else {
            "UPDATE tenantctl.object SET password = 'none' WHERE address ->> 'kind' = 'role' AND tenant = 'client02'"
        };
        Act::Sql("postgres", statement)
    };
    vec![
        file(
            "a database that was taken away",
            WITHOUT_DB2,
            [
                "unwanted-database-open",
                "database_grant.client01_db2/client01",
                "client01 -> CONNECT on client01_db2 (granted by postgres_master)",
            ],
        ),
        file(
            "suspended in the file alone",
            SUSPENDED,
            ["should-not-login", "role.client02", ""],
        ),
        file(
            "removed from the file alone",
            ONE,
            ["should-not-login", "role.client02", ""],
        ),
        file(
            "by password in the file alone",
            BY_PASSWORD,
            [
                "iam-login-undeclared",
                "membership.rds_iam/client02",
                "client02 -> rds_iam (member, inherits)",
            ],
        ),
        Leak {
            what: "no member of rds_iam",
            only: None,
            act: vec![
                Act::Master("postgres", "REVOKE rds_iam FROM client02"),
                Act::Sql("postgres", "REVOKE rds_iam FROM client02"),
            ],
            undo: vec![Act::Master("postgres", "GRANT rds_iam TO client02")],
            arguments: &[],
            found: vec![["iam-login-missing", "role.client02", ""]],
        },
        Leak {
            what: "a password beside IAM",
            only: None,
            act: vec![set("set")],
            undo: vec![set("none")],
            arguments: &[],
            found: vec![["iam-beside-password", "role.client02", ""]],
        },
        sql(
            "may change logging",
            "postgres",
            "GRANT SET ON PARAMETER log_statement TO client02",
            "REVOKE SET ON PARAMETER log_statement FROM client02",
            ["parameter-granted", "parameter.log_statement/client02", ""],
        ),
        sql(
            "everybody may change logging",
            "postgres",
            "GRANT SET ON PARAMETER log_statement TO PUBLIC",
            "REVOKE SET ON PARAMETER log_statement FROM PUBLIC",
            ["parameter-granted", "parameter.log_statement/PUBLIC", ""],
        ),
        Leak {
            arguments: &["--tenant", "client02"],
            ..sql(
                "PUBLIC on the other's database, asked about one",
                "postgres",
                "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC",
                "REVOKE CONNECT ON DATABASE client01_db1 FROM PUBLIC",
                [
                    "public-connect",
                    "database_grant.client01_db1/PUBLIC",
                    to_db1!("client02 -> PUBLIC"),
                ],
            )
        },
        Leak {
            what: "what concerns one tenant alone",
            only: None,
            act: vec![Act::Sql(
                "postgres",
                "GRANT CONNECT ON DATABASE client01_db1 TO client02;;ALTER ROLE client01 CREATEDB",
            )],
            undo: vec![Act::Sql(
                "postgres",
                "REVOKE CONNECT ON DATABASE client01_db1 FROM client02;;ALTER ROLE client01 NOCREATEDB",
            )],
            arguments: &["--tenant", "client02"],
            found: vec![[
                "cross-tenant-connect",
                "database_grant.client01_db1/client02",
                to_db1!("client02"),
            ]],
        },
    ]
}
