//! A plan carried out on paper: what would live afterwards. Simple on purpose, and independent of `apply`.

use std::collections::BTreeMap;

use tenantctl::address::{Address, Grantee, Name, SharedAddress};
use tenantctl::desired::Desired;
use tenantctl::engine::fresh_database;
use tenantctl::live::Live;
use tenantctl::live::ledger::{KeyRecord, KeyState, OwnedObject};
use tenantctl::model::{AccessKey, Database, DeletionPolicy, Mark, Object, Password, Role};
use tenantctl::plan::{ActionWord, Command, Expectation, MovedRecord, Plan, PlannedChange, Record, Step};

use crate::applied::{add_member, add_row, carries_mark, creators_row, reckon, remember};
use crate::world::{ADMIN, alter_database, alter_role};

/// The live world after a plan.
pub fn simulate(plan: &Plan, desired: &Desired, live: &Live) -> Live {
    let mut after = live.clone();
    if !plan.guards.is_empty() {
        return after;
    }
    for change in &plan.changes {
        if let Some(from) = &change.told.moved_from {
            rename(&mut after, from, &change.address);
        }
    }
    for change in &plan.changes {
        carry_out(&mut after, desired, change);
    }
    for step in &plan.steps {
        take(&mut after, step);
        for record in &step.records {
            write_down(&mut after, &plan.workspace, record);
        }
    }
    reckon(&mut after);
    after
}

/// Everything that bears one name bears another.
fn rename(live: &mut Live, from: &Address, to: &Address) {
    let renamed = |address: &Address| -> Address {
        let mut parts = serde_json::to_value(address).expect("an address");
        let keys: &[&str] = match (from, parts["kind"].as_str().expect("a kind")) {
            (Address::Role { .. }, "role") => &["/name"],
            (Address::Role { .. }, "iam_role" | "iam_role_policy") => &[],
            (Address::Role { .. }, _) => &["/role", "/member", "/grantee/role"],
            (Address::Database { .. }, "database") => &["/name"],
            (Address::Database { .. }, _) => &["/database"],
            (Address::IamUser { .. }, "iam_user") => &["/name"],
            (Address::IamUser { .. }, _) => &["/user"],
            _ => panic!("{from} is renamed"),
        };
        for key in keys {
            if let Some(name) = parts.pointer_mut(key).filter(|name| **name == from.name()) {
                *name = to.name().into();
            }
        }
        serde_json::from_value(parts).expect("an address")
    };
    let objects: Vec<_> = live
        .world
        .iter()
        .map(|(at, object)| (at.clone(), object.clone()))
        .collect();
    for (at, _) in &objects {
        live.world.remove(at);
    }
    for (at, object) in objects {
        live.world.insert(renamed(&at), object);
    }
    live.marks = live
        .marks
        .iter()
        .map(|(at, mark)| (renamed(at).into(), mark.clone()))
        .collect();
    for rows in live.ledger.objects.values_mut() {
        let old = std::mem::take(rows).into_iter();
        *rows = old
            .map(|(address, row)| (renamed(&address).into(), row))
            .collect();
    }
    let (old, new) = (Name::from(from.name()), Name::from(to.name()));
    let name = |name: &mut Name| {
        if *name == old {
            name.clone_from(&new);
        }
    };
    match from {
        Address::Role { .. } => {
            for row in &mut live.memberships {
                for each in [&mut row.role, &mut row.member, &mut row.grantor] {
                    name(each);
                }
            }
        }
        Address::Database { .. } if live.opened.remove(&old) => {
            live.opened.insert(new.clone());
        }
        _ => {}
    }
    live.sessions = std::mem::take(&mut live.sessions)
        .into_iter()
        .map(|((mut role, mut database), count)| {
            match from {
                Address::Role { .. } => name(&mut role),
                Address::Database { .. } => name(&mut database),
                _ => {}
            }
            ((role, database), count)
        })
        .collect();
    for key in live.ledger.keys.values_mut() {
        if matches!(from, Address::IamUser { .. }) {
            name(&mut key.user);
        }
    }
    reckon(live);
}

