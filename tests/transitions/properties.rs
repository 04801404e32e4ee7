//! What holds for every world.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::diff::{Action, Scope, diff};
use tenantctl::live::Live;
use tenantctl::model::quote::{quote_identifier, quote_literal};
use tenantctl::model::{DatabaseState, DeletionPolicy, Object, Privilege};
use tenantctl::plan::Phase;
use tenantctl::report::json;

use crate::applied::{applied, carries_mark, empty_cluster};
use crate::simulate::{gone, simulate};
use crate::world::{
    ADMIN, RECIPIENT, Small, add_database, alter_database, database_grant, desired, foreign_role, grant,
    role, to,
};

/// One tenant, before it is written down.
#[derive(Clone, Debug)]
struct Written {
    number: u8,
    databases: Vec<bool>,
    networks: BTreeSet<u8>,
    iam: bool,
    suspended: bool,
    delete: bool,
    handover: bool,
    limit: Option<u8>,
    settings: bool,
    extensions: bool,
}

fn tenant() -> impl Strategy<Value = Written> {
    (
        0..8_u8,
        prop::collection::vec(any::<bool>(), 0..3),
        prop::collection::btree_set(any::<u8>(), 1..4),
        any::<[bool; 6]>(),
        prop::option::of(0..9_u8),
    )
        .prop_map(|(number, databases, networks, flags, limit)| {
            let [iam, suspended, delete, handover, settings, extensions] = flags;
            Written {
                number,
                databases,
                networks,
                iam,
                suspended,
                delete,
                handover,
                limit,
                settings,
                extensions,
            }
        })
}

fn tenants() -> impl Strategy<Value = Vec<Written>> {
    prop::collection::vec(tenant(), 0..5).prop_map(|mut tenants| {
        tenants.sort_by_key(|tenant| tenant.number);
        tenants.dedup_by_key(|tenant| tenant.number);
        tenants
    })
}

fn lines(tenant: &Written) -> Vec<String> {
    let databases: Vec<_> = tenant
        .databases
        .iter()
        .enumerate()
        .map(|(number, wanted)| format!("db{number} = {wanted}"))
        .collect();
    let networks: Vec<_> = tenant
        .networks
        .iter()
        .map(|host| format!("\"203.0.113.{host}/32\""))
        .collect();
    let mut lines = vec![
        format!("databases = {{ {} }}", databases.join(", ")),
        format!("allowed_ips = [{}]", networks.join(", ")),
        format!("rds_iam_auth = {}", tenant.iam),
    ];
    let optional = [
        (tenant.suspended, "state = \"suspended\"".to_owned()),
        (tenant.delete, "deletion_policy = \"delete\"".to_owned()),
        (
            tenant.handover,
            format!("handover {{ recipient = \"{RECIPIENT}\" }}"),
        ),
        (
            tenant.settings,
            "settings = { statement_timeout = \"30s\", search_path = \"\\\"$user\\\", app\" }".to_owned(),
        ),
        (tenant.extensions, "extensions = [\"pg_trgm\"]".to_owned()),
    ];
    lines.extend(
        optional
            .into_iter()
            .filter(|(given, _)| *given)
            .map(|(_, line)| line),
    );
    lines.extend(tenant.limit.map(|limit| format!("connection_limit = {limit}")));
    lines
}

fn file(tenants: &[Written]) -> String {
    let block = |tenant: &Written| {
        format!(
            "tenant \"client{}\" {{\n  {}\n}}\n",
            tenant.number,
            lines(tenant).join("\n  ")
        )
    };
    tenants.iter().map(block).collect()
}

/// The same meaning, written backwards.
fn backwards(tenants: &[Written]) -> String {
    let block = |tenant: &Written| {
        let mut lines = lines(tenant);
        lines.reverse();
        format!(
            "tenant \"client{}\" {{\n  {}\n}}\n",
            tenant.number,
            lines.join("\n  ")
        )
    };
    tenants.iter().rev().map(block).collect()
}

/// What somebody else may have done since.
#[derive(Clone, Copy, Debug)]
enum Drift {
    LostMark(usize),
    OtherWorkspace(usize),
    Public(usize),
    OtherTenant(usize, usize),
    Foreign(usize),
    Closed(usize),
    Invalid(usize),
    OwnedByTenant(usize),
    Gap(usize),
    Session(usize, usize),
    NewDatabase,
    Gone(usize),
}

