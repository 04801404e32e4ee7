//! Several clusters in one file: what is another cluster's business, and tenants whose cluster is not where they live.
//!
//! An IAM user or role carries the mark of its workspace and tenant, and no word of a cluster. Which one it is for is told by
//! the file, by the ledger that knows it, and by its policy: `rds-db:connect` names the cluster's resource id.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{Differ, Held, HeldKind, Scope};
use crate::address::{Address, Name, TenantId};
use crate::desired::{Desired, Elsewhere};
use crate::live::Live;
use crate::model::Object;
use crate::model::iam::CONNECT_POLICY;
use crate::model::policy::Policy;

const CONNECT: &str = "rds-db:connect";

/// One cluster that was read.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name in the file.
    pub name: &'a str,
    /// What the file asks of it.
    pub desired: &'a Desired,
    /// What lives on it.
    pub live: &'a Live,
}

/// What is known of all clusters of the file, read or not.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// The cluster of every tenant of the file, under each name that it had.
    pub places: BTreeMap<TenantId, String>,
    /// The clusters' names by resource id, as far as those are known.
    pub by_resource: BTreeMap<String, String>,
    /// The clusters whose resource id nobody knows: they could not be found, or were not asked for.
    pub unknown: Vec<String>,
    /// The clusters whose ledger was not read; those are among them.
    pub unread: Vec<String>,
    /// Whether the file has more than one cluster.
    pub several: bool,
}

/// What each cluster has to know of the others, in the order of the members.
pub fn elsewhere(members: &[Member<'_>], others: &Others) -> Vec<Elsewhere> {
    let logins = if others.several {
        logins(members)
    } else {
        BTreeMap::new()
    };
    let mut held = BTreeSet::new();
    let each = members.iter().map(|member| {
        let survey = Survey {
            member,
            members,
            others,
            logins: &logins,
            opened: OnceCell::new(),
        };
        Elsewhere {
            tenants: survey.tenants(),
            living: survey.living(),
            identities: survey.identities(&mut held),
        }
    });
    each.collect()
}

/// The clusters on which each tenant has a login role of ours, and whether it may log in.
type Logins<'a> = BTreeMap<&'a TenantId, BTreeMap<&'a str, bool>>;

fn logins<'a>(members: &[Member<'a>]) -> Logins<'a> {
    let mut logins = Logins::new();
    for Member { name, desired, live } in members {
        for (address, mark) in live.marked() {
            if let (Address::Role { .. }, Some(Object::Role(role))) = (address, live.world.get(address))
                && mark.workspace == desired.workspace
            {
                logins.entry(&mark.tenant).or_default().insert(name, role.login);
            }
        }
    }
    logins
}

/// The view from one cluster.
struct Survey<'a> {
    member: &'a Member<'a>,
    members: &'a [Member<'a>],
    others: &'a Others,
    logins: &'a Logins<'a>,
    /// The resource ids of the clusters that each tenant's IAM roles open.
    opened: OnceCell<BTreeMap<&'a TenantId, BTreeSet<Name>>>,
}

/// Whose an IAM user or role is that is nobody's in the file.
enum Whose {
    Ours,
    Another,
    Unknown(String),
}

