//! What is asked for against what lives. Pure: the same two worlds give the same bytes.

pub mod adopt;
mod change;
mod changes;
mod compare;
mod elsewhere;
mod hold;
mod left_over;
mod left_over_iam;
mod left_over_roles;
mod mode;
mod moved;
mod readers;
mod renamed;
mod sessions;
mod shared;
mod walk;
mod wanted;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::address::{Address, Grantee, Name, SharedAddress, TenantId};
use crate::desired::Desired;
use crate::live::Live;
use crate::model::Mark;

use changes::Changes;
use moved::Moves;
use walk::SideBySide;

pub use adopt::adopt;
pub use change::{Action, Aside, Change, Rest};
pub use compare::FieldChange;
pub use elsewhere::{Member, Others, elsewhere};
pub use mode::Mode;
pub use moved::Origin;

/// Something that is not done, and why. Never the same as nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Held {
    /// The object.
    pub address: Address,
    /// Whose it would be.
    pub tenant: Option<TenantId>,
    /// The kind of reason.
    pub kind: HeldKind,
    /// The reason, with what to do about it.
    pub because: String,
}

/// Why something is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// It exists without our mark.
    NotOurs,
    /// It is kept on purpose.
    Retained,
    /// It could not be read.
    Gap,
    /// The admin may not.
    NotAllowed,
    /// It waits for something that is held.
    Waits,
    /// The mode of the run does not do it.
    Mode,
}

/// Something worth saying that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub struct Warning {
    /// A stable name.
    pub code: String,
    /// What it is about.
    pub message: String,
}

/// Everything that differs.
#[derive(Clone, Debug, Default)]
pub struct Diff {
    /// The changes, by address.
    pub changes: Vec<Change>,
    /// What is not done.
    pub held: Vec<Held>,
    /// What is worth saying.
    pub warnings: Vec<Warning>,
    /// How many objects are as they should be.
    pub unchanged: usize,
    /// Tenants that are ours and not in the file, and lose something by this diff.
    pub leaving: BTreeSet<TenantId>,
    /// Tenants that are ours.
    pub known: BTreeSet<TenantId>,
}

/// Which tenants count, and how far a run may go.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    only: Option<BTreeSet<TenantId>>,
    /// Not these.
    except: BTreeSet<TenantId>,
    /// How far.
    pub mode: Mode,
}

impl Scope {
    /// Exactly these tenants; everything when there are none.
    pub fn tenants(tenants: impl IntoIterator<Item = TenantId>) -> Self {
        let only: BTreeSet<_> = tenants.into_iter().collect();
        Self {
            only: if only.is_empty() { None } else { Some(only) },
            except: BTreeSet::new(),
            mode: Mode::default(),
        }
    }

    /// The same tenants in another mode.
    #[must_use]
    pub fn in_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Whether a tenant counts.
    pub fn contains(&self, tenant: &TenantId) -> bool {
        self.names(tenant) && !self.except.contains(tenant)
    }

    /// Whether everything counts, also what is nobody's.
    pub fn is_everything(&self) -> bool {
        self.only.is_none()
    }
}

/// An address as one of the worlds holds it, so that what is found to differ takes no room for another.
fn shared(address: &Address, desired: &Desired, live: &Live) -> SharedAddress {
    let known = desired
        .world
        .shared(address)
        .or_else(|| live.world.shared(address));
    known.cloned().unwrap_or_else(|| address.clone().into())
}

/// Compares two worlds.
pub fn diff(desired: &Desired, live: &Live, scope: &Scope) -> Diff {
    let view = View::of(desired, live, scope);
    let mut differ = Differ::new(desired, &view);
    differ.hold_what_cannot_move(&view.moves);
    differ.hold_what_is_elsewhere();
    differ.hold_what_is_not_ours();
    differ.wanted();
    differ.left_over();
    differ.readers();
    differ.shared_databases();
    differ.end_sessions();
    differ.keep_to_mode();
    differ.adopt();
    differ.add_moves(&view.moves);
    differ.finish()
}

/// What lives as a comparison sees it: under the names that moves give it, with the marks that the mode puts on it.
pub fn seen<'a>(desired: &Desired, live: &'a Live, scope: &Scope) -> Cow<'a, Live> {
    View::of(desired, live, scope).live
}

struct View<'a> {
    live: Cow<'a, Live>,
    scope: Scope,
    moves: Moves,
    /// What gets our mark in this run, and whose it will be.
    adopted: BTreeMap<Address, TenantId>,
}

impl<'a> View<'a> {
    fn of(desired: &Desired, live: &'a Live, scope: &Scope) -> Self {
        let mut scope = scope.without(&desired.elsewhere);
        let moves = moved::moves(desired, live, &scope);
        scope.except.extend(moves.left_alone());
        let mut live = Cow::Borrowed(live);
        if !moves.origins.is_empty() {
            live = Cow::Owned(renamed::renamed(&live, &moves, &desired.workspace));
        }
        let adopted = match scope.mode {
            Mode::Adopt => adopt::adoptable(desired, &live, &scope),
            Mode::Additive | Mode::Authoritative => BTreeMap::new(),
        };
        for (address, tenant) in &adopted {
            let mark = Mark {
                workspace: desired.workspace.clone(),
                tenant: tenant.clone(),
            };
            live.to_mut().marks.insert(address.clone().into(), mark);
        }
        Self {
            live,
            scope,
            moves,
            adopted,
        }
    }
}

