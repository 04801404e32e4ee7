//! Leaks by grants on databases, memberships, attributes and owners.

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
    [grants(), groups(), owners(), attributes(), predefined(), logins()].concat()
}

fn grants() -> Vec<Leak> {
    vec![
        sql(
            "a direct grant",
            "postgres",
            "GRANT CONNECT ON DATABASE client01_db1 TO client02",
            "REVOKE CONNECT ON DATABASE client01_db1 FROM client02",
            [
                "cross-tenant-connect",
                "database_grant.client01_db1/client02",
                to_db1!("client02"),
            ],
        ),
        sql(
            "a direct grant with grant option",
            "postgres",
            "GRANT CONNECT ON DATABASE client01_db1 TO client02 WITH GRANT OPTION",
            "REVOKE CONNECT ON DATABASE client01_db1 FROM client02",
            [
                "cross-tenant-connect",
                "database_grant.client01_db1/client02",
                "client02 -> CONNECT on client01_db1 (granted by postgres_master, with grant option)",
            ],
        ),
        sql(
            "everything to a stranger",
            "postgres",
            "GRANT ALL ON DATABASE client01_db1 TO client02",
            "REVOKE ALL ON DATABASE client01_db1 FROM client02",
            [
                "cross-tenant-connect",
                "database_grant.client01_db1/client02",
                to_db1!("client02"),
            ],
        ),
        sql(
            "PUBLIC may connect",
            "postgres",
            "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC",
            "REVOKE CONNECT ON DATABASE client01_db1 FROM PUBLIC",
            [
                "public-connect",
                "database_grant.client01_db1/PUBLIC",
                to_db1!("client02 -> PUBLIC"),
            ],
        ),
        sql(
            "PUBLIC may make temporary tables",
            "postgres",
            "GRANT TEMPORARY ON DATABASE client01_db1 TO PUBLIC",
            "REVOKE TEMPORARY ON DATABASE client01_db1 FROM PUBLIC",
            ["public-privilege", "database_grant.client01_db1/PUBLIC", ""],
        ),
        sql(
            "an admin database open to all",
            "postgres",
            "GRANT CONNECT ON DATABASE postgres TO PUBLIC",
            "REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
            [
                "shared-database-open",
                "database_grant.postgres/PUBLIC",
                "client01 -> PUBLIC -> CONNECT on postgres (granted by postgres_master)",
            ],
        ),
        sql(
            "template1 open to one",
            "postgres",
            "GRANT CONNECT ON DATABASE template1 TO client02",
            "REVOKE CONNECT ON DATABASE template1 FROM client02",
            [
                "shared-database-open",
                "database_grant.template1/client02",
                "client02 -> CONNECT on template1 (granted by postgres_master)",
            ],
        ),
        sql(
            "may let others into its own",
            "postgres",
            "GRANT CONNECT ON DATABASE client01_db1 TO client01 WITH GRANT OPTION",
            "REVOKE GRANT OPTION FOR CONNECT ON DATABASE client01_db1 FROM client01",
            ["grant-option", "database_grant.client01_db1/client01", ""],
        ),
        sql(
            "may create schemas in its own",
            "postgres",
            "GRANT CREATE ON DATABASE client01_db1 TO client01",
            "REVOKE CREATE ON DATABASE client01_db1 FROM client01",
            [
                "privilege-beyond-declared",
                "database_grant.client01_db1/client01",
                "",
            ],
        ),
        sql(
            "may create in a foreign one",
            "postgres",
            "GRANT CREATE ON DATABASE client01_db1 TO client02",
            "REVOKE CREATE ON DATABASE client01_db1 FROM client02",
            [
                "privilege-beyond-declared",
                "database_grant.client01_db1/client02",
                "",
            ],
        ),
        sql(
            "a tenant's database is a template",
            "postgres",
            "ALTER DATABASE client01_db1 IS_TEMPLATE true",
            "ALTER DATABASE client01_db1 IS_TEMPLATE false",
            ["database-is-template", "database.client01_db1", ""],
        ),
        sql(
            "a colleague's login",
            "postgres",
            "CREATE ROLE reporting LOGIN;;GRANT CONNECT ON DATABASE client01_db1 TO reporting",
            "REVOKE CONNECT ON DATABASE client01_db1 FROM reporting;;DROP ROLE reporting",
            ["login-reaches-tenant", "role.reporting", to_db1!("reporting")],
        ),
        sql(
            "a colleague's login in a tenant's role",
            "postgres",
            "CREATE ROLE reporting LOGIN;;GRANT client02 TO reporting",
            "DROP ROLE reporting",
            [
                "login-reaches-tenant",
                "role.client02",
                "reporting -> client02 (member, inherits) -> CONNECT on client02_db1 (granted by postgres_master)",
            ],
        ),
    ]
}

