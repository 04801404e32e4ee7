//! Random files, and what may happen to what they made.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tenantctl::address::{Address, Grantee};
use tenantctl::live::Live;
use tenantctl::model::{DatabaseState, Object, Privilege};

use crate::simulate::gone;
use crate::world::{
    ADMIN, RECIPIENT, Small, add_database, alter_database, database_grant, foreign_role, grant, role, to,
};

/// One tenant, before it is written down.
#[derive(Clone, Debug)]
pub struct Written {
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

impl Written {
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Whether it is more than a login role that nobody can tell from any other.
    pub fn has_something(&self) -> bool {
        self.iam || (!self.suspended && self.databases.contains(&true))
    }
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

pub fn tenants() -> impl Strategy<Value = Vec<Written>> {
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

pub fn file(tenants: &[Written]) -> String {
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
pub fn backwards(tenants: &[Written]) -> String {
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
pub enum Drift {
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

pub fn drift() -> impl Strategy<Value = Drift> {
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

pub fn happen(live: &mut Live, drift: Drift) {
    let marked: Vec<Address> = live.marked().map(|(address, _)| address.clone()).collect();
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
                alter_database(live, &name, |database| database.owner = owner.into());
            }
        }
        Drift::Gap(which) => {
            if let Some(address) = pick(&marked, which) {
                live.gaps.insert(address, "denied".into());
            }
        }
        Drift::Session(of, at) => {
            let all: Vec<_> = live.world.databases().map(|(name, _)| name.clone()).collect();
            if let (Some(of), Some(at)) = (pick(&roles, of), pick(&all, at)) {
                live.sessions.insert((of.into(), at), 1);
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

pub fn drifted(before: &[Written], after: &[Written], drifts: &[Drift], new: bool) -> Small {
    let mut small = Small::applied_on(if new { 170_000 } else { 150_000 }, &file(before)).asks(&file(after));
    for &drift in drifts {
        happen(&mut small.live, drift);
    }
    small
}
