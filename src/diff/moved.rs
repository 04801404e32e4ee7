//! Tenants that have another name now. What AWS and Postgres can rename is renamed, and keeps all that hangs on it; an IAM
//! role is made anew. Everything else is compared as if that were done already: under the new names.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Differ, FieldChange, HeldKind, Mode, Scope};
use crate::address::{Address, TenantId};
use crate::desired::Desired;
use crate::desired::naming::{fill, logical_name};
use crate::live::Live;
use crate::model::Object;
use crate::model::quote::quote_identifier;

/// Where an object was before it moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its address; the same where only the tenant is called otherwise.
    pub address: Address,
    /// Under which name the ledger may still know it, if a run ended on the way.
    pub remembered: Address,
    /// What its tenant was called.
    pub tenant: TenantId,
}

/// The moves of a comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    /// Origins by the new address.
    pub origins: BTreeMap<Address, Origin>,
    /// Old names and new ones, of tenants that can be moved.
    pub tenants: BTreeMap<TenantId, TenantId>,
    /// Tenants that cannot, and why: nothing of them moves, under neither name.
    pub held: Vec<Obstacle>,
}

/// What is in the way of a move.
#[derive(Clone, Debug)]
pub(super) struct Obstacle {
    pub address: Address,
    pub from: TenantId,
    pub to: TenantId,
    pub kind: HeldKind,
    pub because: String,
}

/// What has to move. Nothing, once it has.
pub(super) fn moves(desired: &Desired, live: &Live, scope: &Scope) -> Moves {
    let mut moves = Moves::default();
    for (from, to) in desired.moves.iter().filter(|(_, to)| scope.contains(to)) {
        let origins = origins(desired, live, from, to);
        if origins.is_empty() {
            continue;
        }
        let renamed = origins
            .iter()
            .filter(|(address, origin)| **address != origin.address);
        let obstacle = renamed
            .clone()
            .find_map(|(address, origin)| in_the_way(live, address, origin));
        let obstacle = obstacle.or_else(|| {
            let because = format!("mode {} only adds, and this would rename it", scope.mode.as_str());
            let (_, origin) = renamed
                .clone()
                .next()
                .filter(|_| scope.mode != Mode::Authoritative)?;
            Some((origin.address.clone(), HeldKind::Mode, because))
        });
        match obstacle {
            Some((address, kind, because)) => moves.held.push(Obstacle {
                address,
                from: from.clone(),
                to: to.clone(),
                kind,
                because: format!("tenant \"{from}\" cannot become \"{to}\": {because}"),
            }),
            None => {
                moves.tenants.insert(from.clone(), to.clone());
                moves.origins.extend(origins);
            }
        }
    }
    moves
}

/// What bears the mark of a tenant's old name, by its new address.
fn origins(desired: &Desired, live: &Live, from: &TenantId, to: &TenantId) -> BTreeMap<Address, Origin> {
    let naming = &desired.naming;
    let (old, new) = (from.as_str(), to.as_str());
    let mut origins = BTreeMap::new();
    for (address, mark) in live.marked() {
        if mark.workspace != desired.workspace || &mark.tenant != from || !live.world.contains(address) {
            continue;
        }
        let (target, remembered) = match address {
            // IAM renames no role: the new one is made, and this one goes as one that nobody asks for.
            Address::IamRole { .. } => (address.clone(), address.clone()),
            Address::IamUser { name } => {
                let target = Address::IamUser {
                    name: fill(&naming.iam_user, new, "").into(),
                };
                let remembered = Address::IamUser {
                    name: fill(&naming.iam_user, old, "").into(),
                };
                // One that nobody wants goes under its old name.
                let wanted = desired.world.contains(&target) && *name == fill(&naming.iam_user, old, "");
                (if wanted { target } else { address.clone() }, remembered)
            }
            Address::Role { .. } => {
                let target = Address::Role {
                    name: fill(&naming.role, new, "").into(),
                };
                (target, address.clone())
            }
            Address::Database { name } => {
                let logical = logical_name(&naming.database, old, name);
                let target = logical.map(|logical| fill(&naming.database, new, &logical));
                let name = target.unwrap_or_else(|| name.to_string());
                (Address::Database { name: name.into() }, address.clone())
            }
            _ => continue,
        };
        let origin = Origin {
            address: address.clone(),
            remembered,
            tenant: from.clone(),
        };
        origins.insert(target, origin);
    }
    origins.extend(half_renamed(desired, live, from, to));
    origins
}

