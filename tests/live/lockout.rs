//! A role that reaches `rds_iam` can no longer log in by password: no plan does that to the admin.

use super::on_both_ends;
use super::site::{Site, changes};
use super::state_of;

on_both_ends!(
    a_plan_that_would_lock_the_admin_out_is_refused,
    the_creators_membership_is_neither_a_way_out_nor_drift
);

const BY_PASSWORD: &str = "tenant \"client01\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}\n";
const BY_IAM: &str =
    "tenant \"client01\" {\n  databases = [\"db1\"]\n  allowed_ips = [\"127.0.0.1/32\"]\n}\n";

/// By a membership of its own, and by one of a group.
fn a_plan_that_would_lock_the_admin_out_is_refused(major: u16) {
    let site = Site::with(major, BY_PASSWORD);
    let ways = [
        (
            "GRANT client01 TO postgres_master",
            "REVOKE client01 FROM postgres_master",
        ),
        (
            "CREATE ROLE support; GRANT client01 TO support; GRANT support TO postgres_master",
            "REVOKE support FROM postgres_master",
        ),
    ];
    // Under the master's own name: a superuser's GRANT would change nothing of the row that 16 made for the creator.
    let as_master = |statement| site.master("postgres", statement);
    for (way_in, way_out) in ways {
        site.tenants(BY_IAM);
        as_master(way_in);
        let before = (state_of::postgres(&site), state_of::iam(&site));
        let said = site.apply().refused();
        for word in [
            "\"postgres_master\" logs in by password",
            "client01 -> rds_iam",
            "Revoke that membership first",
        ] {
            assert!(said.contains(word), "no {word}: {said}");
        }
        assert_eq!(
            (state_of::postgres(&site), state_of::iam(&site)),
            before,
            "{way_in}"
        );
        site.master("postgres", "SELECT 1");
        // What it says helps.
        as_master(way_out);
        site.settle(BY_IAM);
        site.master("postgres", "SELECT 1");
        site.settle(BY_PASSWORD);
    }
}

fn the_creators_membership_is_neither_a_way_out_nor_drift(major: u16) {
    let site = Site::with(major, BY_IAM);
    let implicit = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'client01'::regrole
                    AND member = 'postgres_master'::regrole AND admin_option";
    let there = if major >= 16 { "1" } else { "0" };
    assert_eq!(site.value("postgres", implicit), there);
    assert_eq!(changes(&site.plan_json()), [""; 0]);
    site.settle(BY_PASSWORD);
    site.settle(BY_IAM);
    assert_eq!(site.value("postgres", implicit), there);
    site.master("postgres", "SELECT 1");
}
