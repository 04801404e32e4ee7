//! Why a role can connect to a database, or why it cannot.

use std::collections::BTreeMap;

use serde::Serialize;

use super::connect::{Right, connect_items, grantor, holders};
use super::graph::{Graph, Way};
use crate::address::Grantee;
use crate::live::Live;
use crate::model::DatabaseState;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Why {
    /// It can connect as things are.
    pub can: bool,
    /// Each path by which it holds CONNECT, link by link.
    pub paths: Vec<Vec<String>>,
    /// Each path by which it could give itself CONNECT.
    pub possible: Vec<Vec<String>>,
    /// What is in the way. Whole sentences; where it can connect there is none.
    pub reasons: Vec<String>,
}

/// Looks at one role and one database.
pub fn why(live: &Live, role: &str, database: &str) -> Why {
    let mut why = Why::default();
    let (Some(is), Some(target)) = (live.world.role(role), live.world.database(database)) else {
        if live.world.role(role).is_none() {
            why.reasons
                .push(format!("There is no role {role} on the cluster."));
        }
        if live.world.database(database).is_none() {
            why.reasons
                .push(format!("There is no database {database} on the cluster."));
        }
        return why;
    };
    if is.superuser {
        why.paths.push(vec![role.to_owned(), "SUPERUSER".to_owned()]);
    }
    for (at, grantee, item, owner) in connect_items(live) {
        if at == database && *grantee == Grantee::Public {
            let right = Right::Connect {
                grantor: grantor(item, owner),
                grantable: item.grantable,
            };
            why.paths.push(vec![
                role.to_owned(),
                "PUBLIC".to_owned(),
                right.describe(database),
            ]);
        }
    }
    let graph = Graph::new(&live.memberships);
    for (holder, right) in rights(live, database) {
        let reach = graph.reach(holder, right.start(), |_| false);
        if let Some(way) = reach.way(role) {
            let mut path = reach.path(role, way);
            path.push(right.describe(database));
            match way {
                Way::Has => why.paths.push(path),
                Way::CanGet => why.possible.push(path),
            }
        }
    }
    for (name, _) in live
        .world
        .roles()
        .filter(|(name, other)| other.superuser && *name != role)
    {
        let reach = graph.reach(name, &[Way::CanGet], |_| false);
        if reach.way(role).is_some() {
            let mut path = reach.path(role, Way::CanGet);
            path.push("SUPERUSER".to_owned());
            why.possible.push(path);
        }
    }
    if why.paths.is_empty() {
        let closed = target.state != DatabaseState::Open;
        why.reasons.push(if closed {
            format!("No grant on database {database} counts while it takes no connections.")
        } else {
            format!(
                "Neither PUBLIC, nor {role}, nor a role that it inherits from holds CONNECT on {database}."
            )
        });
    }
    if !is.login {
        why.reasons.push(format!("Role {role} has no LOGIN."));
    }
    if is.connection_limit == Some(0) {
        why.reasons
            .push(format!("Role {role} has a connection limit of 0."));
    }
    match target.state {
        DatabaseState::Open => {}
        DatabaseState::Closed => why
            .reasons
            .push(format!("Database {database} takes no connections.")),
        DatabaseState::Invalid => why.reasons.push(format!(
            "Database {database} is what an interrupted DROP DATABASE left."
        )),
    }
    why.can = why.reasons.is_empty();
    why
}

/// Who holds what on one database.
fn rights<'a>(live: &'a Live, database: &str) -> Vec<(&'a str, Right<'a>)> {
    let mut rights = Vec::new();
    for (holder, held) in holders(live) {
        rights.extend(
            held.into_iter()
                .filter(|(at, _)| *at == database)
                .map(|(_, right)| (holder, right)),
        );
    }
    rights
}

/// Everybody who comes to CONNECT on each database that takes connections, and how: what [`why`] says of every role and
/// database. It is as large as roles times databases, for tests and small clusters.
pub fn connects(live: &Live) -> BTreeMap<(String, String), Way> {
    let graph = Graph::new(&live.memberships);
    let mut found: BTreeMap<(String, String), Way> = BTreeMap::new();
    let mut add = |database: &str, role: &str, way: Way| {
        let best = found.entry((database.to_owned(), role.to_owned())).or_insert(way);
        *best = way.min(*best);
    };
    for (holder, held) in holders(live) {
        for (database, right) in held {
            for (role, way) in graph.reach(holder, right.start(), |_| false).roles() {
                add(database, role, way);
            }
        }
    }
    let public = connect_items(live).filter(|(_, grantee, ..)| **grantee == Grantee::Public);
    for (database, ..) in public {
        for (role, _) in live.world.roles() {
            add(database, role, Way::Has);
        }
    }
    let open = || {
        live.world
            .databases()
            .filter(|(_, database)| database.state == DatabaseState::Open)
    };
    for (superuser, _) in live.world.roles().filter(|(_, role)| role.superuser) {
        let reach = graph.reach(superuser, &[Way::CanGet], |_| false);
        for (database, _) in open() {
            for (role, _) in reach.roles().filter(|(role, _)| *role != superuser) {
                add(database, role, Way::CanGet);
            }
            add(database, superuser, Way::Has);
        }
    }
    found
}
