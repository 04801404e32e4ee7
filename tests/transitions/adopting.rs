//! What exists without our mark.

use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::diff::{Scope, adopt};
use tenantctl::live::Live;
use tenantctl::model::{Password, Privilege};
use tenantctl::plan::{Options, build};

use crate::world::{
    ONE, Small, TWO, alter_role, database, database_grant, desired, grant, iam_role, iam_user, role, shown,
};

/// Everything was made by hand: no mark, PUBLIC as it comes, a password nobody told us.
fn by_hand(live: &mut Live) {
    live.marks.clear();
    live.ledger = tenantctl::live::Ledger::default();
    alter_role(live, "client01", |role| role.password = Password::Unknown);
    grant(
        live,
        database_grant("client01_db1", Grantee::Public),
        &[Privilege::Connect, Privilege::Temporary],
    );
}

#[test]
fn everything_made_by_hand() {
    insta::assert_snapshot!(Small::applied(ONE).edit(by_hand).shown());
}

fn without_mark(address: Address) -> Small {
    let file = TWO.replace("[\"db1\"]", "[\"db1\", \"db2\"]");
    Small::applied(TWO).asks(&file).edit(|live| {
        live.marks.remove(&address);
    })
}

#[test]
fn a_role_of_that_name() {
    insta::assert_snapshot!(without_mark(role("client01")).shown());
}

#[test]
fn a_database_of_that_name() {
    insta::assert_snapshot!(without_mark(database("client01_db1")).shown());
}

#[test]
fn an_iam_user_of_that_name() {
    insta::assert_snapshot!(without_mark(iam_user("client01")).shown());
}

#[test]
fn an_iam_role_of_that_name() {
    insta::assert_snapshot!(without_mark(iam_role("rds_cluster_client01")).shown());
}

#[test]
fn another_workspace_has_it() {
    let small = Small::applied(TWO).edit(|live| {
        for mark in live.marks.values_mut() {
            mark.workspace = "staging".into();
        }
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn another_tenant_has_it() {
    let small = Small::applied(ONE).edit(|live| {
        let mark = live.marks.get_mut(&database("client01_db1")).expect("a mark");
        mark.tenant = TenantId::new("client99");
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn adopted_and_then_closed() {
    let mut small = Small::applied(ONE).edit(by_hand);
    let options = Options {
        only: vec![TenantId::new("client01")],
        ..Options::default()
    };
    let diff = adopt(&small.desired, &small.live, &options.scope());
    let plan = build(&small.desired, &small.live, &diff, &options);
    insta::assert_snapshot!("adopted", shown(&plan));
    small.live = crate::simulate::simulate(&plan, &small.desired, &small.live);
    insta::assert_snapshot!("then_closed", small.shown());
    assert!(
        adopt(&small.desired, &small.live, &options.scope())
            .changes
            .is_empty()
    );
}

#[test]
fn what_belongs_to_others_is_not_adopted() {
    let small = Small::applied(TWO).edit(|live| {
        for mark in live.marks.values_mut() {
            mark.workspace = "staging".into();
        }
    });
    let diff = adopt(
        &small.desired,
        &small.live,
        &Scope::tenants([TenantId::new("client02")]),
    );
    assert!(diff.changes.is_empty());
    assert_eq!(diff.held.len(), 2, "role and database: {:?}", diff.held);
}

/// Cutting access never waits for an identity that is held.
#[test]
fn suspending_does_not_wait_for_what_is_held() {
    let file = ONE.replace("databases ", "state = \"suspended\"\n  databases ");
    let small = Small::applied(ONE).asks(&file).edit(|live| {
        live.marks.remove(&iam_user("client01"));
        live.sessions
            .insert(("client01".into(), "client01_db1".into()), 1);
        grant(
            live,
            database_grant("client01_db1", Grantee::Public),
            &[Privilege::Connect],
        );
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_tenant_is_never_planned_under_a_mark_that_is_not_its_own() {
    let small = Small::applied(ONE).edit(by_hand);
    assert!(small.plan().is_empty());
    assert_eq!(small.desired.digest, desired(ONE).digest);
}
