//! Changes of IAM objects as calls.

use super::build::{Context, Draft, forget, own};
use super::step::{AccessKeyRecord, Command, IamCommand, Phase, Record};
use crate::address::{Address, Name, TenantId};
use crate::diff::{Action, Change};
use crate::model::{AccessKey, IamRole, IamUser, KeyStatus, Object, PolicyDocument};

pub(super) fn drafts(context: &Context<'_>, change: &Change) -> Vec<Draft> {
    let Some(tenant) = &change.tenant else {
        return Vec::new();
    };
    match (&*change.address, &change.action) {
        (Address::IamUser { name }, action) => user(context, change, name, tenant, action),
        (Address::IamRole { name }, action) => role(context, change, name, tenant, action),
        (Address::IamUserPolicy { user, name }, action) => {
            let (user, policy) = (user.clone(), name.clone());
            match document(action) {
                Some(document) => call(
                    Phase::IamPolicy,
                    IamCommand::PutUserPolicy {
                        user,
                        policy,
                        document,
                    },
                ),
                None => call(
                    Phase::DeleteIamPolicy,
                    IamCommand::DeleteUserPolicy { user, policy },
                ),
            }
        }
        (Address::IamRolePolicy { role, name }, action) => {
            let (role, policy) = (role.clone(), name.clone());
            match document(action) {
                Some(document) => call(
                    Phase::IamPolicy,
                    IamCommand::PutRolePolicy {
                        role,
                        policy,
                        document,
                    },
                ),
                None => call(
                    Phase::DeleteIamPolicy,
                    IamCommand::DeleteRolePolicy { role, policy },
                ),
            }
        }
        (Address::IamAccessKey { user, id }, action) => {
            access_key(context, user, id.as_deref(), tenant, action)
        }
        _ => Vec::new(),
    }
}

fn call(phase: Phase, command: IamCommand) -> Vec<Draft> {
    vec![Draft::new(phase, Command::Iam(command))]
}

/// The document a policy shall have; `None` when it goes.
fn document(action: &Action) -> Option<PolicyDocument> {
    match action {
        Action::Create(Object::Policy(document))
        | Action::Update {
            after: Object::Policy(document),
            ..
        } => Some(document.clone()),
        _ => None,
    }
}

fn user(
    context: &Context<'_>,
    change: &Change,
    name: &Name,
    tenant: &TenantId,
    action: &Action,
) -> Vec<Draft> {
    let (user, mark) = (name.clone(), context.mark(tenant).into());
    let draft = match action {
        Action::Create(Object::IamUser(IamUser { path })) => {
            let command = IamCommand::CreateUser {
                user,
                path: path.clone(),
                mark,
            };
            Draft::new(Phase::IamUser, Command::Iam(command)).record(own(change))
        }
        Action::Adopt(_) => {
            Draft::new(Phase::IamUser, Command::Iam(IamCommand::TagUser { user, mark })).record(own(change))
        }
        Action::Delete(_) => Draft::new(
            Phase::DeleteIamUser,
            Command::Iam(IamCommand::DeleteUser { user }),
        )
        .record(forget(change)),
        _ => return Vec::new(),
    };
    vec![draft]
}

fn role(
    context: &Context<'_>,
    change: &Change,
    name: &Name,
    tenant: &TenantId,
    action: &Action,
) -> Vec<Draft> {
    let (role, mark) = (name.clone(), context.mark(tenant).into());
    let draft = match action {
        Action::Create(Object::IamRole(IamRole { path, trust })) => {
            let command = IamCommand::CreateRole {
                role,
                path: path.clone(),
                trust: trust.clone(),
                mark,
            };
            Draft::new(Phase::IamRole, Command::Iam(command)).record(own(change))
        }
        Action::Update {
            after: Object::IamRole(IamRole { trust, .. }),
            ..
        } => {
            let command = IamCommand::UpdateAssumeRolePolicy {
                role,
                trust: trust.clone(),
            };
            Draft::new(Phase::IamRole, Command::Iam(command))
        }
        Action::Adopt(_) => {
            Draft::new(Phase::IamRole, Command::Iam(IamCommand::TagRole { role, mark })).record(own(change))
        }
        Action::Delete(_) => Draft::new(
            Phase::DeleteIamRole,
            Command::Iam(IamCommand::DeleteRole { role }),
        )
        .record(forget(change)),
        _ => return Vec::new(),
    };
    vec![draft]
}

fn access_key(
    context: &Context<'_>,
    user: &Name,
    found: Option<&str>,
    tenant: &TenantId,
    action: &Action,
) -> Vec<Draft> {
    let user = user.clone();
    match action {
        Action::Create(_) => match context.handover(tenant) {
            Some(handover) => call(Phase::HandOver, IamCommand::CreateAccessKey { user, handover }),
            None => Vec::new(),
        },
        Action::Update {
            before: Object::AccessKey(AccessKey { id: Some(id), .. }),
            after: Object::AccessKey(after),
        } => {
            let (id, status) = (id.clone(), after.status);
            let command = IamCommand::UpdateAccessKey {
                user: user.clone(),
                id: id.clone(),
                status,
            };
            let phase = if status == KeyStatus::Inactive {
                Phase::CutAccess
            } else {
                Phase::IamPolicy
            };
            let draft = Draft::new(phase, Command::Iam(command));
            // Only a key that was there before us needs remembering: ours is in the ledger already.
            let draft = match (found, status) {
                (Some(_), KeyStatus::Inactive) => draft.record(Record::KeySuspended(key(user, id))),
                (Some(_), KeyStatus::Active) => draft.record(Record::KeyForgotten(key(user, id))),
                (None, _) => draft,
            };
            vec![draft]
        }
        Action::Delete(Object::AccessKey(AccessKey { id: Some(id), .. })) => {
            let command = IamCommand::DeleteAccessKey {
                user: user.clone(),
                id: id.clone(),
            };
            let record = Record::KeyForgotten(key(user, id.clone()));
            vec![Draft::new(Phase::CutAccess, Command::Iam(command)).record(record)]
        }
        _ => Vec::new(),
    }
}

fn key(user: Name, id: Name) -> Box<AccessKeyRecord> {
    Box::new(AccessKeyRecord { user, id })
}
