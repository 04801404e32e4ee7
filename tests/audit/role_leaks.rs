//! Leaks by grants on databases, memberships, attributes and owners.

use crate::leaks::{Leak, sql};

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
    [grants(), groups(), owners()].concat()
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
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
