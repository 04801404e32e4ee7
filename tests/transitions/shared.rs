//! Databases that are nobody's, and sessions where they may not be.

use tenantctl::address::Grantee;
use tenantctl::model::{DatabaseState, Object, Privilege};

use crate::applied::{add_member, remember};
use crate::world::{
    ADMIN, ONE, Small, TWO, add_database, alter_database, database_grant, foreign_role, grant, role, to,
};

fn asking(wish: &str) -> String {
    format!(
        "cluster \"main\" {{\n  identifier = \"prod-tenants\"\n  shared_databases = \"{wish}\"\n}}\n{ONE}"
    )
}

fn nobodys(live: &mut tenantctl::live::Live) {
    live.world
        .insert(role("colleague"), Object::Role(foreign_role(true)));
    add_database(live, "analytics", ADMIN);
    add_database(live, "foreign", "colleague");
    add_database(live, "archive", ADMIN);
    alter_database(live, "archive", |database| database.state = DatabaseState::Closed);
}

#[test]
fn closed() {
    insta::assert_snapshot!(Small::applied(ONE).edit(nobodys).shown());
}

#[test]
fn warned_about() {
    let small = Small::applied(&asking("warn")).edit(nobodys);
    insta::assert_snapshot!(small.shown());
}

#[test]
fn left() {
    let plan = Small::applied(&asking("leave")).edit(nobodys).shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}

/// With `--tenant`, what is nobody's is nobody's business.
#[test]
fn out_of_scope() {
    let plan = Small::applied(ONE).edit(nobodys).only("client01").shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}

#[test]
fn what_public_had_by_others_and_keepers_that_hold_some_already() {
    let small = Small::applied(ONE).edit(|live| {
        add_database(live, "analytics", ADMIN);
        grant(
            live,
            database_grant("analytics", to("reporting")),
            &[Privilege::Connect, Privilege::Create],
        );
        // An owner that is no login role of its own, but whose privileges the admin has.
        live.world
            .insert(role("platform"), Object::Role(foreign_role(false)));
        add_member(live, "platform", ADMIN, "rdsadmin");
        add_database(live, "tools", "platform");
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_tenant_that_was_kept_before_it_was_one() {
    let small = Small::applied(TWO).edit(|live| {
        for name in ["postgres", "analytics", "theirs"] {
            if name != "postgres" {
                add_database(live, name, ADMIN);
                live.world.insert(
                    database_grant(name, Grantee::Public),
                    Object::Grant(tenantctl::model::Grant::default()),
                );
            }
            grant(live, database_grant(name, to("client02")), &[Privilege::Connect]);
        }
        remember(
            live,
            "default",
            &database_grant("analytics", to("client02")),
            None,
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn sessions_where_they_may_not_be() {
    let small = Small::applied(TWO).edit(|live| {
        for (of, at) in [
            ("client01", "client01_db1"),
            ("client01", "client02_db1"),
            ("client02", "postgres"),
            ("reporting", "postgres"),
        ] {
            live.sessions.insert((of.into(), at.into()), 2);
        }
    });
    insta::assert_snapshot!(small.shown());
}

/// Ending a session that can be opened again at once would never end.
#[test]
fn sessions_that_could_come_back_at_once_are_left() {
    let small = Small::applied(ONE).edit(|live| {
        nobodys(live);
        live.sessions.insert(("client01".into(), "foreign".into()), 1);
    });
    let plan = small.shown();
    assert!(!plan.contains("pg_terminate_backend"), "{plan}");
    let scoped = Small::applied(ONE).only("client01").edit(|live| {
        grant(
            live,
            database_grant("postgres", Grantee::Public),
            &[Privilege::Connect],
        );
        live.sessions.insert(("client01".into(), "postgres".into()), 1);
    });
    let plan = scoped.shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}
