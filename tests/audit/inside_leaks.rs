//! Leaks inside databases.

use crate::leaks::{Leak, sql};

const DB1: &str = "client01_db1";

fn inside(what: &'static str, act: &'static str, undo: &'static str, found: [&'static str; 3]) -> Leak {
    sql(what, DB1, act, undo, found)
}

pub fn all() -> Vec<Leak> {
    [schemas(), objects(), code(), ways_out()].concat()
}

fn schemas() -> Vec<Leak> {
    vec![
        inside(
            "everybody may create",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            [
                "schema-create-public",
                "schema_grant.client01_db1/public/PUBLIC",
                "",
            ],
        ),
        sql(
            "everybody may create in an admin database",
            "postgres",
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            ["schema-create-public", "schema_grant.postgres/public/PUBLIC", ""],
        ),
        inside(
            "everybody may look",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
            [
                "schema-usage-public",
                "schema_grant.client01_db1/public/PUBLIC",
                "",
            ],
        ),
        inside(
            "a schema of its own for everybody",
            "CREATE SCHEMA app;;GRANT USAGE ON SCHEMA app TO PUBLIC",
            "DROP SCHEMA app",
            ["schema-usage-public", "schema_grant.client01_db1/app/PUBLIC", ""],
        ),
        inside(
            "a stranger may look",
            "GRANT USAGE ON SCHEMA public TO client02",
            "REVOKE USAGE ON SCHEMA public FROM client02",
            [
                "schema-granted-to-another",
                "schema_grant.client01_db1/public/client02",
                "",
            ],
        ),
        inside(
            "may let others look",
            "GRANT USAGE ON SCHEMA public TO client01 WITH GRANT OPTION",
            "REVOKE GRANT OPTION FOR USAGE ON SCHEMA public FROM client01",
            ["grant-option", "schema_grant.client01_db1/public/client01", ""],
        ),
        inside(
            "future tables for everybody",
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres_master IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
            "ALTER DEFAULT PRIVILEGES FOR ROLE postgres_master IN SCHEMA public REVOKE SELECT ON TABLES FROM PUBLIC",
            [
                "default-privileges",
                "default_privilege.client01_db1/postgres_master/tables/PUBLIC",
                "",
            ],
        ),
        inside(
            "future tables for a stranger",
            "ALTER DEFAULT PRIVILEGES FOR ROLE client01 GRANT SELECT ON TABLES TO client02",
            "ALTER DEFAULT PRIVILEGES FOR ROLE client01 REVOKE SELECT ON TABLES FROM client02",
            [
                "default-privileges",
                "default_privilege.client01_db1/client01/tables/client02",
                "",
            ],
        ),
    ]
}

fn objects() -> Vec<Leak> {
    let elsewhere = [
        "foreign-role-in-database",
        "role.client02/client01_db1",
        "client02 -> objects in client01_db1",
    ];
    vec![
        inside(
            "a table granted to a stranger",
            "CREATE TABLE public.t (n int);;GRANT SELECT ON public.t TO client02",
            "DROP TABLE public.t",
            elsewhere,
        ),
        inside(
            "a table of a stranger",
            "CREATE TABLE public.t (n int);;ALTER TABLE public.t OWNER TO client02",
            "DROP TABLE public.t",
            elsewhere,
        ),
        inside(
            "a schema of a stranger",
            "CREATE SCHEMA AUTHORIZATION client02",
            "DROP SCHEMA client02",
            elsewhere,
        ),
        sql(
            "a table in an admin database",
            "postgres",
            "CREATE TABLE public.t (n int);;GRANT SELECT ON public.t TO client02",
            "DROP TABLE public.t",
            [
                "foreign-role-in-database",
                "role.client02/postgres",
                "client02 -> objects in postgres",
            ],
        ),
    ]
}

