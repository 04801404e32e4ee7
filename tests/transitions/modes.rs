//! How far a run may go. Nothing is taken away, altered or deleted but by an authoritative run.

use proptest::prelude::*;
use tenantctl::address::{Address, Grantee};
use tenantctl::diff::{Action, HeldKind, Mode, diff};
use tenantctl::live::{Ledger, Live};
use tenantctl::model::{Grantor, Object, Password, Privilege};
use tenantctl::plan::Phase;

use crate::random::{Written, drift, drifted, tenants};
use crate::world::{
    ONE, Small, TWO, add_item, alter_database, alter_role, database_grant, grant, membership, schema_grant,
    shown, to,
};

/// One tenant that somebody else made, and did most things wrong with.
fn made_wrong(live: &mut Live) {
    live.marks.clear();
    live.ledger = Ledger::default();
    alter_role(live, "client01", |role| {
        role.password = Password::Unknown;
        role.create_database = true;
    });
    live.world.remove(&membership("rds_iam", "client01"));
    grant(
        live,
        database_grant("client01_db1", Grantee::Public),
        &[Privilege::Connect, Privilege::Temporary],
    );
    grant(
        live,
        schema_grant("client01_db1", to("client01")),
        &[Privilege::Usage],
    );
    add_item(
        live,
        &database_grant("client01_db1", to("client01")),
        Privilege::Create,
        Grantor::Owner,
        false,
    );
    live.world.remove(&Address::IamUserPolicy {
        user: "client01".into(),
        name: "assume-role".into(),
    });
}

const MORE: &str = r#"
tenant "client01" {
  databases        = ["db1", "db2"]
  allowed_ips      = ["203.0.113.7/32"]
  connection_limit = 20
  settings         = { statement_timeout = "30s" }
  extensions       = ["pg_trgm"]
}
"#;

#[test]
fn additive_leaves_what_is_not_ours_and_closes_what_it_makes() {
    let file = format!("{}{TWO}", MORE.replace("client01", "client03"));
    let small = Small::applied(ONE)
        .edit(made_wrong)
        .asks(&file)
        .mode(Mode::Additive);
    insta::assert_snapshot!(small.shown());
}

#[test]
fn additive_on_what_is_ours() {
    let small = Small::applied(ONE)
        .edit(|live| {
            let marks = live.marks.clone();
            made_wrong(live);
            live.marks = marks;
        })
        .asks(MORE)
        .mode(Mode::Additive);
    insta::assert_snapshot!(small.shown());
}

#[test]
fn adopt_marks_and_adds() {
    let mut small = Small::applied(ONE).edit(made_wrong).asks(MORE).mode(Mode::Adopt);
    insta::assert_snapshot!("adopt_marks_and_adds", small.shown());
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    insta::assert_snapshot!(
        "adopt_then_authoritative",
        small.mode(Mode::Authoritative).shown()
    );
}