fn carry_out(live: &mut Live, desired: &Desired, change: &PlannedChange) {
    match change.action {
        ActionWord::Create | ActionWord::Update => {
            let wanted = desired.world.get(&change.address);
            if let Some(object) = changed(live, change, wanted) {
                live.world.insert(change.address.clone(), object);
            }
        }
        ActionWord::Delete => gone(live, &change.address),
        ActionWord::Adopt => {}
    }
}

/// The object as the change leaves it.
fn changed(live: &mut Live, change: &PlannedChange, wanted: Option<&Object>) -> Option<Object> {
    let found = live.world.get(&change.address).cloned();
    let after = change.told.after.as_ref().expect("what it shall be").value();
    match (&*change.address, wanted) {
        (Address::Membership { role, member }, _) => {
            match found {
                None => add_member(live, role, member, ADMIN),
                Some(Object::Membership(mut membership)) => {
                    membership.admin_option = false;
                    live.world
                        .insert(change.address.clone(), Object::Membership(membership));
                }
                Some(_) => {}
            }
            None
        }
        (Address::Role { name }, _) => {
            let mut role: Role = serde_json::from_value(after).expect("a role");
            let before = match found {
                Some(Object::Role(before)) => Some(before),
                _ => None,
            };
            role.password = before.as_ref().map_or(Password::None, |role| role.password);
            let limit = before.as_ref().and_then(|role| role.connection_limit);
            role.connection_limit = role.connection_limit.or(limit).or(Some(-1));
            if before.is_none() {
                born(live, name);
            }
            Some(Object::Role(role))
        }
        (Address::Database { name }, _) => {
            let mut database: Database = serde_json::from_value(after).expect("a database");
            // Only the ledger knows the policy: see the record.
            database.deletion_policy = match found {
                Some(Object::Database(before)) => before.deletion_policy,
                _ => DeletionPolicy::Retain,
            };
            live.opened.insert(name.clone());
            for (address, object) in fresh_database(name).iter() {
                if !live.world.contains(address) {
                    live.world.insert(address.clone(), object.clone());
                }
            }
            Some(Object::Database(database))
        }
        (Address::DatabaseGrant { .. } | Address::SchemaGrant { .. }, _) => {
            Some(Object::Grant(serde_json::from_value(after).expect("a grant")))
        }
        (Address::IamAccessKey { .. }, _) => {
            let mut key: AccessKey = serde_json::from_value(after).expect("a key");
            key.id = key.id.or_else(|| match found {
                Some(Object::AccessKey(AccessKey { id, .. })) => id,
                _ => Some("AKIANEW".into()),
            });
            Some(Object::AccessKey(key))
        }
        (_, Some(wanted)) => Some(wanted.clone()),
        _ => panic!("{} is changed without being asked for", change.address),
    }
}

fn born(live: &mut Live, role: &str) {
    if live.server.power.scoped_create_role() {
        add_row(live, creators_row(role));
    }
}

/// What goes with an object that goes.
pub fn gone(live: &mut Live, address: &Address) {
    let with_it: Vec<Address> = live
        .world
        .iter()
        .map(|(other, _)| other)
        .filter(|other| *other == address || hangs_on(other, address))
        .cloned()
        .collect();
    for other in with_it {
        live.world.remove(&other);
        live.marks.remove(&other);
    }
    live.memberships.retain(|row| match address {
        Address::Membership { role, member } => &row.role != role || &row.member != member,
        Address::Role { name } => &row.role != name && &row.member != name,
        _ => true,
    });
    live.dependents.retain(|one| match address {
        Address::Database { name } => one.database.as_ref() != Some(name),
        Address::Role { name } => &one.role != name,
        _ => true,
    });
    live.sessions.retain(|(role, database), _| match address {
        Address::Database { name } => database != name,
        Address::Role { name } => role != name,
        _ => true,
    });
}

