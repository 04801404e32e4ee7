//! Answering what a crashed run left open.

use super::record::{forget, own};
use super::{ApplyError, Run};
use crate::address::Address;
use crate::apply::statement::{Write, write};
use crate::live::Live;
use crate::live::connect::Session;
use crate::live::ledger::{CREATE_ACCESS_KEY, CREATE_DATABASE, DROP_DATABASE, Ledger, OpenStep, RENAME_USER};
use crate::model::{DatabaseState, Object};

/// Answers the questions that a crashed run left, from what lives. A key whose secret was lost stays a question until
/// the key is deleted; where none was made there is none, or the next key somebody makes by hand would be taken for it.
pub(in crate::apply) async fn settle(
    session: &Session,
    run: &Run,
    ledger: &Ledger,
    live: &Live,
) -> Result<(), ApplyError> {
    let ours = ledger.open.iter().filter(|open| open.workspace == run.workspace);
    let ours = ours.filter(|open| open.command != CREATE_ACCESS_KEY || no_key_was_made(open, ledger, live));
    for open in ours.filter(|open| !is_half_renamed(open, live)) {
        let born = match &open.address {
            Address::Database { name } if open.command == CREATE_DATABASE => live.world.database(name),
            _ => None,
        };
        remember_identity(session, run, open, ledger, live).await?;
        let outcome = match born {
            Some(database)
                if database.state == DatabaseState::Closed
                    && database.owner == live_admin(session).await? =>
            {
                write(session, &[own(run, &open.address, open.tenant.as_ref())]).await?;
                "done, as a later run found"
            }
            None if open.command == DROP_DATABASE && !live.world.contains(&open.address) => {
                "done, as a later run found"
            }
            _ => "interrupted",
        };
        let answer = Write::new(
            "UPDATE tenantctl.step SET finished_at = now(), outcome = $3 WHERE run_id = $1 AND step = $2",
        );
        let answer = answer.with(&open.run_id).with(open.step).with(outcome);
        write(session, &[answer]).await?;
    }
    forget_the_dropped(session, run).await
}

/// A run that dies behind a DROP DATABASE cannot write that down any more. Nor does whoever drops one by hand; the oid
/// will never come back.
async fn forget_the_dropped(session: &Session, run: &Run) -> Result<(), ApplyError> {
    let forgotten = Write::new(
        "DELETE FROM tenantctl.object WHERE workspace = $1
         AND (address ->> 'kind' = 'role' AND object_oid NOT IN (SELECT oid FROM pg_roles)
              OR address ->> 'kind' = 'database' AND object_oid NOT IN (SELECT oid FROM pg_database))",
    );
    write(session, &[forgotten.with(&run.workspace)]).await
}

/// The same in IAM, and for what the dead run made there. Not to find something says little, as what was made a moment
/// ago may not be shown yet: only what that run was at work on is looked at.
async fn remember_identity(
    session: &Session,
    run: &Run,
    open: &OpenStep,
    ledger: &Ledger,
    live: &Live,
) -> Result<(), ApplyError> {
    let ours = live
        .marks
        .get(&open.address)
        .filter(|mark| mark.workspace == run.workspace);
    let is_gone = |address: &Address| live.gap(address).is_none() && live.world.get(address).is_none();
    let keys_of = match &open.address {
        Address::IamUser { name } if is_gone(&open.address) => Some(name),
        Address::IamAccessKey { user, .. } if live.gap(&open.address).is_none() => Some(user),
        _ => None,
    };
    let ids: Vec<String> = ledger
        .keys
        .iter()
        .filter(|(id, key)| {
            key.workspace == run.workspace && Some(&key.user) == keys_of && !has_key(live, id)
        })
        .map(|(id, _)| id.clone())
        .collect();
    let keys = Write::new("DELETE FROM tenantctl.access_key WHERE workspace = $1 AND id = ANY ($2)");
    let mut writes = vec![keys.with(&run.workspace).with(ids)];
    match (&open.address, ours) {
        (Address::IamUser { .. } | Address::IamRole { .. }, Some(mark)) => {
            writes.push(own(run, &open.address, Some(&mark.tenant)));
        }
        (Address::IamUser { .. } | Address::IamRole { .. }, None) if is_gone(&open.address) => {
            writes.push(forget(run, &open.address));
        }
        _ => {}
    }
    write(session, &writes).await
}

/// A user that was renamed and not marked anew yet: the move that goes on with it answers the question.
fn is_half_renamed(open: &OpenStep, live: &Live) -> bool {
    open.command == RENAME_USER
        && live.world.contains(&open.address)
        && !live.marks.contains_key(&open.address)
}

fn has_key(live: &Live, id: &str) -> bool {
    live.world
        .iter()
        .any(|(_, object)| matches!(object, Object::AccessKey(key) if key.id.as_deref() == Some(id)))
}

fn no_key_was_made(open: &OpenStep, ledger: &Ledger, live: &Live) -> bool {
    let is_lost = |address: &Address| match (address, &open.address) {
        (Address::IamAccessKey { user, id: Some(id) }, Address::IamAccessKey { user: of, .. }) => {
            user == of && ledger.is_orphan(user, id)
        }
        _ => false,
    };
    live.gap(&open.address).is_none() && !live.world.iter().any(|(address, _)| is_lost(address))
}

async fn live_admin(session: &Session) -> Result<String, ApplyError> {
    let row = session.query_one("SELECT current_user::text", &[]).await;
    Ok(row.map_err(|error| ApplyError::sql(session, error))?.get(0))
}