fn groups() -> Vec<Leak> {
    let drop = "DROP OWNED BY reporting;;DROP ROLE reporting";
    let make = "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE client01_db1 TO reporting;;GRANT reporting TO client02";
    vec![
        sql("through a group", "postgres", make, drop,
            ["cross-tenant-connect", "membership.reporting/client02", to_db1!("client02 -> reporting (member, inherits)")]),
        sql("through a group in a group", "postgres",
            "CREATE ROLE reporting;;CREATE ROLE staff;;GRANT CONNECT ON DATABASE client01_db1 TO reporting;;\
             GRANT reporting TO staff;;GRANT staff TO client02",
            "DROP ROLE staff;;DROP OWNED BY reporting;;DROP ROLE reporting",
            ["cross-tenant-connect", "membership.staff/client02",
             to_db1!("client02 -> staff (member, inherits) -> reporting (member, inherits)")]),
        sql("in another tenant's role", "postgres", "GRANT client01 TO client02", "REVOKE client01 FROM client02",
            ["cross-tenant-connect", "membership.client01/client02", to_db1!("client02 -> client01 (member, inherits)")]),
        sql("both in a group that may connect to one of each", "postgres",
            "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE client01_db1, client02_db1 TO reporting;;\
             GRANT reporting TO client01, client02", drop,
            ["cross-tenant-connect", "role.reporting", to_db1!("client02 -> reporting (member, inherits)")]),
        sql("a group that may connect to an admin database", "postgres",
            "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE postgres TO reporting;;GRANT reporting TO client02", drop,
            ["shared-database-open", "membership.reporting/client02",
             "client02 -> reporting (member, inherits) -> CONNECT on postgres (granted by postgres_master)"]),
        sql("SET ROLE to who may let it in", "postgres",
            "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE client01_db1 TO reporting WITH GRANT OPTION;;\
             GRANT reporting TO client02 WITH INHERIT FALSE, SET TRUE", drop,
            ["cross-tenant-possible", "membership.reporting/client02",
             "client02 -> reporting (member, by SET ROLE) -> CONNECT on client01_db1 (granted by postgres_master, with grant \
              option)"]).only(|major| major >= 16),
        sql("NOINHERIT, and SET ROLE to who may let it in", "postgres",
            "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE client01_db1 TO reporting WITH GRANT OPTION;;\
             ALTER ROLE client02 NOINHERIT;;GRANT reporting TO client02",
            "ALTER ROLE client02 INHERIT;;DROP OWNED BY reporting;;DROP ROLE reporting",
            ["cross-tenant-possible", "membership.reporting/client02",
             "client02 -> reporting (member, by SET ROLE) -> CONNECT on client01_db1 (granted by postgres_master, with grant \
              option)"]).only(|major| major < 16),
        sql("administers who may connect", "postgres",
            "CREATE ROLE reporting;;GRANT CONNECT ON DATABASE client01_db1 TO reporting;;\
             GRANT reporting TO client02 WITH ADMIN TRUE, INHERIT FALSE, SET FALSE", drop,
            ["cross-tenant-possible", "membership.reporting/client02",
             to_db1!("client02 -> reporting (member, admin option)")]).only(|major| major >= 16),
        sql("a group that nobody declared", "postgres",
            "CREATE ROLE reporting;;GRANT reporting TO client02", "DROP ROLE reporting",
            ["membership-beyond-declared", "membership.reporting/client02", "client02 -> reporting (member, inherits)"]),
        sql("may hand out rds_iam", "postgres",
            "GRANT rds_iam TO client02 WITH ADMIN OPTION", "REVOKE ADMIN OPTION FOR rds_iam FROM client02",
            ["membership-beyond-declared", "membership.rds_iam/client02",
             "client02 -> rds_iam (member, inherits, admin option)"]),
    ]
}

fn owners() -> Vec<Leak> {
    vec![
        sql(
            "owns another's database",
            "postgres",
            "ALTER DATABASE client01_db1 OWNER TO client02;;GRANT CONNECT ON DATABASE client01_db1 TO postgres_master",
            "ALTER DATABASE client01_db1 OWNER TO postgres_master",
            [
                "cross-tenant-connect",
                "database.client01_db1",
                "client02 -> owner of client01_db1",
            ],
        ),
        sql(
            "owns its own database",
            "postgres",
            "ALTER DATABASE client02_db1 OWNER TO client02;;GRANT CONNECT ON DATABASE client02_db1 TO postgres_master",
            "ALTER DATABASE client02_db1 OWNER TO postgres_master;;GRANT CONNECT, TEMPORARY ON DATABASE client02_db1 TO client02",
            [
                "database-owned-by-tenant",
                "database.client02_db1",
                "client02 -> owner of client02_db1",
            ],
        ),
        sql(
            "is a member of who owns its own database",
            "postgres",
            "CREATE ROLE platform;;ALTER DATABASE client02_db1 OWNER TO platform;;GRANT CONNECT ON DATABASE client02_db1 TO postgres_master;;GRANT platform TO client02",
            "ALTER DATABASE client02_db1 OWNER TO postgres_master;;DROP ROLE platform",
            [
                "database-owned-by-tenant",
                "membership.platform/client02",
                "client02 -> platform (member, inherits) -> owner of client02_db1",
            ],
        ),
        sql(
            "is a member of who owns another's",
            "postgres",
            "CREATE ROLE platform;;ALTER DATABASE client01_db1 OWNER TO platform;;GRANT CONNECT ON DATABASE client01_db1 TO postgres_master;;GRANT platform TO client02",
            "ALTER DATABASE client01_db1 OWNER TO postgres_master;;DROP ROLE platform",
            [
                "cross-tenant-connect",
                "membership.platform/client02",
                "client02 -> platform (member, inherits) -> owner of client01_db1",
            ],
        ),
        sql(
            "is a member of the admin",
            "postgres",
            "GRANT postgres_master TO client02",
            "REVOKE postgres_master FROM client02",
            [
                "cross-tenant-connect",
                "membership.postgres_master/client02",
                "client02 -> postgres_master (member, inherits) -> owner of client01_db1",
            ],
        )
        // From 16 on the admin is a member of what it made, and a circle is refused.
        .only(|major| major < 16),
    ]
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