/// The state of one comparison.
struct Differ<'a> {
    desired: &'a Desired,
    live: &'a Live,
    compared: SideBySide<'a>,
    scope: &'a Scope,
    changes: Changes,
    held: BTreeMap<Address, Held>,
    warnings: BTreeSet<Warning>,
    unchanged: usize,
    /// Tenants whose identity is held: nothing of theirs moves.
    blocked: BTreeMap<TenantId, Address>,
    /// Databases that are held: nothing in or on them moves.
    blocked_databases: BTreeMap<Name, Address>,
    /// Whose each role is, in any workspace.
    tenant_roles: BTreeMap<&'a str, &'a Mark>,
    /// Those who left the list of readers.
    former_readers: BTreeSet<Name>,
    /// Tenants all of whose databases may go, if anybody asks, so that their roles have nothing left to own.
    given_up: OnceCell<BTreeSet<&'a TenantId>>,
    /// What gets our mark in this run, and whose it will be.
    adopted: BTreeMap<Address, TenantId>,
}

impl<'a> Differ<'a> {
    fn new(desired: &'a Desired, view: &'a View<'_>) -> Self {
        let (live, scope) = (&*view.live, &view.scope);
        Self {
            desired,
            live,
            compared: SideBySide::of(&desired.world, &live.world),
            scope,
            changes: Changes::default(),
            held: BTreeMap::new(),
            warnings: BTreeSet::new(),
            unchanged: 0,
            blocked: BTreeMap::new(),
            blocked_databases: BTreeMap::new(),
            tenant_roles: (live.marked_roles())
                .map(|(name, mark)| (name.as_str(), mark))
                .collect(),
            former_readers: Self::find_former_readers(desired, live),
            given_up: OnceCell::new(),
            adopted: view.adopted.clone(),
        }
    }

    /// The mark of an object, if it is this workspace's.
    fn our_mark(&self, address: &Address) -> Option<&'a Mark> {
        self.live
            .marks
            .get(address)
            .filter(|mark| mark.workspace == self.desired.workspace)
    }

    fn change(&mut self, address: &Address, tenant: Option<&TenantId>, action: Action) -> &mut Change {
        let shared = shared(address, self.desired, self.live);
        self.changes.get_or_add(Change::new(shared, tenant, action))
    }

    fn hold(
        &mut self,
        address: &Address,
        tenant: Option<&TenantId>,
        kind: HeldKind,
        because: impl Into<String>,
    ) {
        self.held.entry(address.clone()).or_insert_with(|| Held {
            address: address.clone(),
            tenant: tenant.cloned(),
            kind,
            because: because.into(),
        });
    }

    fn warn(&mut self, code: &str, message: String) {
        self.warnings.insert(Warning {
            code: code.to_owned(),
            message,
        });
    }

    /// The database an object is in or on.
    fn database_of(address: &Address) -> Option<&Name> {
        match address {
            Address::Database { name } => Some(name),
            Address::DatabaseGrant { database, .. } => Some(database),
            other => other.inside_database(),
        }
    }

    /// A grantee's role, if it is one.
    fn role_of(grantee: &Grantee) -> Option<&Name> {
        match grantee {
            Grantee::Public => None,
            Grantee::Role(name) => Some(name),
        }
    }

    /// The marks themselves, besides what is added to what they are on.
    fn adopt(&mut self) {
        for (address, tenant) in std::mem::take(&mut self.adopted) {
            if let Some(object) = self.live.world.get(&address) {
                self.change(&address, Some(&tenant), Action::Adopt(object.clone()));
            }
        }
    }

    fn finish(self) -> Diff {
        let elsewhere = &self.desired.elsewhere;
        let mut known: Vec<_> = (self.live.marked())
            .filter(|(_, mark)| mark.workspace == self.desired.workspace)
            .filter(|(address, mark)| {
                !elsewhere.tenants.contains_key(&mark.tenant) && !elsewhere.identities.contains_key(address)
            })
            .map(|(_, mark)| &mark.tenant)
            .collect();
        // Each is there four times and more.
        known.sort();
        known.dedup();
        let leaving = self
            .changes
            .iter()
            .filter(|change| takes_from_its_tenant(&change.address))
            .filter_map(|change| change.tenant.clone())
            .filter(|tenant| !self.desired.tenants.contains_key(tenant))
            .collect();
        Diff {
            changes: self.changes.sorted(),
            held: self.held.into_values().collect(),
            warnings: self.warnings.into_iter().collect(),
            unchanged: self.unchanged,
            leaving,
            known: known.into_iter().cloned().collect(),
        }
    }
}

/// Not what a tenant that left long ago never had: a grant of PUBLIC or of others on what it left behind.
fn takes_from_its_tenant(address: &Address) -> bool {
    !matches!(
        address,
        Address::DatabaseGrant { .. } | Address::SchemaGrant { .. } | Address::Membership { .. }
    )
}
