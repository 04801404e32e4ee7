//! Memberships that nobody asked for, and roles that somebody else made.

use tenantctl::model::MembershipRow;

use crate::applied::{add_member, add_row, reckon};
use crate::world::{ADMIN, ONE, Small, TWO, grant, schema_grant, to};

#[test]
fn a_tenant_that_is_a_member_of_another() {
    for version in [150_013, 160_004] {
        let small =
            Small::applied_on(version, TWO).edit(|live| add_member(live, "client01", "client02", ADMIN));
        insta::assert_snapshot!(
            format!("a_tenant_that_is_a_member_of_another_on_{}", version / 10_000),
            small.shown()
        );
    }
}

/// From 16 on a membership goes only by its grantor, or by a role that has the grantor's privileges.
#[test]
fn a_membership_that_a_superuser_granted() {
    let small = Small::applied(TWO).edit(|live| add_member(live, "client01", "client02", "rdsadmin"));
    insta::assert_snapshot!(small.shown());
}

/// Up to 15 the catalog may name a grantor that was dropped since.
#[test]
fn a_membership_whose_grantor_is_gone() {
    let small = Small::applied_on(150_013, TWO).edit(|live| add_member(live, "client01", "client02", ""));
    let plan = small.shown();
    assert!(plan.contains("REVOKE \"client01\" FROM \"client02\""), "{plan}");
    assert!(!plan.contains("GRANTED BY \"\""), "{plan}");
}

#[test]
fn memberships_with_roles_that_are_no_tenants() {
    let small = Small::applied(TWO).edit(|live| {
        add_member(live, "client01", "reporting", ADMIN);
        add_member(live, "reporting", "client02", ADMIN);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_member_of_rds_iam_that_may_pass_it_on() {
    let small = Small::applied(ONE).edit(|live| {
        add_row(
            live,
            MembershipRow {
                role: "rds_iam".into(),
                member: "client01".into(),
                grantor: "rdsadmin".into(),
                admin_option: true,
                inherit_option: true,
                set_option: true,
            },
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_role_that_the_admin_may_not_administer() {
    let file = ONE.replace("databases ", "connection_limit = 5\n  databases ");
    let small = Small::applied(ONE).asks(&file).edit(|live| {
        live.memberships.retain(|row| row.role != "client01");
        reckon(live);
        live.world.remove(&schema_grant("client01_db1", to("client01")));
    });
    insta::assert_snapshot!(small.shown());
}

/// Up to 15 CREATEROLE reaches every role that is no superuser.
#[test]
fn up_to_15_every_role_may_be_administered() {
    let file = ONE.replace("databases ", "connection_limit = 5\n  databases ");
    let plan = Small::applied_on(150_013, ONE).asks(&file).shown();
    assert!(
        plan.contains("ALTER ROLE \"client01\" CONNECTION LIMIT 5"),
        "{plan}"
    );
}

#[test]
fn an_admin_that_may_not_grant_rds_iam() {
    let small = Small::untouched(ONE).edit(|live| {
        live.memberships.retain(|row| row.role != "rds_superuser");
        reckon(live);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_server_without_rds_iam() {
    let small = Small::untouched(ONE).edit(|live| {
        live.world.remove(&crate::world::role("rds_iam"));
        grant(live, schema_grant("postgres", to("reporting")), &[]);
    });
    insta::assert_snapshot!(small.shown());
}
