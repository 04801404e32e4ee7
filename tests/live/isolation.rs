//! A tenant gets into its own databases, from its own addresses, and nowhere else.

use std::net::{IpAddr, Ipv4Addr};

use super::login::Recipient;
use super::site::Site;
use super::{on_all, on_both_ends};

const DENIED: &str = "42501";
const REFUSED: &str = "28000";

on_all!(a_token_opens_its_own_databases_and_no_other);
on_both_ends!(what_a_tenant_left_in_its_database_runs_for_nobody_else);

fn a_token_opens_its_own_databases_and_no_other(major: u16) {
    let recipient = Recipient::new();
    let tenants = |ips: &str| {
        format!(
            "tenant \"client01\" {{\n  databases = [\"db1\", \"db2\"]\n  allowed_ips = [\"{ips}\"]\n  {}\n}}\n\
             tenant \"client02\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n}}",
            recipient.block()
        )
    };
    let site = Site::with(major, &tenants("127.0.0.1/32"));
    let key = recipient.key(&site, "client01");
    let token = key.token(&site, "client01");

    for database in ["client01_db1", "client01_db2"] {
        let work = "CREATE TABLE mine (n int); CREATE TEMP TABLE passing (n int); SELECT current_user";
        assert_eq!(
            site.login("client01", &token, database, work),
            Ok("client01".into())
        );
    }
    for database in ["postgres", "template1", "client02_db1", "rdsadmin"] {
        let refused = site.login("client01", &token, database, "SELECT 1");
        assert_eq!(refused, Err(DENIED.into()), "{database}");
    }
    assert_eq!(
        site.login("client02", &token, "client02_db1", "SELECT 1"),
        Err(REFUSED.into())
    );
    let whoami = [
        "connect",
        "client01",
        "db2",
        "--",
        "-Atc",
        "SELECT current_user || '@' || current_database()",
    ];
    assert_eq!(key.run(&site, &whoami).ok(), "client01@client01_db2\n");
    let next_door = ["connect", "client01", "client02_db1", "--", "-Atc", "SELECT 1"];
    assert_ne!(key.run(&site, &next_door).code, 0);

    // The same key from elsewhere, and the same place for a role that now names another.
    site.world
        .proxy
        .check_trust(Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))));
    let elsewhere = key.run(&site, &["token", "client01"]).refused();
    assert!(
        elsewhere.contains("AccessDenied") || elsewhere.contains("not authorized"),
        "{elsewhere}"
    );
    site.settle(&tenants("203.0.113.0/24"));
    assert!(!key.token(&site, "client01").is_empty());
    site.world
        .proxy
        .check_trust(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    key.run(&site, &["token", "client01"]).refused();
    let others = key.run(&site, &["token", "client02"]).refused();
    assert!(
        others.contains("AccessDenied") || others.contains("not authorized"),
        "{others}"
    );
}

/// Everything a tenant can plant, and then the master comes to look and to work.
fn what_a_tenant_left_in_its_database_runs_for_nobody_else(major: u16) {
    let recipient = Recipient::new();
    let tenant = |extensions: &str| {
        let block = recipient.block();
        format!(
            "tenant \"client01\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  extensions = [{extensions}]\n  {block}\n}}"
        )
    };
    let site = Site::with(major, &tenant(""));
    let password = recipient.open(&site, "client01")["password"].clone();
    // A function that names the most specific types wins over the one that is meant, wherever `public` is looked at.
    let trap = "CREATE TABLE caught (who text); GRANT ALL ON caught TO PUBLIC;
        CREATE FUNCTION public.trap() RETURNS void LANGUAGE sql AS 'INSERT INTO public.caught VALUES (current_user)';
        GRANT EXECUTE ON FUNCTION public.trap() TO PUBLIC;
        CREATE FUNCTION public.has_schema_privilege(name, text) RETURNS bool LANGUAGE sql AS 'SELECT public.trap(); SELECT true';
        CREATE FUNCTION public.coalesce_acl(aclitem[]) RETURNS aclitem[] LANGUAGE sql AS 'SELECT public.trap(); SELECT $1';
        CREATE FUNCTION public.acldefault(text, oid) RETURNS aclitem[] LANGUAGE sql AS 'SELECT public.trap(); SELECT NULL::aclitem[]';
        CREATE FUNCTION public.text_eq_name(text, name) RETURNS bool LANGUAGE sql AS 'SELECT public.trap(); SELECT true';
        CREATE OPERATOR public.= (leftarg = text, rightarg = name, function = public.text_eq_name)";
    assert_eq!(
        site.login("client01", &password, "client01_db1", trap),
        Ok(String::new())
    );
    assert_eq!(
        site.sql("client01_db1", "SELECT 1 FROM caught"),
        [] as [Vec<String>; 0]
    );
    site.sql(
        "postgres",
        "ALTER DATABASE client01_db1 SET search_path = public, pg_catalog",
    );
    site.sql(
        "postgres",
        "ALTER ROLE postgres_master SET search_path = public, pg_catalog",
    );
    // The traps work: whoever does look at `public` first walks into them.
    assert_eq!(site.value("client01_db1", "SELECT 'x'::text = 'x'::name"), "t");
    assert_eq!(site.value("client01_db1", "SELECT count(*) FROM caught"), "1");
    site.sql(
        "client01_db1",
        "TRUNCATE caught; GRANT CREATE ON SCHEMA public TO PUBLIC",
    );

    site.settle(&tenant("\"pg_trgm\""));
    assert_eq!(site.value("client01_db1", "SELECT count(*) FROM caught"), "0");
    assert_eq!(
        site.value(
            "client01_db1",
            "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'"
        ),
        "1"
    );
}
