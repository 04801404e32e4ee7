//! Tenants that have another name now.

use proptest::prelude::*;
use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::diff::Mode;
use tenantctl::live::Live;
use tenantctl::model::{Object, Privilege};

use crate::random::{file, tenants};
use crate::simulate::simulate;
use crate::world::{
    ONE, RECIPIENT, Small, TWO, add_database, alter_database, alter_role, database, database_grant,
    foreign_role, grant, iam_user, role, shown, to,
};

const MOVED: &str = "moved {\n  from = \"tenant.client01\"\n  to   = \"tenant.north\"\n}\n";

/// The file with `client01` under another name.
fn moved(text: &str) -> String {
    MOVED.to_owned() + &text.replace("client01", "north")
}

#[test]
fn a_tenant_by_iam() {
    let text = ONE.replace(
        "databases  ",
        &format!("handover {{ recipient = \"{RECIPIENT}\" }}\n  settings = {{ statement_timeout = \"30s\" }}\n  databases  "),
    );
    let small = Small::applied(&text).asks(&moved(&text)).edit(|live| {
        live.sessions
            .insert(("client01".into(), "client01_db1".into()), 2);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_tenant_by_password_that_changes_on_the_way() {
    let text = TWO
        .replace("client02", "x")
        .replace("client01", "client02")
        .replace("\"x\"", "\"client01\"");
    let after = moved(&text).replace(
        "rds_iam_auth = false",
        "connection_limit = 7\n  rds_iam_auth = false",
    );
    insta::assert_snapshot!(Small::applied(&text).asks(&after).shown());
}

/// What it gave up moves with it, and what others may do on it stays.
#[test]
fn what_is_kept_moves_too() {
    let text = ONE.replace("[\"db1\"]", "[\"db1\", \"db2\"]");
    let after = moved(ONE).replace("[\"db1\"]", "{ db1 = true, db2 = false }");
    let small = Small::applied(&text).asks(&after).edit(|live| {
        live.world
            .insert(role("colleague"), Object::Role(foreign_role(true)));
        grant(
            live,
            database_grant("client01_db1", to("colleague")),
            &[Privilege::Connect],
        );
    });
    insta::assert_snapshot!(small.shown());
}

/// Each state that a run may leave behind it.
#[test]
fn wherever_a_run_ended_the_next_one_goes_on() {
    let whole = Small::applied(ONE).asks(&moved(ONE));
    let plan = whole.plan();
    let done = simulate(&plan, &whole.desired, &whole.live);
    // The login role alone, and then the user, which still bears the old mark.
    let role_only = Small::applied(ONE)
        .asks(&moved(ONE))
        .edit(|live| part(live, &done, "role"));
    insta::assert_snapshot!("after_the_role", role_only.shown());
    let untagged = Small::applied(ONE).asks(&moved(ONE)).edit(|live| {
        part(live, &done, "role");
        part(live, &done, "database");
        part(live, &done, "iam_user");
        live.marks.get_mut(&iam_user("north")).expect("a mark").tenant = TenantId::new("client01");
    });
    insta::assert_snapshot!("before_the_tag", untagged.shown());
    let mut after = whole;
    after.live = done;
    assert!(after.plan().is_empty());
    // The block may stay, or go.
    let after = after.asks(&ONE.replace("client01", "north"));
    assert!(after.plan().is_empty(), "{}", shown(&after.plan()));
}

/// One kind of object as it is after the move.
fn part(live: &mut Live, done: &Live, kind: &str) {
    let rename = |address: &Address| -> Option<Address> {
        let text = serde_json::to_string(address).expect("an address");
        let of_kind = match kind {
            "role" => matches!(
                address,
                Address::Role { .. }
                    | Address::Membership { .. }
                    | Address::DatabaseGrant { .. }
                    | Address::SchemaGrant { .. }
            ),
            "database" => {
                address.kind() == "database"
                    || address.inside_database().is_some()
                    || matches!(address, Address::DatabaseGrant { .. })
            }
            _ => address.kind().starts_with("iam_user"),
        };
        let text = match kind {
            "role" => text.replace("\"client01\"", "\"north\""),
            "database" => text.replace("client01_db1", "north_db1"),
            _ => text.replace("client01", "north"),
        };
        of_kind.then(|| serde_json::from_str(&text).expect("an address"))
    };
    let moving: Vec<Address> = live
        .world
        .iter()
        .map(|(at, _)| at.clone())
        .filter(|at| rename(at).is_some_and(|to| to != *at))
        .collect();
    for at in moving {
        let to = rename(&at).expect("a new address");
        let object = live.world.remove(&at).expect("an object");
        live.world.insert(to.clone(), object);
        if live.marks.remove(&at).is_some() {
            live.marks.insert(to.clone().into(), done.marks[&to].clone());
        }
        let rows = live.ledger.objects.entry("default".into()).or_default();
        if let Some(mut row) = rows.remove(&at) {
            row.tenant = Some(TenantId::new("north"));
            rows.insert(to.into(), row);
        }
    }
    if kind == "role" {
        for row in &mut live.memberships {
            for name in [&mut row.role, &mut row.member] {
                if name == "client01" {
                    *name = "north".into();
                }
            }
        }
        crate::applied::reckon(live);
    } else if kind == "database" {
        live.opened.insert("north_db1".into());
    }
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_moves() {
    let taken = Small::applied(ONE)
        .asks(&moved(ONE))
        .edit(|live| add_database(live, "north_db1", "postgres"));
    let made = Small::applied(ONE).asks(&moved(ONE)).edit(|live| {
        live.memberships.retain(|row| row.role != "client01");
        crate::applied::reckon(live);
    });
    let owned = Small::applied(ONE).asks(&moved(ONE)).edit(|live| {
        alter_database(live, "client01_db1", |database| {
            database.owner = "client01".into()
        });
    });
    let unread = Small::applied(ONE).asks(&moved(ONE)).edit(|live| {
        live.gaps.insert(iam_user("client01"), "denied".into());
    });
    let additive = Small::applied(ONE).asks(&moved(ONE)).mode(Mode::Additive);
    let all: Vec<_> = [taken, made, owned, unread, additive]
        .iter()
        .map(Small::shown)
        .collect();
    insta::assert_snapshot!(all.join("--\n"));
}

#[test]
fn nothing_to_move() {
    assert!(Small::applied(&moved(ONE)).plan().is_empty());
    let fresh = Small::untouched(&moved(ONE)).plan();
    assert!(
        fresh
            .changes
            .iter()
            .all(|change| change.told.moved_from.is_none())
    );
    assert!(!fresh.is_empty());
}

#[test]
fn a_chain_of_moves_is_one() {
    let chain = MOVED.to_owned()
        + "moved {\n  from = \"tenant.north\"\n  to = \"tenant.south\"\n}\n"
        + &ONE.replace("client01", "south");
    let from_first = Small::applied(ONE).asks(&chain);
    assert!(from_first.shown().contains("name: client01_db1 -> south_db1"));
    let from_second = Small::applied(&ONE.replace("client01", "north")).asks(&chain);
    assert!(from_second.shown().contains("name: north_db1 -> south_db1"));
}

/// What is said of an object, without names.
fn said(live: &Live, old: &str, new: &str) -> Vec<String> {
    let mut said: Vec<String> = (live.world.iter())
        .filter(|(address, _)| !address.kind().starts_with("iam"))
        .map(|(address, object)| {
            let text = format!(
                "{} {}",
                serde_json::to_string(address).expect("JSON"),
                serde_json::to_string(object).expect("JSON")
            );
            text.replace(old, new)
        })
        .collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// No role, database, grant, setting, limit or membership is lost, and a second plan is empty.
    #[test]
    fn nothing_is_lost(tenants in tenants(), which in any::<usize>(), new in any::<bool>()) {
        prop_assume!(!tenants.is_empty());
        let text = file(&tenants);
        let old = format!("client{}", tenants[which % tenants.len()].number());
        let after = format!("moved {{\n  from = \"tenant.{old}\"\n  to = \"tenant.north\"\n}}\n") + &text.replace(&old, "north");
        let mut small = Small::applied_on(if new { 180_000 } else { 150_000 }, &text).asks(&after);
        let plan = small.plan();
        prop_assert!(plan.guards.is_empty());
        let lived = said(&small.live, &old, "north");
        small.live = simulate(&plan, &small.desired, &small.live);
        prop_assert_eq!(said(&small.live, &old, "north"), lived);
        let second = small.plan();
        prop_assert!(second.is_empty(), "{}\nthen\n{}", shown(&plan), shown(&second));
        // Only IAM roles are made anew.
        for change in &plan.changes {
            let anew = matches!(*change.address, Address::IamRole { .. } | Address::IamRolePolicy { .. });
            prop_assert!(anew || change.action == tenantctl::plan::ActionWord::Update, "{}", change.address);
        }
    }
}

#[test]
fn nobody_but_the_moved_tenant_is_touched() {
    let small = Small::applied(TWO).asks(&moved(TWO));
    let plan = small.plan();
    let north = Some(TenantId::new("north"));
    assert!(
        plan.changes.iter().all(|change| change.tenant == north),
        "{}",
        shown(&plan)
    );
    assert!(small.live.world.contains(&database("client02_db1")));
    assert!(
        small
            .live
            .world
            .contains(&database_grant("client02_db1", Grantee::Public))
    );
    let mut limited = Small::applied(TWO).asks(&moved(TWO)).only("client02");
    alter_role(&mut limited.live, "client02", |role| role.login = true);
    assert!(
        limited.plan().is_empty(),
        "out of scope: {}",
        shown(&limited.plan())
    );
}
