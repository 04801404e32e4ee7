//! Databases that are not as they were left.

use tenantctl::address::{Address, Grantee};
use tenantctl::live::Live;
use tenantctl::model::{DatabaseState, Object, Privilege};

use crate::world::{
    ADMIN, ONE, Small, alter_database, database, database_grant, foreign_role, grant, role, to,
};

#[test]
fn owned_by_its_tenant() {
    for version in [150_013, 160_004] {
        let small = Small::applied_on(version, ONE).edit(|live| {
            alter_database(live, "client01_db1", |database| {
                database.owner = "client01".into()
            });
            // What an owner holds is not among the grants.
            live.world.remove(&database_grant("client01_db1", to("client01")));
            grant(
                live,
                database_grant("client01_db1", Grantee::Public),
                &[Privilege::Connect, Privilege::Temporary],
            );
        });
        insta::assert_snapshot!(
            format!("owned_by_its_tenant_on_{}", version / 10_000),
            small.shown()
        );
    }
}

#[test]
fn owned_by_a_superuser() {
    let small = Small::applied(ONE).edit(|live| {
        alter_database(live, "client01_db1", |database| {
            database.owner = "rdsadmin".into()
        });
        grant(
            live,
            database_grant("client01_db1", Grantee::Public),
            &[Privilege::Connect],
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn left_invalid_by_an_interrupted_drop() {
    let small = Small::applied(ONE).edit(|live| {
        alter_database(live, "client01_db1", |database| {
            database.state = DatabaseState::Invalid;
        });
        forget_inside(live, "client01_db1");
        grant(
            live,
            database_grant("client01_db1", Grantee::Public),
            &[Privilege::Connect],
        );
    });
    insta::assert_snapshot!(small.shown());
}

fn forget_inside(live: &mut Live, name: &str) {
    live.opened.remove(name);
    let inside: Vec<Address> = live
        .world
        .iter()
        .map(|(address, _)| address)
        .filter(|address| address.inside_database().is_some_and(|database| database == name))
        .cloned()
        .collect();
    for address in inside {
        live.world.remove(&address);
    }
}

#[test]
fn closed_by_a_crash_between_create_and_open() {
    let small = Small::applied(ONE).edit(|live| {
        alter_database(live, "client01_db1", |database| {
            database.state = DatabaseState::Closed;
        });
        forget_inside(live, "client01_db1");
        live.world.remove(&database_grant("client01_db1", to("client01")));
        grant(
            live,
            database_grant("client01_db1", Grantee::Public),
            &[Privilege::Connect, Privilege::Temporary],
        );
    });
    insta::assert_snapshot!(small.shown());
}

fn unreadable(live: &mut Live) {
    forget_inside(live, "client01_db1");
    live.gaps.insert(
        database("client01_db1"),
        "connecting to client01_db1: too many connections".into(),
    );
}

#[test]
fn unreadable_is_held() {
    let file = ONE.replace("databases ", "extensions = [\"pg_trgm\"]\n  databases ");
    insta::assert_snapshot!(Small::applied(ONE).asks(&file).edit(unreadable).shown());
}

/// A gap is not absence, and what was not read is not dropped.
#[test]
fn unreadable_is_never_deleted() {
    let file = ONE.replace("databases ", "deletion_policy = \"delete\"\n  databases ");
    let text = Small::applied(&file).asks("").edit(unreadable).shown();
    assert!(!text.contains("DROP"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn shallow_says_nothing_of_what_is_inside() {
    let small = Small::applied(ONE).edit(|live| forget_inside(live, "client01_db1"));
    assert_eq!(
        small.shown(),
        "No changes. 9 objects are as the file asks.\n",
        "what is not looked at is neither missing nor as it should be"
    );
}

#[test]
fn another_locale_is_said_and_left_alone() {
    let small = Small::applied(ONE).edit(|live| {
        live.locales.insert("client01_db1".into(), "SQL_ASCII C/C".into());
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn dropped_by_somebody_else() {
    let small = Small::applied(ONE).edit(|live| {
        forget_inside(live, "client01_db1");
        for grantee in [Grantee::Public, to("client01")] {
            live.world.remove(&database_grant("client01_db1", grantee));
        }
        live.world.remove(&database("client01_db1"));
        live.marks.remove(&database("client01_db1"));
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn whose_owner_the_admin_may_not_become() {
    let small = Small::applied(ONE).edit(|live| {
        live.world
            .insert(role("colleague"), Object::Role(foreign_role(true)));
        alter_database(live, "client01_db1", |database| {
            database.owner = "colleague".into();
        });
        assert_ne!(ADMIN, "colleague");
    });
    insta::assert_snapshot!(small.shown());
}
