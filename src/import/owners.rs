//! Which login role each database belongs to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, LeftOut};
use crate::address::{Address, Grantee};
use crate::model::{DatabaseState, Object, Privilege};

/// Databases by login role, and those that are nobody's.
#[derive(Debug, Default)]
pub(super) struct Owners {
    pub databases: BTreeMap<String, BTreeSet<String>>,
    pub left_out: Vec<LeftOut>,
    /// Databases without a mark that PUBLIC may enter.
    pub open_to_public: BTreeSet<String>,
}

/// Databases that every cluster has.
const SERVERS_OWN: [&str; 3] = ["postgres", "template0", "template1"];

/// Assigns every database.
pub(super) fn owners(found: &Found<'_>, tenants: &BTreeSet<&str>) -> Owners {
    let mut owners = Owners::default();
    let roles_of_ours = roles_by_tenant(found);
    for (name, database) in found.live.world.databases() {
        if found.capabilities.service_databases.contains(&name.as_str())
            || found.known.databases.contains(name.as_str())
        {
            continue;
        }
        let address = Address::Database { name: name.clone() };
        let mark = found.live.marks.get(&address);
        if mark.is_none() && database.state == DatabaseState::Open && connects(found, name, Grantee::Public) {
            owners.open_to_public.insert(name.to_string());
        }
        let is_servers = SERVERS_OWN.contains(&name.as_str()) || name == found.admin_database;
        let owner = match mark {
            _ if is_servers => Err(None),
            Some(mark) if mark.workspace != found.workspace => {
                Err(Some(format!("it belongs to workspace \"{}\"", mark.workspace)))
            }
            Some(mark) => match roles_of_ours.get(mark.tenant.as_str()) {
                Some(role) => Ok((*role).to_owned()),
                None => Err(Some(format!(
                    "it belongs to tenant \"{}\", which has no login role",
                    mark.tenant
                ))),
            },
            None if database.state == DatabaseState::Invalid => Err(Some(
                "an interrupted DROP DATABASE left it unusable, and its data out of reach".to_owned(),
            )),
            None if database.state == DatabaseState::Closed => Err(Some(
                "it takes no connections (ALLOW_CONNECTIONS false)".to_owned(),
            )),
            None => by_access_and_name(found, name, &database.owner, tenants),
        };
        match owner {
            Ok(role) => {
                owners.databases.entry(role).or_default().insert(name.to_string());
            }
            Err(because) => {
                owners.left_out.extend(because.map(|because| LeftOut {
                    kind: "database",
                    name: name.to_string(),
                    because,
                }));
            }
        }
    }
    owners
}

/// Login roles by the tenant that our mark names.
fn roles_by_tenant<'a>(found: &Found<'a>) -> BTreeMap<&'a str, &'a str> {
    let marks = found.live.marked();
    marks
        .filter(|(_, mark)| mark.workspace == found.workspace)
        .filter_map(|(address, mark)| match address {
            Address::Role { name } => Some((mark.tenant.as_str(), name.as_str())),
            _ => None,
        })
        .collect()
}

/// The only tenant that has something to do with it; where there are more, or none, the one whose name it bears.
fn by_access_and_name(
    found: &Found<'_>,
    database: &str,
    owner: &str,
    tenants: &BTreeSet<&str>,
) -> Result<String, Option<String>> {
    let connectors = (tenants.iter())
        .filter(|role| **role == owner || connects(found, database, Grantee::Role((**role).into())));
    let connectors: Vec<&str> = connectors.copied().collect();
    let named = named_after(database, tenants);
    // Who is not named in an ACL may come in as PUBLIC.
    let may_enter = |role: &str| connectors.contains(&role) || connects(found, database, Grantee::Public);
    match (connectors.as_slice(), named) {
        (_, Some(role)) if may_enter(role) => Ok(role.to_owned()),
        ([role], _) => Ok((*role).to_owned()),
        ([], Some(role)) => Ok(role.to_owned()),
        ([], None) => Err(Some(
            "no login role that looks like a tenant's is named in its grants or its name".into(),
        )),
        (several, _) => Err(Some(format!(
            "several login roles may connect to it, and it bears the name of none: {}",
            several.join(", ")
        ))),
    }
}

/// The login role that a database is named after: the longest whose name stands in its name as a word.
fn named_after<'a>(database: &str, tenants: &BTreeSet<&'a str>) -> Option<&'a str> {
    let words = words(database);
    let named = words
        .into_iter()
        .filter_map(|word| tenants.get::<str>(word).copied());
    named.max_by_key(|role| role.len())
}

/// Every run of words of a name, so that names are looked up instead of compared with each tenant's.
fn words(name: &str) -> BTreeSet<&str> {
    let cuts = |edge: fn(usize, char) -> usize| {
        name.char_indices()
            .filter(|(_, character)| !character.is_alphanumeric())
            .map(move |(at, character)| edge(at, character))
    };
    let starts: Vec<usize> = cuts(|at, character| at + character.len_utf8())
        .chain([0])
        .collect();
    let ends: Vec<usize> = cuts(|at, _| at).chain([name.len()]).collect();
    let pairs = starts
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (*start, *end)));
    pairs
        .filter(|(start, end)| start < end)
        .map(|(start, end)| &name[start..end])
        .collect()
}

/// Whether a grantee holds CONNECT on a database.
pub(super) fn connects(found: &Found<'_>, database: &str, grantee: Grantee) -> bool {
    let address = Address::DatabaseGrant {
        database: database.into(),
        grantee,
    };
    matches!(found.live.world.get(&address), Some(Object::Grant(grant)) if grant.privileges().contains(&Privilege::Connect))
}
