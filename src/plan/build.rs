//! From a diff to a plan.

use smallvec::SmallVec;

use super::change::{Details, Told};
use super::step::{self, Command, HandOver, Phase, Record, Records, Step};
use super::{
    ActionWord, FORMAT, Guard, HeldObject, Json, Plan, PlannedChange, Summary, effects, guards, iam_steps,
    moves, sql_steps,
};
use crate::address::{Address, SharedAddress, TenantId};
use crate::desired::{Desired, Login};
use crate::diff::{self, Action, Change, Diff, Mode, Scope};
use crate::live::Live;
use crate::model::{Digest, Mark, Object};

/// What steers a plan besides the two worlds.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The tenants it is confined to.
    pub only: Vec<TenantId>,
    /// How many tenants may leave before the guard asks.
    pub max_removals: Option<usize>,
    /// How far it may go.
    pub mode: Mode,
    /// For people, and neither for JSON nor for a file: without what only those say of an object.
    pub brief: bool,
}

impl Options {
    /// The part of the world that it is about.
    pub fn scope(&self) -> Scope {
        Scope::tenants(self.only.iter().cloned()).in_mode(self.mode)
    }
}

/// One step before it has its number.
pub(super) struct Draft {
    pub phase: Phase,
    pub command: Command,
    pub records: Records,
}

impl Draft {
    pub(super) fn new(phase: Phase, command: Command) -> Self {
        Self {
            phase,
            command,
            records: Records::new(),
        }
    }

    pub(super) fn record(mut self, record: Record) -> Self {
        self.records.push(record);
        self
    }

    fn step(self, id: usize, change: &Change) -> Step {
        let Self {
            phase,
            command,
            records,
        } = self;
        Step {
            id,
            phase,
            address: change.address.clone(),
            tenant: change.tenant.clone(),
            command,
            records,
        }
    }
}

/// What a change touches is ours from now on.
pub(super) fn own(change: &Change) -> Record {
    Record::Own {
        address: change.address.clone(),
        tenant: change.tenant.clone(),
    }
}

/// What a change touches is no longer ours, or no longer there.
pub(super) fn forget(change: &Change) -> Record {
    Record::Forget {
        address: change.address.clone(),
    }
}

/// What the makers of steps look things up in.
pub(super) struct Context<'a> {
    pub desired: &'a Desired,
    pub live: &'a Live,
}

impl Context<'_> {
    pub(super) fn mark(&self, tenant: &TenantId) -> Mark {
        Mark {
            workspace: self.desired.workspace.clone(),
            tenant: tenant.clone(),
        }
    }

    /// What a hand-over file of a tenant says.
    pub(super) fn handover(&self, tenant: &TenantId) -> Option<Box<HandOver>> {
        let wanted = self.desired.tenants.get(tenant)?;
        let facts = &self.desired.facts;
        Some(Box::new(HandOver {
            tenant: tenant.clone(),
            recipient: wanted.recipient.clone()?,
            role: wanted.names.role.clone(),
            role_arn: match &wanted.login {
                Login::Iam { role_arn, .. } => Some(role_arn.clone()),
                Login::Password => None,
            },
            region: facts.region.clone(),
            endpoint: facts.endpoint.clone(),
            port: facts.port,
            databases: wanted.databases.iter().cloned().collect(),
        }))
    }
}

/// Makes the plan. The same diff gives the same bytes.
pub fn build(desired: &Desired, live: &Live, diff: &Diff, options: &Options) -> Plan {
    let seen = diff::seen(desired, live, &options.scope());
    let context = Context { desired, live: &seen };
    let mut steps = Vec::new();
    // By the number that a step has before they are sorted: the place of its change.
    let mut change_of = Vec::new();
    for (index, change) in diff.changes.iter().enumerate() {
        for draft in drafts_of(&context, change) {
            steps.push(draft.step(steps.len(), change));
            change_of.push(index);
        }
    }
    // Within a phase, the order of addresses and of each change's own steps stays.
    steps.sort_unstable_by_key(|step| (step.phase, step.id));
    let planned = diff.changes.iter().map(|change| planned(change, options));
    let mut changes: Vec<_> = planned.collect();
    for (id, step) in steps.iter_mut().enumerate() {
        changes[change_of[step.id]].steps.push(id);
        step.id = id;
    }
    let touched = touched(live, &changes);
    Plan {
        format: FORMAT,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        workspace: desired.workspace.to_string(),
        cluster: desired.facts.resource_id.clone(),
        only: options.only.clone(),
        max_removals: options.max_removals,
        mode: options.mode,
        config_digest: desired.digest,
        live_digest: Digest::of(&touched),
        touched,
        summary: summary(&changes),
        effects: effects::effects(desired, &seen, diff),
        guards: guards::check(desired, &seen, diff, options.max_removals),
        changes,
        steps,
        held: diff.held.iter().map(held).collect(),
        warnings: diff.warnings.clone(),
        unchanged: diff.unchanged,
    }
}

