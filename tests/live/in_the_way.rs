//! A tenant that stands in the way, with locks or with objects that an extension needs the names of: it stops itself,
//! in bounded time and with a clear error, and nobody else.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::hostile::{DATABASE, caught, password_tenant, timed};
use super::login::Recipient;
use super::on_both_ends;
use super::site::{Site, changes, wait_until};

on_both_ends!(
    a_tenant_that_holds_locks_stops_itself_alone,
    what_is_planted_in_the_way_of_an_extension_stops_its_tenant_alone
);

/// A transaction of a tenant that stays open until it is ended from outside.
fn while_open<T>(site: &Site, password: &str, statements: &str, work: impl FnOnce() -> T) -> T {
    let is_open =
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'client01' AND query LIKE '%pg_sleep(299)%'";
    thread::scope(|scope| {
        let held = scope.spawn(|| {
            site.login(
                "client01",
                password,
                DATABASE,
                &format!("BEGIN; {statements}; SELECT pg_sleep(299)"),
            )
        });
        wait_until("the tenant's transaction is open", || {
            assert!(!held.is_finished(), "{statements}");
            site.value("postgres", is_open) == "1"
        });
        // All before the sleep is done when the session only sleeps.
        let sleeps =
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'client01' AND wait_event = 'PgSleep'";
        wait_until("the tenant holds its locks", || {
            site.value("postgres", sleeps) == "1"
        });
        let done = work();
        site.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'client01'",
        );
        done
    })
}

fn failed_addresses(report: &Value) -> Vec<&str> {
    let results = report["results"].as_array().unwrap().iter();
    let failed = results.filter(|result| result["outcome"] == "failed");
    failed.map(|result| result["address"].as_str().unwrap()).collect()
}

fn a_tenant_that_holds_locks_stops_itself_alone(major: u16) {
    let recipient = Recipient::new();
    let tenants = |more: &str| {
        let (first, second) = (
            password_tenant("client01", &recipient, more),
            password_tenant("client02", &recipient, more),
        );
        first + &second
    };
    let site = Site::with(major, &tenants(""));
    let password = recipient.open(&site, "client01")["password"].clone();
    let locks = "CREATE TABLE public.mine (n int); LOCK TABLE public.mine IN ACCESS EXCLUSIVE MODE;
        ALTER ROLE client01 SET work_mem = '64MB'; ALTER ROLE client01 PASSWORD 'taken';
        DROP OWNED BY CURRENT_USER";
    // The settings and limits of both change; the row of the one is locked by its own open transaction.
    site.tenants(&tenants(
        "connection_limit = 7\n  settings = { work_mem = \"32MB\" }",
    ));
    let (report, took) = while_open(&site, &password, locks, || {
        // Reading waits for nobody.
        let (plan, took) = timed(|| site.plan_json());
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(!changes(&plan).is_empty());
        timed(|| site.run(&["apply", "--auto-approve", "--json"]))
    });
    assert_eq!(report.code, 1, "{report}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    let document: Value = serde_json::from_str(&report.stdout).unwrap();
    let failed = failed_addresses(&document);
    assert!(!failed.is_empty(), "{document:#}");
    assert!(
        failed.iter().all(|address| address.contains("client01")),
        "{document:#}"
    );
    let said = document.to_string();
    assert!(said.contains("lock timeout"), "{document:#}");
    let limits = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'client02'";
    assert_eq!(site.value("postgres", limits), "7");
    // Once it is gone, a rerun converges.
    site.apply().ok();
    site.assert_converged();
    let limits = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'client01'";
    assert_eq!(site.value("postgres", limits), "7");
}

/// The script of an extension never takes over a function that was there before it, nor does it run one
/// (CVE-2022-2625): <https://www.postgresql.org/support/security/CVE-2022-2625/>.
fn what_is_planted_in_the_way_of_an_extension_stops_its_tenant_alone(major: u16) {
    let recipient = Recipient::new();
    let tenants = |more: &str| {
        let (first, second) = (
            password_tenant("client01", &recipient, more),
            password_tenant("client02", &recipient, more),
        );
        first + &second
    };
    let site = Site::with(major, &tenants(""));
    let password = recipient.open(&site, "client01")["password"].clone();
    let trap = "CREATE SEQUENCE public.canary; GRANT ALL ON public.canary TO PUBLIC;
        CREATE FUNCTION public.similarity(text, text) RETURNS float4 LANGUAGE plpgsql AS
          $$BEGIN PERFORM pg_catalog.nextval('public.canary'); RETURN 1; END$$;
        CREATE FUNCTION public.gtrgm_in(cstring) RETURNS int LANGUAGE internal AS 'int4in'";
    let _ = site.login("client01", &password, DATABASE, trap);
    let plant = trap.split("CREATE FUNCTION public.gtrgm_in").next().unwrap();
    assert_eq!(
        site.login("client01", &password, DATABASE, plant),
        Ok(String::new())
    );

    site.tenants(&tenants("extensions = [\"pg_trgm\"]"));
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.stdout.contains("client01_db1/pg_trgm") && run.stdout.contains("similarity"),
        "{run}"
    );
    assert!(run.stdout.contains("1 steps failed"), "{run}");
    let there = "SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'";
    assert_eq!(
        [site.value(DATABASE, there), site.value("client02_db1", there)],
        ["0", "1"]
    );
    assert_eq!(caught(&site), "");

    // An uncommitted one is waited for, but not for long.
    let dropped = site.login(
        "client01",
        &password,
        DATABASE,
        "DROP FUNCTION public.similarity(text, text)",
    );
    assert_eq!(dropped, Ok(String::new()));
    let uncommitted =
        "CREATE FUNCTION public.similarity(text, text) RETURNS float4 LANGUAGE sql AS 'SELECT 1::float4'";
    let (run, took) = while_open(&site, &password, uncommitted, || timed(|| site.apply()));
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("lock timeout"), "{run}");
    assert!(took < Duration::from_secs(60), "{took:?}");
    site.apply().ok();
    site.assert_converged();
    assert_eq!(caught(&site), "");
}