fn hangs_on(other: &Address, gone: &Address) -> bool {
    match gone {
        Address::Database { name } => {
            other.inside_database() == Some(name)
                || matches!(other, Address::DatabaseGrant { database, .. } if database == name)
        }
        Address::Role { name } => match other {
            Address::RoleSetting { role, .. } => role == name,
            Address::Membership { role, member } => role == name || member == name,
            Address::DatabaseGrant { grantee, .. } | Address::SchemaGrant { grantee, .. } => {
                *grantee == Grantee::Role(name.clone())
            }
            _ => false,
        },
        Address::IamUser { name } => matches!(
            other,
            Address::IamUserPolicy { user, .. } | Address::IamAccessKey { user, .. } if user == name
        ),
        Address::IamRole { name } => {
            matches!(other, Address::IamRolePolicy { role, .. } if role == name)
        }
        _ => false,
    }
}

fn take(live: &mut Live, step: &Step) {
    match &step.command {
        Command::EndSessions { role, database } => {
            live.sessions
                .retain(|(of, at), _| of != role || database.as_ref().is_some_and(|database| database != at));
        }
        Command::Admin(sql) => {
            for expectation in &sql.expect {
                read_back(live, expectation);
            }
        }
        Command::Iam(tenantctl::plan::IamCommand::CreateAccessKey { user, .. }) => {
            let record = KeyRecord {
                workspace: "default".into(),
                user: user.clone(),
                state: KeyState::HandedOver,
            };
            live.ledger.keys.insert("AKIANEW".into(), record);
        }
        _ => {}
    }
}

/// The ledger's rows of a workspace.
fn rows<'l>(live: &'l mut Live, workspace: &str) -> &'l mut BTreeMap<SharedAddress, OwnedObject> {
    live.ledger.objects.entry(workspace.into()).or_default()
}

fn write_down(live: &mut Live, workspace: &str, record: &Record) {
    match record {
        Record::Own { address, tenant } => {
            remember(live, workspace, address, tenant.clone());
            match tenant {
                Some(tenant) if carries_mark(address) => {
                    let mark = Mark {
                        workspace: workspace.into(),
                        tenant: tenant.clone(),
                    };
                    live.marks.insert(address.clone(), mark);
                }
                _ => {}
            }
        }
        Record::Moved(moved) => {
            let MovedRecord { from, to, tenant } = &**moved;
            for address in [from, to] {
                rows(live, workspace).remove(address);
            }
            remember(live, workspace, to, Some(tenant.clone()));
            let mark = Mark {
                workspace: workspace.into(),
                tenant: tenant.clone(),
            };
            live.marks.insert(to.clone(), mark);
        }
        Record::Forget { address } => {
            rows(live, workspace).remove(address);
            live.marks.remove(address);
        }
        Record::DeletionPolicy { address, policy } => {
            if let Address::Database { name } = &**address {
                alter_database(live, name, |database| database.deletion_policy = *policy);
            }
            if let Some(row) = rows(live, workspace).get_mut(address) {
                row.deletion_policy = *policy;
            }
        }
        Record::Password(known) => {
            alter_role(live, &known.role, |role| role.password = known.password);
        }
        Record::KeySuspended(key) => {
            let record = KeyRecord {
                workspace: workspace.into(),
                user: key.user.clone(),
                state: KeyState::Suspended,
            };
            live.ledger.keys.insert(key.id.to_string(), record);
        }
        Record::KeyForgotten(key) => {
            live.ledger.keys.remove(key.id.as_str());
        }
    }
}

/// What a step reads back before it commits is true afterwards.
fn read_back(live: &mut Live, expectation: &Expectation) {
    let Expectation::DatabaseGrant {
        database,
        grantee,
        grant,
    } = expectation
    else {
        return;
    };
    let address = Address::DatabaseGrant {
        database: database.clone(),
        grantee: grantee.clone(),
    };
    if grant.items.is_empty() && *grantee != Grantee::Public {
        live.world.remove(&address);
    } else {
        live.world.insert(address, Object::Grant(grant.clone()));
    }
}