impl Survey<'_> {
    fn tenants(&self) -> BTreeMap<TenantId, String> {
        let places = self.others.places.iter();
        places
            .filter(|(_, place)| *place != self.member.name)
            .map(|(tenant, place)| (tenant.clone(), place.clone()))
            .collect()
    }

    /// Tenants of this cluster with a login on another, or with an IAM role that opens another.
    fn living(&self) -> BTreeMap<TenantId, String> {
        let mut living = BTreeMap::new();
        let here = |place: &String| self.others.several && place == self.member.name;
        for (tenant, _) in self.others.places.iter().filter(|(_, place)| here(place)) {
            if let Some(because) = self.lives_elsewhere(tenant) {
                let now = self.member.desired.moves.get(tenant);
                living.extend(now.map(|now| (now.clone(), because.clone())));
                living.insert(tenant.clone(), because);
            }
        }
        living
    }

    fn lives_elsewhere(&self, tenant: &TenantId) -> Option<String> {
        let here = self.member.name;
        let logins = self.logins.get(tenant);
        let mut there = logins.into_iter().flatten();
        if let Some((there, _)) = there.find(|(place, may)| **place != here && **may) {
            return Some(stays(here, there));
        }
        let opened = self.opened_by(tenant);
        if opened.is_empty() || opened.contains(self.resource_id()) {
            return None;
        }
        let known = |id: &Name| self.others.by_resource.get(id.as_str());
        if let Some(there) = opened.iter().find_map(known) {
            return Some(stays(here, there));
        }
        let is_here = logins.is_some_and(|places| places.contains_key(here));
        (!is_here && !self.others.unknown.is_empty()).then(|| self.perhaps("its IAM role opens"))
    }

    /// IAM users and roles with our mark that are nobody's in the file. `held` has those of other members, so that each is
    /// said once.
    fn identities(&self, held: &mut BTreeSet<Address>) -> BTreeMap<Address, Option<String>> {
        let Member { desired, live, .. } = self.member;
        let mut identities = BTreeMap::new();
        for (address, mark) in live.marked() {
            let is_identity = matches!(address, Address::IamUser { .. } | Address::IamRole { .. });
            let is_ours = mark.workspace == desired.workspace;
            if !is_identity || !is_ours || self.others.places.contains_key(&mark.tenant) {
                continue;
            }
            let because = match self.whose(address, &mark.tenant) {
                Whose::Ours => continue,
                Whose::Another => None,
                Whose::Unknown(because) => held.insert(address.clone()).then_some(because),
            };
            identities.insert(address.clone(), because);
        }
        identities
    }

    fn whose(&self, address: &Address, tenant: &TenantId) -> Whose {
        let opened = self.opened_by(tenant);
        if opened.contains(self.resource_id()) {
            return Whose::Ours;
        }
        if opened
            .iter()
            .any(|id| self.others.by_resource.contains_key(id.as_str()))
        {
            return Whose::Another;
        }
        if !opened.is_empty() && !self.others.unknown.is_empty() {
            return Whose::Unknown(self.perhaps("it is for"));
        }
        if knows(self.member, address) {
            return Whose::Ours;
        }
        if self.members.iter().any(|other| knows(other, address)) {
            return Whose::Another;
        }
        match opened.first() {
            Some(id) => Whose::Unknown(format!(
                "it is for the cluster with the resource id {id}, which the file does not have, and no ledger that was read \
                 knows it. With that cluster in the file again, tenantctl removes it; where the cluster is gone, delete it by \
                 hand"
            )),
            None if !self.others.several => Whose::Ours,
            None if !self.others.unread.is_empty() => Whose::Unknown(self.perhaps("it may be for")),
            None => Whose::Unknown(
                "nothing tells which cluster it is for: no policy on it names one, and no ledger knows it. Delete it by hand if \
                 nobody needs it"
                    .to_owned(),
            ),
        }
    }

    fn perhaps(&self, what: &str) -> String {
        let Others { unread, .. } = self.others;
        format!(
            "{what} another cluster, perhaps {}, which was not read in this run",
            unread.join(" or ")
        )
    }

    fn resource_id(&self) -> &str {
        &self.member.desired.facts.resource_id
    }

    fn opened_by(&self, tenant: &TenantId) -> &BTreeSet<Name> {
        static NONE: BTreeSet<Name> = BTreeSet::new();
        let opened = self.opened.get_or_init(|| opened(self.member));
        opened.get(tenant).unwrap_or(&NONE)
    }
}

/// The resource ids of the clusters that each tenant's IAM roles open.
fn opened<'a>(member: &'a Member<'_>) -> BTreeMap<&'a TenantId, BTreeSet<Name>> {
    let Member { desired, live, .. } = member;
    let mut opened: BTreeMap<&TenantId, BTreeSet<Name>> = BTreeMap::new();
    for (address, mark) in live.marked() {
        let Address::IamRole { name } = address else {
            continue;
        };
        let policy = Address::IamRolePolicy {
            role: name.clone(),
            name: CONNECT_POLICY.into(),
        };
        if let Some(Object::Policy(policy)) = live.world.get(&policy)
            && mark.workspace == desired.workspace
        {
            opened
                .entry(&mark.tenant)
                .or_default()
                .extend(resource_ids(&policy.policy()));
        }
    }
    opened
}

