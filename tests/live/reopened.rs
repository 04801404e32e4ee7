//! What somebody opened by hand: the next plan shows exactly that, and apply closes it.

use super::site::{Site, changes, held, warnings};
use super::{on_all, on_both_ends, state_of};

on_all!(
    what_was_opened_by_hand_is_shown_exactly_and_closed,
    grants_handed_on_by_a_tenant_go
);
on_both_ends!(
    policies_changed_by_hand_are_put_right,
    what_the_admin_may_not_undo_is_held_with_a_reason
);

const TENANTS: &str = "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n\
                       tenant \"client01\" {}\ntenant \"client02\" {}";

/// Where, what the superuser does there, and what the next plan is about; the last one about several things.
const OPENED: [(&str, &str, &[&str]); 8] = [
    (
        "postgres",
        "GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC",
        &["database_grant.client01_db1/PUBLIC update"],
    ),
    (
        "postgres",
        "GRANT CREATE ON DATABASE client01_db1 TO client01",
        &["database_grant.client01_db1/client01 update"],
    ),
    (
        "postgres",
        "REVOKE TEMP ON DATABASE client01_db1 FROM client01",
        &["database_grant.client01_db1/client01 update"],
    ),
    (
        "postgres",
        "GRANT CONNECT ON DATABASE client01_db1 TO client02",
        &["database_grant.client01_db1/client02 delete"],
    ),
    (
        "client01_db1",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        &["schema_grant.client01_db1/public/PUBLIC update"],
    ),
    (
        "postgres",
        "ALTER ROLE client01 CREATEDB CREATEROLE",
        &["role.client01 update"],
    ),
    (
        "postgres",
        "REVOKE rds_iam FROM client01",
        &["membership.rds_iam/client01 create"],
    ),
    ("postgres", "ALTER DATABASE client01_db1 OWNER TO client01", &[]),
];

fn what_was_opened_by_hand_is_shown_exactly_and_closed(major: u16) {
    let site = Site::with(major, TENANTS);
    let before = state_of::postgres(&site);
    for (database, statement, expected) in OPENED {
        // On 16 the master granted rds_iam under its own name, and only that grant can be taken back.
        let statement = match statement {
            "REVOKE rds_iam FROM client01" => {
                site.master(database, statement);
                "SELECT 1"
            }
            other => other,
        };
        site.sql(database, statement);
        let plan = site.plan_json();
        match expected {
            [] => assert!(
                changes(&plan).contains(&"database.client01_db1 update".to_owned()),
                "{plan:#}"
            ),
            _ => assert_eq!(changes(&plan), expected, "{statement}"),
        }
        site.apply().ok();
        site.assert_converged();
        assert_eq!(state_of::postgres(&site), before, "{statement}");
    }

    site.master("postgres", "GRANT client01 TO client02");
    assert_eq!(
        changes(&site.plan_json()),
        ["membership.client01/client02 delete"]
    );
    site.apply().ok();
    site.assert_converged();
    assert_eq!(state_of::postgres(&site), before);
}

fn policies_changed_by_hand_are_put_right(major: u16) {
    let site = Site::with(major, TENANTS);
    let iam = state_of::iam(&site);
    let open = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
    let parameters = [
        ("UserName", "client01"),
        ("PolicyName", "assume-role"),
        ("PolicyDocument", open),
    ];
    state_of::call(&site, "PutUserPolicy", &parameters);
    state_of::call(
        &site,
        "DeleteRolePolicy",
        &[
            ("RoleName", "rds_cluster_client01"),
            ("PolicyName", "rds-connect"),
        ],
    );
    let expected = [
        "iam_role_policy.rds_cluster_client01/rds-connect create",
        "iam_user_policy.client01/assume-role update",
    ];
    assert_eq!(changes(&site.plan_json()), expected);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(state_of::iam(&site), iam);
}

/// A grant option lets its holder grant under its own name, and that item only falls with the option.
fn grants_handed_on_by_a_tenant_go(major: u16) {
    let site = Site::with(major, TENANTS);
    let before = state_of::postgres(&site);
    site.sql(
        "postgres",
        "GRANT CONNECT ON DATABASE client01_db1 TO client01 WITH GRANT OPTION",
    );
    site.sql(
        "postgres",
        "SET ROLE client01; GRANT CONNECT ON DATABASE client01_db1 TO client02",
    );
    site.sql(
        "postgres",
        "SET ROLE client01; GRANT CONNECT ON DATABASE client01_db1 TO PUBLIC",
    );
    site.sql(
        "client01_db1",
        "GRANT USAGE ON SCHEMA public TO client01 WITH GRANT OPTION",
    );
    site.sql(
        "client01_db1",
        "SET ROLE client01; GRANT USAGE ON SCHEMA public TO PUBLIC",
    );
    let expected = [
        "database_grant.client01_db1/PUBLIC update",
        "database_grant.client01_db1/client01 update",
        "database_grant.client01_db1/client02 delete",
        "schema_grant.client01_db1/public/PUBLIC update",
        "schema_grant.client01_db1/public/client01 update",
    ];
    assert_eq!(changes(&site.plan_json()), expected);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(state_of::postgres(&site), before);
}

/// Attributes that take a superuser, and memberships that somebody else granted.
fn what_the_admin_may_not_undo_is_held_with_a_reason(major: u16) {
    let site = Site::with(major, TENANTS);
    site.sql("postgres", "ALTER ROLE client01 BYPASSRLS");
    let plan = site.plan_json();
    assert!(!held(&plan, "role.client01").is_empty(), "{plan:#}");
    assert_eq!(changes(&plan), [] as [&str; 0]);
    site.apply().ok();
    site.sql("postgres", "ALTER ROLE client01 NOBYPASSRLS");

    site.sql("postgres", "GRANT client01 TO client02");
    let plan = site.plan_json();
    let held_or_undone = if major >= 16 {
        // The grantor is the bootstrap superuser, and since 16 only its own privileges take that back.
        !held(&plan, "membership.client01/client02").is_empty()
    } else {
        changes(&plan) == ["membership.client01/client02 delete"]
    };
    assert!(held_or_undone, "{plan:#}");
    site.apply().ok();
    site.sql("postgres", "REVOKE client01 FROM client02");

    // A stranger's grant on a tenant's database is not ours to judge, and not ours to keep quiet about.
    site.sql("postgres", "CREATE ROLE auditor LOGIN");
    site.sql("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO auditor");
    site.apply().ok();
    assert!(warnings(&site.plan_json()).contains(&"foreign_grant"));
    let may = "SELECT has_database_privilege('auditor', 'client01_db1', 'CONNECT')";
    assert_eq!(site.value("postgres", may), "t");
}
