//! Privileges that nobody asked for.

use tenantctl::address::Grantee;
use tenantctl::model::{Grantor, Object, Privilege};

use crate::applied::{add_member, remember};
use crate::world::{
    ADMIN, ONE, Small, TWO, add_item, database, database_grant, foreign_role, grant, role, schema_grant, to,
};

const ALL: &[Privilege] = &[Privilege::Connect, Privilege::Temporary];

#[test]
fn public_is_back_on_a_database_and_its_schema() {
    let small = Small::applied(ONE).edit(|live| {
        grant(live, database_grant("client01_db1", Grantee::Public), ALL);
        let schema = [Privilege::Create, Privilege::Usage];
        grant(live, schema_grant("client01_db1", Grantee::Public), &schema);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn public_is_back_on_a_retained_database() {
    let small = Small::applied(TWO).asks(ONE);
    let live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    let small = small.edit(|before| {
        *before = live;
        grant(before, database_grant("client02_db1", Grantee::Public), ALL);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn another_tenant_got_in() {
    let small = Small::applied(TWO).edit(|live| {
        grant(live, database_grant("client01_db1", to("client02")), ALL);
        grant(
            live,
            schema_grant("client01_db1", to("client02")),
            &[Privilege::Usage],
        );
        live.sessions
            .insert(("client02".into(), "client01_db1".into()), 1);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_foreign_role_got_in() {
    let small = Small::applied(ONE).edit(|live| {
        grant(live, database_grant("client01_db1", to("reporting")), ALL);
        grant(
            live,
            schema_grant("client01_db1", to("reporting")),
            &[Privilege::Usage],
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_tenant_may_make_schemas_and_pass_on_what_it_has() {
    let small = Small::applied(ONE).edit(|live| {
        let address = database_grant("client01_db1", to("client01"));
        live.world.remove(&address);
        add_item(live, &address, Privilege::Create, Grantor::Owner, false);
        add_item(live, &address, Privilege::Connect, Grantor::Owner, true);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_tenant_lost_what_it_had() {
    let small = Small::applied(ONE).edit(|live| {
        live.world.remove(&database_grant("client01_db1", to("client01")));
        grant(
            live,
            schema_grant("client01_db1", to("client01")),
            &[Privilege::Usage],
        );
    });
    insta::assert_snapshot!(small.shown());
}

/// The grantor is a role the admin may become, and one it may not.
#[test]
fn granted_on_by_others() {
    let small = Small::applied(TWO).edit(|live| {
        for grantor in ["reporting", "delegate"] {
            live.world.insert(role(grantor), Object::Role(foreign_role(true)));
            let address = database_grant("client01_db1", to(grantor));
            add_item(live, &address, Privilege::Connect, Grantor::Owner, true);
        }
        add_member(live, "delegate", ADMIN, "rdsadmin");
        let public = database_grant("client01_db1", Grantee::Public);
        let other = database_grant("client01_db1", to("client02"));
        add_item(
            live,
            &public,
            Privilege::Connect,
            Grantor::Role("reporting".into()),
            false,
        );
        add_item(
            live,
            &other,
            Privilege::Connect,
            Grantor::Role("delegate".into()),
            false,
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_database_of_another_workspace_is_left_alone() {
    let small = Small::applied(TWO).edit(|live| {
        for mark in live.marks.values_mut() {
            if mark.tenant.as_str() == "client02" {
                mark.workspace = "staging".into();
            }
        }
        grant(live, database_grant("client02_db1", Grantee::Public), ALL);
        remember(live, "staging", &database("client02_db1"), None);
    });
    let plan = small.asks(ONE).shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}