fn drift() -> impl Strategy<Value = Drift> {
    let any = any::<usize>;
    prop_oneof![
        any().prop_map(Drift::LostMark),
        any().prop_map(Drift::OtherWorkspace),
        any().prop_map(Drift::Public),
        (any(), any()).prop_map(|(database, of)| Drift::OtherTenant(database, of)),
        any().prop_map(Drift::Foreign),
        any().prop_map(Drift::Closed),
        any().prop_map(Drift::Invalid),
        any().prop_map(Drift::OwnedByTenant),
        any().prop_map(Drift::Gap),
        (any(), any()).prop_map(|(of, at)| Drift::Session(of, at)),
        Just(Drift::NewDatabase),
        any().prop_map(Drift::Gone),
    ]
}

fn pick<T: Clone>(of: &[T], which: usize) -> Option<T> {
    (!of.is_empty()).then(|| of[which % of.len()].clone())
}

fn happen(live: &mut Live, drift: Drift) {
    let marked: Vec<Address> = live.marks.keys().cloned().collect();
    let named = |kind: &str| -> Vec<String> {
        let of_kind = marked.iter().filter(|address| address.kind() == kind);
        of_kind.map(Address::name).collect()
    };
    let (databases, roles) = (named("database"), named("role"));
    match drift {
        Drift::LostMark(which) => {
            if let Some(address) = pick(&marked, which) {
                live.marks.remove(&address);
            }
        }
        Drift::OtherWorkspace(which) => {
            if let Some(mark) = pick(&marked, which).and_then(|address| live.marks.get_mut(&address)) {
                mark.workspace = "staging".into();
            }
        }
        Drift::Public(which) => {
            if let Some(name) = pick(&databases, which) {
                grant(
                    live,
                    database_grant(&name, Grantee::Public),
                    &[Privilege::Connect, Privilege::Temporary],
                );
            }
        }
        Drift::OtherTenant(which, of) => {
            if let (Some(name), Some(of)) = (pick(&databases, which), pick(&roles, of)) {
                grant(live, database_grant(&name, to(&of)), &[Privilege::Connect]);
            }
        }
        Drift::Foreign(which) => {
            if let Some(name) = pick(&databases, which) {
                grant(
                    live,
                    database_grant(&name, to("reporting")),
                    &[Privilege::Connect],
                );
            }
        }
        Drift::Closed(which) => state(live, &databases, which, DatabaseState::Closed),
        Drift::Invalid(which) => state(live, &databases, which, DatabaseState::Invalid),
        Drift::OwnedByTenant(which) => {
            if let (Some(name), Some(owner)) = (pick(&databases, which), pick(&roles, which)) {
                alter_database(live, &name, |database| database.owner = owner);
            }
        }
        Drift::Gap(which) => {
            if let Some(address) = pick(&marked, which) {
                live.gaps.insert(address, "denied".into());
            }
        }
        Drift::Session(of, at) => {
            let all: Vec<String> = live.world.databases().map(|(name, _)| name.to_owned()).collect();
            if let (Some(of), Some(at)) = (pick(&roles, of), pick(&all, at)) {
                live.sessions.insert((of, at), 1);
            }
        }
        Drift::NewDatabase => {
            live.world
                .insert(role("colleague"), Object::Role(foreign_role(true)));
            add_database(live, "analytics", ADMIN);
            add_database(live, "foreign", "colleague");
        }
        Drift::Gone(which) => {
            if let Some(address) = pick(&marked, which) {
                gone(live, &address);
            }
        }
    }
}

fn state(live: &mut Live, databases: &[String], which: usize, state: DatabaseState) {
    if let Some(name) = pick(databases, which) {
        alter_database(live, &name, |database| database.state = state);
    }
}

fn drifted(before: &[Written], after: &[Written], drifts: &[Drift], new: bool) -> Small {
    let mut small = Small::applied_on(if new { 170_000 } else { 150_000 }, &file(before)).asks(&file(after));
    for &drift in drifts {
        happen(&mut small.live, drift);
    }
    small
}

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
                prop_assert!(matches!(change.address, Address::DatabaseGrant { .. }), "{}", change.address);
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