/// `arn:PARTITION:rds-db:REGION:ACCOUNT:dbuser:CLUSTER_RESOURCE_ID/USER`
fn resource_ids(policy: &Policy) -> impl Iterator<Item = Name> {
    let claims = policy.about(CONNECT).filter(|claim| claim.allows());
    let named = claims.filter_map(|claim| claim.exact()).flatten();
    named.filter_map(|arn| Some(arn.rsplit_once(":dbuser:")?.1.split_once('/')?.0.into()))
}

/// Whether a cluster's ledger has an object, or a step on it that a crash left open.
fn knows(member: &Member<'_>, address: &Address) -> bool {
    let Member { desired, live, .. } = member;
    let workspace = &desired.workspace;
    let mut open = live.ledger.open.iter();
    live.ledger.object(workspace, address).is_some()
        || open.any(|step| step.workspace == *workspace && step.address == *address)
}

fn stays(here: &str, there: &str) -> String {
    format!(
        "the file has it on cluster {here}, and it lives on cluster {there}: tenantctl moves no data between clusters. Put \
         cluster = \"{there}\" back; or copy its data, take the tenant out of the file, apply, and add it again with cluster = \
         \"{here}\""
    )
}

/// What is said of a tenant that lives on another cluster than its own.
pub(super) fn living(desired: &Desired, tenant: &TenantId, because: &str) -> Option<Held> {
    let names = &desired.tenants.get(tenant)?.names;
    Some(Held {
        address: Address::Role {
            name: names.role.clone(),
        },
        tenant: Some(tenant.clone()),
        kind: HeldKind::NotAllowed,
        because: because.to_owned(),
    })
}

impl Scope {
    /// Without those that are left alone because of another cluster.
    pub(super) fn without(&self, elsewhere: &Elsewhere) -> Self {
        let mut scope = self.clone();
        let tenants = elsewhere.tenants.keys().chain(elsewhere.living.keys());
        scope.except.extend(tenants.cloned());
        scope
    }

    /// Whether a tenant was asked for, if it is left alone or not.
    pub(super) fn names(&self, tenant: &TenantId) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(tenant))
    }
}

impl Differ<'_> {
    /// Tenants of this cluster's that live on another, and what lives here of tenants that the file has on another.
    pub(super) fn hold_what_is_elsewhere(&mut self) {
        let elsewhere = &self.desired.elsewhere;
        let here =
            (elsewhere.living.iter()).filter_map(|(tenant, because)| living(self.desired, tenant, because));
        let held: Vec<Held> = here
            .chain(self.live.marked().filter_map(|(address, mark)| {
                let there = elsewhere.tenants.get(&mark.tenant)?;
                let ours = mark.workspace == self.desired.workspace;
                let object = self.live.world.get(address).filter(|_| ours)?;
                left_behind(address, object, &mark.tenant, there)
            }))
            .filter(|held| {
                held.tenant
                    .as_ref()
                    .is_some_and(|tenant| self.scope.names(tenant))
            })
            .collect();
        for held in held {
            self.held.insert(held.address.clone(), held);
        }
    }

    /// Whether an IAM user or role that nobody asks for is not to be touched here. Says why, where nobody else does.
    pub(super) fn is_identity_elsewhere(&mut self, address: &Address, tenant: &TenantId) -> bool {
        let Some(because) = self.desired.elsewhere.identities.get(address) else {
            return false;
        };
        if let Some(because) = because {
            self.hold(address, Some(tenant), HeldKind::NotOurs, because.as_str());
        }
        true
    }
}

/// What a tenant that the file has on another cluster has on this one.
fn left_behind(address: &Address, object: &Object, tenant: &TenantId, there: &str) -> Option<Held> {
    let may_log_in = match (address, object) {
        (Address::Role { .. }, Object::Role(role)) => role.login,
        (Address::Database { .. }, _) => false,
        _ => return None,
    };
    let (kind, because) = if may_log_in {
        let because = format!(
            "the file has tenant \"{tenant}\" on cluster {there}, and it still logs in here: nothing is taken from it before it \
             has left the file once"
        );
        (HeldKind::NotAllowed, because)
    } else {
        let because = format!("retained: the file has tenant \"{tenant}\" on cluster {there} now");
        (HeldKind::Retained, because)
    };
    Some(Held {
        address: address.clone(),
        tenant: Some(tenant.clone()),
        kind,
        because,
    })
}
