//! Roles that go, and own or hold something elsewhere.

use tenantctl::model::{DatabaseState, Dependents};

use crate::world::{ADMIN, ONE, Small, TWO, add_database, alter_database, alter_role};

/// `client02` has left, and its data goes with it.
fn leaving(version: i32, dependents: &[(Option<&str>, bool, i64, i64)]) -> Small {
    let agreed = TWO.replace(
        "rds_iam_auth = false",
        "rds_iam_auth = false\n  deletion_policy = \"delete\"",
    );
    Small::applied_on(version, &agreed).asks(ONE).edit(|live| {
        add_database(live, "reports", ADMIN);
        tenantctl_grants_nothing(live);
        // What is in its own database is gone before the role goes.
        let own = [
            (Some("client02_db1"), true, 12, 3),
            (Some("client02_db1"), false, 0, 1),
        ];
        for (database, inside, owned, privileges) in own.iter().chain(dependents) {
            live.dependents.push(Dependents {
                role: "client02".into(),
                database: database.map(Into::into),
                inside: *inside,
                owned: *owned,
                privileges: *privileges,
                owners: [ADMIN.into()].into(),
            });
        }
    })
}

/// `reports` is as closed to PUBLIC as the file wants every database.
fn tenantctl_grants_nothing(live: &mut tenantctl::live::Live) {
    use crate::world::{database_grant, grant};
    grant(
        live,
        database_grant("reports", tenantctl::address::Grantee::Public),
        &[],
    );
}

#[test]
fn what_is_in_its_own_databases_goes_with_them() {
    let text = leaving(160_004, &[]).shown();
    assert!(
        text.contains("DROP ROLE \"client02\"") && !text.contains("DROP OWNED"),
        "{text}"
    );
}

#[test]
fn privileges_elsewhere_are_revoked_first() {
    let elsewhere = [
        (Some("reports"), true, 0, 4),
        (Some("reports"), false, 0, 1),
        (None, false, 0, 1),
    ];
    for version in [150_013, 160_004] {
        insta::assert_snapshot!(
            format!("privileges_elsewhere_are_revoked_first_on_{}", version / 10_000),
            leaving(version, &elsewhere).shown()
        );
    }
}

#[test]
fn what_it_owns_elsewhere_keeps_it() {
    for version in [150_013, 160_004] {
        let small = leaving(
            version,
            &[(Some("reports"), true, 2, 1), (Some("client01_db1"), true, 0, 1)],
        );
        let text = small.shown();
        assert!(
            !text.contains("DROP ROLE") && !text.contains("DROP OWNED"),
            "{text}"
        );
        assert!(
            text.contains("DROP DATABASE IF EXISTS \"client02_db1\""),
            "the rest goes: {text}"
        );
        insta::assert_snapshot!(
            format!("what_it_owns_elsewhere_keeps_it_on_{}", version / 10_000),
            text
        );
    }
}

#[test]
fn what_it_owns_of_what_all_share_keeps_it() {
    let small = leaving(160_004, &[(Some("reports"), false, 1, 0), (None, false, 2, 0)]);
    insta::assert_snapshot!(small.shown());
}

#[test]
fn privileges_where_nobody_can_enter_keep_it() {
    let small = leaving(160_004, &[(Some("reports"), true, 0, 1)]).edit(|live| {
        alter_database(live, "reports", |database| database.state = DatabaseState::Closed);
    });
    let text = small.shown();
    assert!(
        text.contains("which nobody can enter")
            && text.contains("ALTER DATABASE \"reports\" ALLOW_CONNECTIONS true"),
        "{text}"
    );
    assert!(!text.contains("DROP ROLE"), "{text}");
}

/// One that had no login before is remembered as well: its databases are gone when what it owned has another owner.
#[test]
fn it_goes_once_it_owns_nothing() {
    let mut small = leaving(160_004, &[(Some("reports"), true, 2, 1)])
        .edit(|live| alter_role(live, "client02", |role| role.login = false));
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    assert!(small.live.world.database("client02_db1").is_none());
    let again = small.shown();
    assert!(
        again.starts_with("No changes") || !again.contains("in this order"),
        "{again}"
    );
    assert!(
        again.contains("it owns 2 objects in database \"reports\""),
        "{again}"
    );
    small.live.dependents.clear();
    let text = small.shown();
    assert!(text.contains("DROP ROLE \"client02\""), "{text}");
}

/// Only who has an owner's privileges takes back what was granted on what it owns.
#[test]
fn privileges_on_what_others_own() {
    let owned_by = |owner: &str| {
        let owner = owner.to_owned();
        leaving(160_004, &[(Some("client01_db1"), true, 0, 2)]).edit(|live| {
            let last = live.dependents.last_mut().expect("one");
            last.owners.insert(owner.into());
        })
    };
    insta::assert_snapshot!(
        "privileges_on_what_another_tenant_owns",
        owned_by("client01").shown()
    );
    let text = owned_by("rdsadmin").shown();
    assert!(
        text.contains(
            "\"rdsadmin\" or a superuser has to run once, in client01_db1: DROP OWNED BY \"client02\""
        ),
        "{text}"
    );
    assert!(!text.contains("DROP ROLE"), "{text}");
}