fn code() -> Vec<Leak> {
    vec![
        inside(
            "a definer function that pins nothing",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "DROP FUNCTION public.f()",
            ["definer-function", "function.client01_db1/public.f()", ""],
        ),
        inside(
            "a definer function that pins where a tenant creates",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT 1'",
            "DROP FUNCTION public.f()",
            ["definer-function", "function.client01_db1/public.f()", ""],
        ),
        sql(
            "a definer function in an admin database",
            "postgres",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "DROP FUNCTION public.f()",
            ["definer-function", "function.postgres/public.f()", ""],
        ),
        inside(
            "an untrusted language",
            "CREATE LANGUAGE evil HANDLER plpgsql_call_handler",
            "DROP LANGUAGE evil",
            ["untrusted-language", "language.client01_db1/evil", ""],
        ),
        inside(
            "an event that runs a tenant's function",
            "CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';;\
             ALTER FUNCTION public.e() OWNER TO client01;;\
             CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.e()",
            "DROP EVENT TRIGGER e;;DROP FUNCTION public.e()",
            ["event-trigger-of-tenant", "event_trigger.client01_db1/e", ""],
        ),
    ]
}

fn ways_out() -> Vec<Leak> {
    let server = ["foreign-server", "foreign_server.client01_db1/s", ""];
    vec![
        inside("dblink", "CREATE EXTENSION dblink", "DROP EXTENSION dblink",
            ["extension-reaches-out", "extension.client01_db1/dblink", ""]),
        inside("postgres_fdw", "CREATE EXTENSION postgres_fdw", "DROP EXTENSION postgres_fdw",
            ["extension-reaches-out", "extension.client01_db1/postgres_fdw", ""]),
        inside("file_fdw", "CREATE EXTENSION file_fdw", "DROP EXTENSION file_fdw",
            ["extension-reaches-out", "extension.client01_db1/file_fdw", ""]),
        sql("dblink in an admin database", "postgres", "CREATE EXTENSION dblink", "DROP EXTENSION dblink",
            ["extension-reaches-out", "extension.postgres/dblink", ""]),
        inside("a foreign server", "CREATE FOREIGN DATA WRAPPER w;;CREATE SERVER s FOREIGN DATA WRAPPER w",
            "DROP SERVER s;;DROP FOREIGN DATA WRAPPER w", server),
        inside("a foreign server that a tenant may use",
            "CREATE FOREIGN DATA WRAPPER w;;CREATE SERVER s FOREIGN DATA WRAPPER w;;GRANT USAGE ON FOREIGN SERVER s TO client01",
            "DROP SERVER s;;DROP FOREIGN DATA WRAPPER w", server)
            .and(["foreign-usage", "foreign_server.client01_db1/s/client01", ""]),
        inside("a wrapper that everybody may use",
            "CREATE FOREIGN DATA WRAPPER w;;GRANT USAGE ON FOREIGN DATA WRAPPER w TO PUBLIC", "DROP FOREIGN DATA WRAPPER w",
            ["foreign-usage", "foreign_data_wrapper.client01_db1/w/PUBLIC", ""]),
        inside("credentials for everybody",
            "CREATE FOREIGN DATA WRAPPER w;;CREATE SERVER s FOREIGN DATA WRAPPER w;;CREATE USER MAPPING FOR PUBLIC SERVER s",
            "DROP SERVER s CASCADE;;DROP FOREIGN DATA WRAPPER w", server)
            .and(["user-mapping", "user_mapping.client01_db1/s/PUBLIC", ""]),
        inside("credentials for a tenant",
            "CREATE FOREIGN DATA WRAPPER w;;CREATE SERVER s FOREIGN DATA WRAPPER w;;CREATE USER MAPPING FOR client01 SERVER s",
            "DROP SERVER s CASCADE;;DROP FOREIGN DATA WRAPPER w", server)
            .and(["user-mapping", "user_mapping.client01_db1/s/client01", ""]),
        inside("a subscription",
            "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false, slot_name = NONE)",
            "DROP SUBSCRIPTION s",
            ["subscription", "subscription.client01_db1/s", ""]),
        sql("a database that nobody could look into", "postgres",
            "CREATE DATABASE other;;REVOKE ALL ON DATABASE other FROM PUBLIC", "DROP DATABASE other",
            ["not-proved", "database.other", ""]),
    ]
}