#[test]
fn a_tenant_that_leaves_stays_as_it_is() {
    let small = Small::applied(TWO).asks(ONE).mode(Mode::Additive);
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_database_of_its_tenants_waits_for_its_owner() {
    let small = Small::applied(ONE)
        .edit(|live| {
            alter_database(live, "client01_db1", |database| {
                database.owner = "client01".into()
            });
            live.world.remove(&schema_grant("client01_db1", to("client01")));
        })
        .mode(Mode::Adopt);
    insta::assert_snapshot!(small.shown());
}

/// Opened as it is, it would be open to everybody.
#[test]
fn what_a_crash_left_half_made_is_closed_before_it_opens() {
    let small = Small::applied(ONE)
        .edit(|live| {
            alter_database(live, "client01_db1", |database| {
                database.state = tenantctl::model::DatabaseState::Closed;
            });
            live.world.remove(&database_grant("client01_db1", to("client01")));
            grant(
                live,
                database_grant("client01_db1", Grantee::Public),
                &[Privilege::Connect, Privilege::Temporary],
            );
        })
        .mode(Mode::Additive);
    insta::assert_snapshot!(small.shown());
}

/// Who closed it had a reason.
#[test]
fn what_somebody_closed_stays_closed() {
    let small = Small::applied(ONE)
        .edit(|live| {
            alter_database(live, "client01_db1", |database| {
                database.state = tenantctl::model::DatabaseState::Closed;
            });
        })
        .mode(Mode::Additive);
    assert!(small.plan().is_empty(), "{}", small.shown());
    assert!(!small.mode(Mode::Authoritative).plan().is_empty());
}

#[test]
fn what_belongs_to_others_is_not_adopted_on_the_way() {
    let small = Small::applied(TWO)
        .edit(|live| {
            for (address, mark) in &mut live.marks {
                if address.name() == "client02" {
                    mark.workspace = "staging".into();
                }
            }
            live.marks.retain(|address, _| address.name() != "client02_db1");
        })
        .mode(Mode::Adopt);
    let plan = small.plan();
    assert!(plan.is_empty(), "half a tenant is none: {}", shown(&plan));
}

/// The grants of a world by address: what each grantee holds.
fn holds(live: &Live) -> Vec<(Address, Object)> {
    let grants = live
        .world
        .iter()
        .filter(|(_, object)| matches!(object, Object::Grant(_)));
    grants
        .map(|(address, object)| (address.clone(), object.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Everything that lived lives afterwards, as it was, with at least the grants that it had.
    #[test]
    fn only_an_authoritative_run_takes_away(
        before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..5),
        adopt in any::<bool>(), unmarked in any::<bool>(), new in any::<bool>(),
    ) {
        let before: Vec<Written> = before;
        let mode = if adopt { Mode::Adopt } else { Mode::Additive };
        let mut small = drifted(&before, &after, &drifts, new).mode(mode).max_removals(0);
        if unmarked {
            small.live.marks.clear();
        }
        let scope = tenantctl::diff::Scope::default().in_mode(mode);
        let diff = diff(&small.desired, &small.live, &scope);
        let made: Vec<&str> = diff.changes.iter().filter_map(|change| match (&*change.address, &change.action) {
            (Address::Database { name }, Action::Create(_)) => Some(name.as_str()),
            (Address::Database { name }, Action::Update { .. }) => Some(name.as_str()),
            _ => None,
        }).collect();
        for change in &diff.changes {
            let on_new = match &*change.address {
                Address::Database { name: database } | Address::DatabaseGrant { database, .. } => made.contains(&database.as_str()),
                other => other.inside_database().is_some_and(|database| made.contains(&database.as_str())),
            };
            let adds = match &change.action {
                Action::Create(_) => true,
                Action::Adopt(_) => mode == Mode::Adopt,
                Action::Delete(_) => false,
                Action::Update { before: Object::Grant(before), after: Object::Grant(after) } => before.items.is_subset(&after.items),
                Action::Update { .. } => false,
            };
            prop_assert!(adds || on_new, "{:?}", change);
            prop_assert!(change.rest.end_sessions.is_empty(), "{:?}", change);
        }
        prop_assert!(diff.leaving.is_empty());
        let plan = small.plan();
        prop_assert!(plan.steps.iter().all(|step| step.phase != Phase::CutAccess && step.phase < Phase::DeleteIamPolicy), "{}", shown(&plan));
        let after = crate::simulate::simulate(&plan, &small.desired, &small.live);
        for (address, held) in holds(&small.live) {
            let (Address::DatabaseGrant { database, .. } | Address::SchemaGrant { database, .. }) = &address else { continue };
            if made.contains(&database.as_str()) { continue }
            let (Object::Grant(held), Some(Object::Grant(holds))) = (&held, after.world.get(&address)) else {
                prop_assert!(false, "{address} is gone");
                continue;
            };
            prop_assert!(held.items.is_subset(&holds.items), "{address}");
        }
        for (address, object) in small.live.world.iter() {
            let Object::Role(before) = object else { continue };
            let Some(Object::Role(now)) = after.world.get(address) else {
                prop_assert!(false, "{address} is gone");
                continue;
            };
            prop_assert_eq!(before, now);
        }
        // Whatever an authoritative run would do besides is said.
        let all = tenantctl::diff::diff(&small.desired, &tenantctl::diff::seen(&small.desired, &small.live, &scope), &tenantctl::diff::Scope::default());
        for change in &all.changes {
            let done = diff.changes.iter().any(|other| other.address == change.address);
            let said = diff.held.iter().any(|held| held.address == *change.address);
            prop_assert!(done || said, "{}", change.address);
        }
        // A second run has nothing left to add.
        small.live = after;
        let second = small.plan();
        prop_assert!(second.is_empty(), "{}\nthen\n{}", shown(&plan), shown(&second));
        prop_assert!(diff.held.iter().all(|held| held.kind != HeldKind::Mode || held.because.contains(mode.as_str())));
    }
}

#[test]
fn the_mode_is_part_of_a_plan_file() {
    let plan = Small::applied(ONE).asks(MORE).mode(Mode::Additive).plan();
    let text = serde_json::to_string(&plan).expect("JSON");
    let read: tenantctl::plan::Plan = serde_json::from_str(&text).expect("a plan");
    assert_eq!(read.options().mode, Mode::Additive);
    // A plan of before there were modes.
    let older = text.replace("\"mode\":\"additive\",", "");
    let read: tenantctl::plan::Plan = serde_json::from_str(&older).expect("a plan");
    assert_eq!(read.mode, Mode::Authoritative);
}
