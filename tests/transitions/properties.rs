//! What holds for every world.

use proptest::prelude::*;
use tenantctl::address::{Address, TenantId};
use tenantctl::diff::{Action, Scope, diff};
use tenantctl::model::quote::{quote_identifier, quote_literal};
use tenantctl::model::{DeletionPolicy, Object};
use tenantctl::plan::Phase;
use tenantctl::report::json;

use crate::applied::{applied, carries_mark, empty_cluster};
use crate::random::{backwards, drift, drifted, file, tenants};
use crate::simulate::simulate;
use crate::world::desired;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_applied_is_as_asked(tenants in tenants(), new in any::<bool>()) {
        let desired = desired(&file(&tenants));
        let version = if new { 180_000 } else { 150_000 };
        let live = applied(&desired, empty_cluster(version));
        let diff = diff(&desired, &live, &Scope::default());
        prop_assert!(diff.changes.is_empty(), "{:?}", diff.changes);
    }

    #[test]
    fn the_same_meaning_gives_the_same_bytes(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..4)) {
        let small = drifted(&before, &after, &drifts, true);
        let first = small.plan();
        let bytes = |plan: &_| serde_json::to_vec(plan).expect("JSON");
        prop_assert_eq!(bytes(&first), bytes(&small.plan()));
        let again = small.asks(&backwards(&after)).plan();
        prop_assert_eq!(bytes(&first), bytes(&again));
        prop_assert_eq!(json::plan(&first, &[]).to_string(), json::plan(&again, &[]).to_string());
    }

    #[test]
    fn applied_it_leaves_nothing_to_do(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..4), new in any::<bool>()) {
        let mut small = drifted(&before, &after, &drifts, new).max_removals(99);
        let plan = small.plan();
        small.live = simulate(&plan, &small.desired, &small.live);
        let second = small.plan();
        prop_assert!(second.is_empty(), "{}\nthen\n{}", crate::world::shown(&plan), crate::world::shown(&second));
    }

    #[test]
    fn only_what_is_ours_changes(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..5)) {
        let small = drifted(&before, &after, &drifts, true);
        let diff = diff(&small.desired, &small.live, &Scope::default());
        for change in &diff.changes {
            let Some(tenant) = &change.tenant else {
                prop_assert!(matches!(*change.address, Address::DatabaseGrant { .. }), "{}", change.address);
                continue;
            };
            if carries_mark(&change.address) && !matches!(change.action, Action::Create(_)) {
                let mark = small.live.marks.get(&change.address);
                let ours = mark.is_some_and(|mark| mark.workspace == "default" && &mark.tenant == tenant);
                prop_assert!(ours, "{} has {mark:?}", change.address);
            }
            if let (Action::Create(_), true) = (&change.action, carries_mark(&change.address)) {
                prop_assert!(!small.live.world.contains(&change.address), "{} is there", change.address);
            }
        }
    }

    #[test]
    fn data_goes_only_where_that_was_agreed(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..5)) {
        let small = drifted(&before, &after, &drifts, true);
        let diff = diff(&small.desired, &small.live, &Scope::default());
        for change in &diff.changes {
            let Action::Delete(Object::Database(database)) = &change.action else { continue };
            let tenant = change.tenant.as_ref().expect("whose it was");
            prop_assert_eq!(database.deletion_policy, DeletionPolicy::Delete);
            prop_assert!(!small.desired.tenants.contains_key(tenant));
            prop_assert!(!small.live.gaps.contains_key(&change.address), "{} was not read", change.address);
        }
    }

    #[test]
    fn a_scope_is_kept(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..5), number in 0..8_u8) {
        let small = drifted(&before, &after, &drifts, true);
        let only = TenantId::new(format!("client{number}"));
        let diff = diff(&small.desired, &small.live, &Scope::tenants([only.clone()]));
        for change in &diff.changes {
            prop_assert_eq!(change.tenant.as_ref(), Some(&only), "{}", &change.address);
        }
        for held in &diff.held {
            prop_assert_eq!(held.tenant.as_ref(), Some(&only), "{}", &held.address);
        }
    }

    /// No moment in which a new database is open and PUBLIC has not been sent away, or a role logs in without its gate.
    #[test]
    fn steps_stand_in_a_safe_order(before in tenants(), after in tenants(), drifts in prop::collection::vec(drift(), 0..4)) {
        let plan = drifted(&before, &after, &drifts, true).plan();
        prop_assert!(plan.steps.is_sorted_by_key(|step| step.phase));
        for (number, step) in plan.steps.iter().enumerate() {
            prop_assert_eq!(step.id, number);
        }
        let place = |wanted: Phase| plan.steps.iter().position(|step| step.phase == wanted);
        let last = |wanted: Phase| plan.steps.iter().rposition(|step| step.phase == wanted);
        for (first, then) in [
            (Phase::CutAccess, Phase::IamUser), (Phase::IamPolicy, Phase::Role), (Phase::Database, Phase::Close),
            (Phase::Close, Phase::Open), (Phase::Open, Phase::Grant), (Phase::Grant, Phase::EndSessions),
            (Phase::DropDatabase, Phase::DropRole),
        ] {
            if let (Some(first), Some(then)) = (last(first), place(then)) {
                prop_assert!(first < then);
            }
        }
    }

    #[test]
    fn quoting_is_undone_by_reading(name in any::<String>()) {
        let name = name.replace('\0', "");
        prop_assert_eq!(read_identifier(&quote_identifier(&name)), Some(name.clone()));
        prop_assert_eq!(read_literal(&quote_literal(&name)), Some(name));
    }
}

/// An identifier as Postgres reads it; nothing may follow.
fn read_identifier(text: &str) -> Option<String> {
    read(text.strip_prefix('"')?, '"', false)
}

/// A literal as Postgres reads it, whatever `standard_conforming_strings` says.
fn read_literal(text: &str) -> Option<String> {
    match text.strip_prefix("E'") {
        Some(rest) => read(rest, '\'', true),
        None if text.contains('\\') => None,
        None => read(text.strip_prefix('\'')?, '\'', false),
    }
}

fn read(text: &str, quote: char, escapes: bool) -> Option<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if escapes => match characters.next()? {
                '\\' => value.push('\\'),
                _ => return None,
            },
            c if c == quote => match characters.next() {
                Some(c) if c == quote => value.push(quote),
                None => return Some(value),
                Some(_) => return None,
            },
            other => value.push(other),
        }
    }
    None
}