/// A user that a run gave its new name, and did not come to mark anew (IAM does not promise that tags stay) or to write
/// down.
fn half_renamed(desired: &Desired, live: &Live, from: &TenantId, to: &TenantId) -> Option<(Address, Origin)> {
    let named = |tenant: &TenantId| Address::IamUser {
        name: fill(&desired.naming.iam_user, tenant.as_str(), "").into(),
    };
    let (old, new) = (named(from), named(to));
    if live.world.contains(&old) || !live.world.contains(&new) {
        return None;
    }
    let workspace = &desired.workspace;
    let is_half = match live.marks.get(&new) {
        None => live.ledger.was_renaming_to(workspace, &new),
        Some(mark) => {
            let ours = mark.workspace == *workspace && mark.tenant == *to;
            ours && live.ledger.object(workspace, &old).is_some()
        }
    };
    is_half.then(|| {
        let origin = Origin {
            address: new.clone(),
            remembered: old,
            tenant: from.clone(),
        };
        (new, origin)
    })
}

/// Why an object cannot be renamed, with what to do about it.
fn in_the_way(live: &Live, address: &Address, origin: &Origin) -> Option<(Address, HeldKind, String)> {
    let power = &live.server.power;
    let from = &origin.address;
    let held = |kind, because: String| Some((from.clone(), kind, because));
    if live.world.contains(address) {
        let because = format!(
            "{from} would be renamed to {address}, which exists. A move merges nothing: see what that is, and \
             rename or remove it first"
        );
        return held(HeldKind::NotAllowed, because);
    }
    if let Some((at, because)) = live
        .gap(from)
        .filter(|_| !matches!(from, Address::Database { .. }))
    {
        return held(HeldKind::Gap, format!("{at} could not be read: {because}"));
    }
    match (from, live.world.get(from)) {
        (Address::Role { name }, Some(Object::Role(role))) if role.superuser && !power.superuser => held(
            HeldKind::NotAllowed,
            format!("only a superuser may rename \"{name}\", which is one"),
        ),
        (Address::Role { name }, _) if !power.may_administer(name) => {
            let (role, admin) = (quote_identifier(name), quote_identifier(&power.admin));
            let because = format!(
                "the admin may not administer role \"{name}\", which somebody else created. A role that may has to run once: \
                 GRANT {role} TO {admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"
            );
            held(HeldKind::NotAllowed, because)
        }
        (Address::Database { name }, Some(Object::Database(database)))
            if !power.has_privileges_of(&database.owner) =>
        {
            let because = format!(
                "database \"{name}\" belongs to \"{}\", and only its owner may rename it. \"{}\" or a superuser has to run \
                 once: ALTER DATABASE {} OWNER TO {}",
                database.owner,
                database.owner,
                quote_identifier(name),
                quote_identifier(&power.admin)
            );
            held(HeldKind::NotAllowed, because)
        }
        _ => None,
    }
}

impl Moves {
    /// Tenants that are left alone, under both names.
    pub fn left_alone(&self) -> BTreeSet<TenantId> {
        let both = self
            .held
            .iter()
            .flat_map(|obstacle| [&obstacle.from, &obstacle.to]);
        both.cloned().collect()
    }
}

impl Differ<'_> {
    pub(super) fn hold_what_cannot_move(&mut self, moves: &Moves) {
        for obstacle in &moves.held {
            self.hold(
                &obstacle.address,
                Some(&obstacle.to),
                obstacle.kind,
                obstacle.because.clone(),
            );
        }
    }

    /// The renaming itself, before whatever else changes about an object.
    pub(super) fn add_moves(&mut self, moves: &Moves) {
        for (address, origin) in &moves.origins {
            let tenant = &moves.tenants[&origin.tenant];
            if let Some(change) = self.changes.get_mut(address)
                && matches!(change.action, Action::Delete(_))
            {
                if matches!(address, Address::IamRole { .. }) {
                    change.rest.reason = Some("IAM renames no role: another one takes its place".into());
                }
                continue;
            }
            let Some(object) = self.live.world.get(address).cloned() else {
                continue;
            };
            let field = if *address == origin.address {
                FieldChange::new("tenant", &origin.tenant, tenant)
            } else {
                FieldChange::new("name", origin.address.name(), address.name())
            };
            let (before, after) = (object.clone(), object);
            let change = self.change(address, Some(tenant), Action::Update { before, after });
            change.fields.insert(0, field);
            change.rest.moved = Some(origin.clone());
            if matches!(address, Address::Role { .. }) {
                let because =
                    "its password stays valid, unless it is an old one in MD5 form, which Postgres clears";
                change.rest.reason = Some(because.into());
            }
        }
        for (from, to) in &moves.tenants {
            let message = format!(
                "tenant {to} was {from}: whoever logs in as it has to be told its new names, of the login role, the databases \
                 and the IAM role to assume"
            );
            self.warn("moved", message);
        }
    }
}
