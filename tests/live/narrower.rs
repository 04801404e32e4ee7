//! A grant that somebody made by hand goes, and with it whoever came in through it.

use super::login::Recipient;
use super::on_both_ends;
use super::site::Site;

on_both_ends!(who_came_in_by_a_grant_that_goes_is_shown_out);

fn who_came_in_by_a_grant_that_goes_is_shown_out(major: u16) {
    let recipient = Recipient::new();
    let tenants = format!(
        "defaults {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n  {}\n}}\ntenant \"client01\" {{}}\ntenant \"client02\" {{}}\n",
        recipient.block()
    );
    let site = Site::with(major, &tenants);
    let password = recipient.open(&site, "client02")["password"].clone();
    let shut = || site.login("client02", &password, "client01_db1", "SELECT 1");
    assert_eq!(shut(), Err("42501".into()));
    for grantee in ["client02", "PUBLIC"] {
        site.master(
            "postgres",
            &format!("GRANT CONNECT ON DATABASE client01_db1 TO {grantee}"),
        );
        let at_home = site.open_session("client02", &password, "client02_db1");
        let intruder = site.open_session("client02", &password, "client01_db1");
        let plan = site.plan_json();
        assert!(plan.to_string().contains("pg_terminate_backend"), "{plan:#}");
        site.apply().ok();
        site.assert_converged();
        intruder.was_ended();
        assert!(at_home.is_open());
        assert_eq!(shut(), Err("42501".into()));
        site.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'client02'",
        );
        at_home.was_ended();
    }
}
