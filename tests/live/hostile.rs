//! A tenant that plants what it may: none of its code runs for the admin, and what is reported stays true and fit for a
//! terminal.

use std::time::{Duration, Instant};

use super::login::Recipient;
use super::on_both_ends;
use super::site::{Run, Site, changes, held};

on_both_ends!(
    nothing_that_a_tenant_owns_runs_for_the_admin,
    a_hostile_database_is_adopted_without_running_it
);

pub(super) const DATABASE: &str = "client01_db1";

const SETTING: &str = "settings = { application_name = \"ours\" }";

pub(super) fn password_tenant(name: &str, recipient: &Recipient, more: &str) -> String {
    let block = recipient.block();
    format!(
        "tenant \"{name}\" {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {block}\n  {more}\n}}\n"
    )
}

/// A function of the same name and types for every one in `pg_catalog`, and an operator for every one there. Whoever
/// looks at `public` first runs them; so does a bump of the sequence stay when what bumped it is rolled back.
const SHADOWS: &str = "
    CREATE SEQUENCE public.canary;
    GRANT ALL ON public.canary TO PUBLIC;
    CREATE FUNCTION public.trap() RETURNS void LANGUAGE plpgsql AS
      $$BEGIN PERFORM pg_catalog.nextval('public.canary'); RAISE EXCEPTION 'trapped'; END$$;
    DO $do$
    DECLARE f record;
    BEGIN
      FOR f IN SELECT proname, pg_get_function_identity_arguments(oid) AS arguments, pg_get_function_result(oid) AS result
               FROM pg_catalog.pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
      LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS
            ''BEGIN PERFORM public.trap(); RETURN; END''', f.proname, f.arguments,
            CASE f.result WHEN 'void' THEN 'void' ELSE f.result END);
        EXCEPTION WHEN OTHERS THEN
          BEGIN
            EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS
              ''BEGIN PERFORM public.trap(); RETURN NULL; END''', f.proname, f.arguments, f.result);
          EXCEPTION WHEN OTHERS THEN NULL;
          END;
        END;
      END LOOP;
    END $do$;
    DO $do$
    DECLARE o record;
    BEGIN
      FOR o IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, p.proname
               FROM pg_catalog.pg_operator JOIN pg_catalog.pg_proc p ON p.oid = oprcode
               WHERE oprnamespace = 'pg_catalog'::regnamespace
      LOOP
        BEGIN
          EXECUTE format('CREATE OPERATOR public.%s (%s rightarg = %s, function = public.%I)', o.oprname,
            CASE WHEN o.l::text = '-' THEN '' ELSE format('leftarg = %s,', o.l) END, o.r, o.proname);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
    END $do$;
    -- What fits better than anything in pg_catalog wins wherever public is looked at at all.
    CREATE FUNCTION public.is_equal(name, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN true; END';
    CREATE FUNCTION public.is_equal(text, name) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN true; END';
    CREATE FUNCTION public.is_equal(oid, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN true; END';
    CREATE OPERATOR public.= (leftarg = oid, rightarg = int, function = public.is_equal)";

/// Relations with the names of catalogs, a trigger, a policy, a domain, default privileges.
const OBJECTS: &str = "
    CREATE FUNCTION public.fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); RETURN NEW; END';
    DO $do$
    DECLARE t name;
    BEGIN
      FOREACH t IN ARRAY ARRAY['pg_database', 'pg_roles', 'pg_namespace', 'pg_extension', 'pg_stat_activity',
                               'pg_auth_members', 'pg_class', 'tenantctl', 'version', 'object', 'step']::name[]
      LOOP
        EXECUTE format('CREATE TABLE public.%I (oid oid, nspname name, datname name, extname name)', t);
        EXECUTE format('GRANT ALL ON public.%I TO PUBLIC', t);
        EXECUTE format('CREATE TRIGGER fires BEFORE INSERT OR UPDATE OR DELETE ON public.%I
                        FOR EACH ROW EXECUTE FUNCTION public.fires()', t);
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY trapped ON public.%I USING (public.is_equal(''a''::text, ''a''::name))', t);
      END LOOP;
    END $do$;
    CREATE DOMAIN public.text AS pg_catalog.text CHECK (public.trap() IS NULL);
    CREATE DOMAIN public.aclitem AS pg_catalog.text;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC";

/// A thousand tables whose names hold what breaks quoting and terminals.
const THOUSAND_TABLES: &str = "
    DO $do$ BEGIN
      FOR i IN 1..1000 LOOP
        EXECUTE format('CREATE TABLE public.%I (n int)', E'a\"b''c\\\\d\\n\\x1b[31m🦀' || n.number || '_' || i)
        FROM (SELECT count(*) AS number FROM pg_catalog.pg_class) n;
      END LOOP;
    END $do$";

/// What it may set on its own role. One of them is set by the file, so that what it says gets into the plan.
const SETTINGS: &str = "
    ALTER ROLE client01 SET search_path = public, pg_catalog;
    ALTER ROLE client01 IN DATABASE client01_db1 SET search_path = public, pg_catalog;
    ALTER ROLE client01 SET application_name = E'\\x1b[2J\\x1b]0;pwned\\x07\\nNo changes.\\n\u{202e}\"; DROP DATABASE client02_db1; --'";

/// As the tenant: everything that it may plant, and a look at what it may not.
#[track_caller]
fn plant(site: &Site, password: &str) {
    let planted = |statements: &str| {
        let done = site.login("client01", password, DATABASE, statements);
        assert!(done.is_ok(), "{done:?} in {statements}");
    };
    planted(SHADOWS);
    planted(OBJECTS);
    for _ in 0..5 {
        planted(THOUSAND_TABLES);
    }
    for forbidden in [
        "CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION public.trap()",
        "ALTER DATABASE client01_db1 SET search_path = public",
        "ALTER ROLE postgres_master SET search_path = public",
        "CREATE SCHEMA tenantctl",
        "ALTER ROLE client01 SET \"evil.setting\" = 'x'",
        "CREATE PUBLICATION everything FOR ALL TABLES",
        "CREATE CAST (name AS text) WITHOUT FUNCTION",
        "BEGIN; LOCK TABLE pg_catalog.pg_namespace IN EXCLUSIVE MODE",
        "SELECT 1 FROM pg_catalog.pg_namespace FOR UPDATE",
    ] {
        let refused = site.login("client01", password, DATABASE, forbidden);
        assert_eq!(refused, Err("42501".into()), "{forbidden}");
    }
    let functions = site.value(
        DATABASE,
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    );
    assert!(functions.parse::<u32>().unwrap() > 2000, "{functions}");
    let operators = site.value(
        DATABASE,
        "SELECT count(*) FROM pg_operator WHERE oprnamespace = 'public'::regnamespace",
    );
    assert!(operators.parse::<u32>().unwrap() > 500, "{operators}");
    // The traps work: whoever looks at `public` first walks into them.
    let lured = site.world.postgres.sql(
        DATABASE,
        "SET search_path = public, pg_catalog; SELECT lower('A')",
    );
    assert!(lured.unwrap_err().to_string().contains("trapped"));
    assert_eq!(caught(site), "1");
    site.sql(DATABASE, "SELECT setval('public.canary', 1, false)");
}

/// How often the traps fired since they were set; NULL, shown as empty, for never.
pub(super) fn caught(site: &Site) -> String {
    site.value(DATABASE, "SELECT pg_sequence_last_value('public.canary')")
}

#[track_caller]
fn assert_untouched(site: &Site) {
    assert_eq!(caught(site), "");
    // In a read-only session the sequence cannot be bumped, but the log shows the attempt.
    let log = site.world.postgres.log();
    let error = log
        .lines()
        .find(|line| line.contains("postgres_master@") && line.contains("ERROR:"));
    assert_eq!(error, None);
}

/// What a terminal gets has nothing in it that moves a cursor, hides or reorders text.
#[track_caller]
fn assert_printable(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let raw = text
            .chars()
            .find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
        assert_eq!(raw, None, "{run}");
    }
}

pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn nothing_that_a_tenant_owns_runs_for_the_admin(major: u16) {
    let recipient = Recipient::new();
    let tenants = |more: &str| {
        let (first, second) = (
            password_tenant("client01", &recipient, &format!("{SETTING}\n  {more}")),
            password_tenant("client02", &recipient, ""),
        );
        first + &second
    };
    let site = Site::with(major, &tenants(""));
    let password = recipient.open(&site, "client01")["password"].clone();
    let ((), before) = timed(|| site.assert_converged());
    plant(&site, &password);
    let ((), after) = timed(|| site.assert_converged());
    assert!(
        after < before * 3 + Duration::from_secs(1),
        "{before:?}, then {after:?}"
    );
    assert_untouched(&site);

    // Of what it set on its own role, the file asks for one thing alone, and gets it back.
    assert_eq!(
        site.login("client01", &password, DATABASE, SETTINGS),
        Ok(String::new())
    );
    let plan = site.plan_json();
    assert_eq!(
        changes(&plan),
        ["role_setting.client01/application_name update"],
        "{plan:#}"
    );
    for arguments in [&["plan", "-v"][..], &["plan", "--markdown"]] {
        let run = site.run(arguments);
        if run.code == 0 {
            assert_printable(&run);
        } else {
            panic!("{run}");
        }
    }
    for arguments in [
        &["audit"][..],
        &["audit", "--json"],
        &["why", "client02", DATABASE],
    ] {
        let run = site.run(arguments);
        assert!(run.code == 0 || run.code == 2, "{run}");
        assert_printable(&run);
    }
    let applied = site.apply();
    assert_printable(&applied);
    applied.ok();
    site.assert_converged();
    let name = "SELECT setting FROM pg_roles, unnest(rolconfig) setting
                WHERE rolname = 'client01' AND setting LIKE 'application_name=%'";
    assert_eq!(site.value("postgres", name), "application_name=ours");
    let kept = "SELECT datname FROM pg_database WHERE datname = 'client02_db1'";
    assert_eq!(site.value("postgres", kept), "client02_db1");

    // Drift next to all of it is seen exactly and goes; so does work inside the database.
    site.sql(DATABASE, "GRANT CREATE ON SCHEMA public TO PUBLIC");
    let plan = site.plan_json();
    assert_eq!(
        changes(&plan),
        [format!("schema_grant.{DATABASE}/public/PUBLIC update")],
        "{plan:#}"
    );
    site.apply().ok();
    site.settle(&tenants("connection_limit = 7\n  extensions = [\"citext\"]"));
    site.assert_converged();
    assert_untouched(&site);

    // And its data leaves with it.
    site.settle(&tenants(
        "deletion_policy = \"delete\"\n  connection_limit = 7\n  extensions = [\"citext\"]",
    ));
    let (applied, took) = timed(|| {
        site.tenants(&password_tenant("client02", &recipient, ""));
        site.run(&["apply", "--auto-approve"])
    });
    assert_printable(&applied);
    applied.ok();
    assert!(took < Duration::from_secs(60), "{took:?}");
    site.assert_converged();
}

fn a_hostile_database_is_adopted_without_running_it(major: u16) {
    let recipient = Recipient::new();
    let site = Site::start(major);
    site.master("postgres", "CREATE ROLE client01 LOGIN PASSWORD 'by-hand'");
    site.master("postgres", "CREATE DATABASE client01_db1");
    site.sql(DATABASE, "GRANT CREATE ON SCHEMA public TO client01");
    plant(&site, "by-hand");
    site.tenants(&password_tenant("client01", &recipient, ""));
    let plan = site.plan_json();
    assert!(
        held(&plan, &format!("database.{DATABASE}")).contains("not ours"),
        "{plan:#}"
    );
    site.run(&["adopt", "--tenant", "client01"]).ok();
    site.apply().ok();
    site.assert_converged();
    assert_untouched(&site);
}
