//! Renaming as steps: before everything else, which is written for the new names.

use super::build::{Context, Draft};
use super::sql_steps::admin;
use super::step::{Command, IamCommand, MovedRecord, Phase, Record};
use crate::address::{Address, Name, TenantId};
use crate::diff::Change;
use crate::model::quote::quote_identifier as ident;

pub(super) fn drafts(context: &Context<'_>, change: &Change) -> Vec<Draft> {
    let (Some(origin), Some(tenant)) = (&change.rest.moved, &change.tenant) else {
        return Vec::new();
    };
    let record = Record::Moved(Box::new(MovedRecord {
        from: origin.remembered.clone().into(),
        to: change.address.clone(),
        tenant: tenant.clone(),
    }));
    let mut drafts = match (&origin.address, &*change.address) {
        (Address::Role { name }, Address::Role { name: to }) if name != to => {
            let statement = format!("ALTER ROLE {} RENAME TO {}", ident(name), ident(to));
            vec![admin(Phase::MoveRole, vec![statement], Vec::new())]
        }
        (Address::Database { name }, Address::Database { name: to }) if name != to => {
            let statement = format!("ALTER DATABASE {} RENAME TO {}", ident(name), ident(to));
            let rename = admin(Phase::MoveDatabase, vec![statement], Vec::new());
            sessions(context, tenant, name)
                .into_iter()
                .chain([rename])
                .collect()
        }
        (Address::IamUser { name }, Address::IamUser { name: to }) => user(context, tenant, name, to),
        (_, Address::IamRole { name }) => {
            let (role, mark) = (name.clone(), context.mark(tenant).into());
            vec![Draft::new(
                Phase::MoveUser,
                Command::Iam(IamCommand::TagRole { role, mark }),
            )]
        }
        _ => vec![Draft::new(Phase::MoveRole, Command::Record)],
    };
    if let Some(last) = drafts.pop() {
        drafts.push(last.record(record));
    }
    drafts
}

/// Postgres renames no database that somebody is in. The login role has its new name by now, so nobody of the tenant's
/// comes back.
fn sessions(context: &Context<'_>, tenant: &TenantId, database: &Name) -> Option<Draft> {
    let role = context.desired.tenants.get(tenant)?.names.role.clone();
    let database = Some(database.clone());
    Some(Draft::new(
        Phase::MoveSessions,
        Command::EndSessions { role, database },
    ))
}

fn user(context: &Context<'_>, tenant: &TenantId, name: &Name, to: &Name) -> Vec<Draft> {
    let (user, mark) = (to.clone(), context.mark(tenant).into());
    let tag = IamCommand::TagUser { user, mark };
    let rename = IamCommand::RenameUser {
        user: name.clone(),
        to: to.clone(),
    };
    let calls = if name == to { vec![tag] } else { vec![rename, tag] };
    calls
        .into_iter()
        .map(|call| Draft::new(Phase::MoveUser, Command::Iam(call)))
        .collect()
}