/// What a plan comes to that is made to check an earlier one: as much as that takes, and no more.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The ownership mark.
    pub workspace: String,
    /// The cluster's resource id.
    pub cluster: String,
    /// Of the file's meaning.
    pub config_digest: Digest,
    /// What forbids applying it.
    pub guards: Vec<Guard>,
    /// What its steps mean, sorted.
    steps: Vec<Digest>,
}

impl Outline {
    /// Whether a step that means this would be in the plan.
    pub fn has(&self, meaning: &Digest) -> bool {
        self.steps.binary_search(meaning).is_ok()
    }
}

/// Makes the outline of the plan that [`build`] would make.
pub fn outline(desired: &Desired, live: &Live, diff: &Diff, options: &Options) -> Outline {
    let seen = diff::seen(desired, live, &options.scope());
    let context = Context { desired, live: &seen };
    let steps = diff.changes.iter().flat_map(|change| {
        let drafts = drafts_of(&context, change).into_iter();
        drafts.map(|draft| {
            let what = (&draft.command, &draft.records[..]);
            step::meaning(draft.phase, &change.address, change.tenant.as_ref(), what)
        })
    });
    let mut steps: Vec<_> = steps.collect();
    steps.sort_unstable();
    Outline {
        workspace: desired.workspace.to_string(),
        cluster: desired.facts.resource_id.clone(),
        config_digest: desired.digest,
        steps,
        guards: guards::check(desired, &seen, diff, options.max_removals),
    }
}

/// Digests of what a plan's changes touch: what has to be unmoved when it is applied.
pub fn touched(live: &Live, changes: &[PlannedChange]) -> Vec<(SharedAddress, Digest)> {
    let addresses = changes
        .iter()
        .flat_map(|change| [Some(&change.address), change.told.moved_from.as_ref()]);
    let digests = addresses.flatten();
    let mut touched: Vec<_> = digests
        .map(|address| (address.clone(), live.digest(address)))
        .collect();
    touched.shrink_to_fit();
    touched
}

fn drafts_of(context: &Context<'_>, change: &Change) -> Vec<Draft> {
    let mut drafts = moves::drafts(context, change);
    drafts.extend(match &*change.address {
        // It is found, and never made.
        Address::Cluster { .. } => Vec::new(),
        Address::IamUser { .. }
        | Address::IamUserPolicy { .. }
        | Address::IamRole { .. }
        | Address::IamRolePolicy { .. }
        | Address::IamAccessKey { .. } => iam_steps::drafts(context, change),
        Address::Role { .. }
        | Address::RoleSetting { .. }
        | Address::Membership { .. }
        | Address::Database { .. }
        | Address::DatabaseGrant { .. }
        | Address::Schema { .. }
        | Address::SchemaGrant { .. }
        | Address::Extension { .. } => sql_steps::drafts(context, change),
    });
    for (role, database) in &change.rest.end_sessions {
        // Where login itself is cut, sessions end right after it; elsewhere once nothing can reopen them.
        let phase = if database.is_none() {
            Phase::CutAccess
        } else {
            Phase::EndSessions
        };
        let command = Command::EndSessions {
            role: role.clone(),
            database: database.clone(),
        };
        drafts.push(Draft::new(phase, command));
    }
    drafts
}

fn planned(change: &Change, options: &Options) -> PlannedChange {
    // People are told what a grant holds, and of the rest its name and what changes.
    let value = |object: &Object| match object {
        Object::Grant(_) => Json::of(object),
        _ if options.brief => None,
        _ => Json::of(object),
    };
    let (action, before, after) = match &change.action {
        Action::Create(object) => (ActionWord::Create, None, value(object)),
        Action::Update { before, after } => (ActionWord::Update, value(before), value(after)),
        Action::Delete(object) => (ActionWord::Delete, value(object), None),
        Action::Adopt(object) => (ActionWord::Adopt, value(object), value(object)),
    };
    let mut reason = change.rest.reason.clone();
    if !change.rest.keep.is_empty() {
        let kept: Vec<_> = change.rest.keep.iter().cloned().collect();
        reason = Some(format!("kept by an explicit grant for {}", kept.join(", ")));
    }
    PlannedChange {
        address: change.address.clone(),
        tenant: change.tenant.clone(),
        action,
        steps: SmallVec::new(),
        told: Told::from(Details {
            before,
            after,
            fields: change.fields.clone(),
            reason,
            moved_from: (change.rest.moved.as_ref())
                .filter(|origin| origin.address != *change.address)
                .map(|origin| origin.address.clone().into()),
        }),
    }
}

fn held(held: &crate::diff::Held) -> HeldObject {
    HeldObject {
        address: held.address.clone(),
        tenant: held.tenant.clone(),
        kind: held.kind,
        because: held.because.clone(),
    }
}

fn summary(changes: &[PlannedChange]) -> Summary {
    let count = |words: &[ActionWord]| {
        changes
            .iter()
            .filter(|change| words.contains(&change.action))
            .count()
    };
    Summary {
        add: count(&[ActionWord::Create]),
        change: count(&[ActionWord::Update, ActionWord::Adopt]),
        destroy: count(&[ActionWord::Delete]),
    }
}
