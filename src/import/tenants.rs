//! Tenants out of roles, databases and gates.

use std::collections::{BTreeMap, BTreeSet};

use super::gates::{Gate, Trust, gates};
use super::login::login;
use super::names::{self, Named};
use super::owners::{connects, owners};
use super::{Draft, Drafted, Found, LeftOut};
use crate::address::{Address, Grantee, Name, TenantId};
use crate::config::looks_secret;
use crate::desired::naming::{fill, logical_name};
use crate::model::{DeletionPolicy, Object, Role};

/// Roles of Postgres and of RDS, which are nobody's business.
const SERVICE_PREFIXES: [&str; 3] = ["pg_", "rds", "aws"];
/// The extension that every database is born with.
const BORN_WITH: &str = "plpgsql";
/// The logical name of a database whose name has none.
const ONLY_DATABASE: &str = "main";

/// A login role that may be a tenant's.
pub(super) struct Candidate<'a> {
    pub name: &'a str,
    pub role: &'a Role,
    /// What our mark calls its tenant.
    pub id: Option<&'a TenantId>,
    pub by_iam: bool,
    pub gates: Vec<&'a Gate<'a>>,
    databases: BTreeSet<String>,
}

/// Decides what the file says.
pub fn draft(found: &Found<'_>) -> Draft {
    let gates = gates(found);
    let mut left_out = Vec::new();
    let mut candidates = candidates(found, &gates, &mut left_out);
    let names: BTreeSet<&str> = candidates.iter().map(|candidate| candidate.name).collect();
    let mut owners = owners(found, &names);
    for candidate in &mut candidates {
        candidate.databases = owners.databases.remove(candidate.name).unwrap_or_default();
    }
    let (candidates, others): (Vec<_>, Vec<_>) = (candidates.into_iter()).partition(|one| {
        !one.databases.is_empty() || one.id.is_some() || one.by_iam || !one.gates.is_empty()
    });
    left_out.extend(others.iter().map(|other| LeftOut {
        kind: "role",
        name: other.name.to_owned(),
        because: "no database is its own, and no IAM role logs in as it".into(),
    }));
    left_out.append(&mut owners.left_out);
    let naming = match found.naming {
        Some(naming) => naming.clone(),
        None => names::infer(&candidates.iter().map(named).collect::<Vec<_>>()),
    };
    let mut draft = Draft {
        naming,
        tenants: BTreeMap::new(),
        left_out,
        open_to_public: owners.open_to_public,
    };
    for candidate in &candidates {
        add(&mut draft, found, candidate);
    }
    foreign_gates(&mut draft, found, &gates, &candidates);
    draft.left_out.sort();
    draft.left_out.dedup();
    draft
}

fn candidates<'a>(
    found: &Found<'a>,
    gates: &'a [Gate<'a>],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Candidate<'a>> {
    let mut gates_of: BTreeMap<&str, Vec<&Gate<'_>>> = BTreeMap::new();
    // One that logs in as several is an administrator's, or a group's.
    for gate in gates.iter().filter(|gate| gate.roles.len() == 1) {
        for role in &gate.roles {
            gates_of.entry(role).or_default().push(gate);
        }
    }
    let mut candidates = Vec::new();
    for (name, role) in found.live.world.roles() {
        let service = SERVICE_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if service || role.superuser || name == found.admin || found.known.roles.contains(name.as_str()) {
            continue;
        }
        let mark = found.live.marks.get(&Address::Role { name: name.clone() });
        let gates = gates_of.remove(name.as_str()).unwrap_or_default();
        let because = match mark {
            Some(mark) if mark.workspace != found.workspace => {
                Some(format!("it belongs to workspace \"{}\"", mark.workspace))
            }
            Some(_) => None,
            None if !role.login && gates.is_empty() => Some("it cannot log in".into()),
            None if role.create_role => Some("it may make roles: an administrator's".into()),
            None => None,
        };
        if let Some(because) = because {
            left_out.push(LeftOut {
                kind: "role",
                name: name.to_string(),
                because,
            });
            continue;
        }
        candidates.push(Candidate {
            name,
            role,
            id: mark.map(|mark| &mark.tenant),
            by_iam: is_member(found, name),
            gates,
            databases: BTreeSet::new(),
        });
    }
    candidates
}

fn is_member(found: &Found<'_>, role: &str) -> bool {
    found.capabilities.iam_login_role.is_some_and(|group| {
        found.live.world.contains(&Address::Membership {
            role: group.into(),
            member: role.into(),
        })
    })
}

fn named<'a>(candidate: &'a Candidate<'_>) -> Named<'a> {
    let gate = match candidate.gates.as_slice() {
        [gate] => Some(*gate),
        several => several.iter().copied().find(|gate| gate.mark.is_some()),
    };
    Named {
        id: candidate.id.map(TenantId::as_str),
        role: candidate.name,
        databases: candidate.databases.iter().map(String::as_str).collect(),
        iam_user: gate.and_then(|gate| match &gate.trust {
            Trust::User { user, .. } | Trust::Anywhere { user } | Trust::Denied { user } => {
                Some(user.as_str())
            }
            Trust::Other(_) => None,
        }),
        iam_role: gate.map(|gate| gate.iam_role),
    }
}

fn add(draft: &mut Draft, found: &Found<'_>, candidate: &Candidate<'_>) {
    let mut out = |because: String| {
        let databases: Vec<_> = candidate.databases.iter().map(String::as_str).collect();
        let with_it = match databases.as_slice() {
            [] => String::new(),
            names => format!("; with it go its databases: {}", names.join(", ")),
        };
        draft.left_out.push(LeftOut {
            kind: "role",
            name: candidate.name.to_owned(),
            because: because + &with_it,
        });
    };
    let Some(id) = names::id(&named(candidate), &draft.naming.role) else {
        return out("its name does not follow the pattern of the others".into());
    };
    let id = TenantId::new(id);
    if found.known.tenants.contains(&id) {
        return out(format!("the file has another tenant \"{id}\" already"));
    }
    let mut notes = Vec::new();
    let login = match login(candidate, &draft.naming, &id, &mut notes) {
        Ok(login) => login,
        Err(because) => return out(because),
    };
    let databases = databases(draft, found, candidate, &id);
    let nothing = databases.is_empty() && candidate.id.is_none() && candidate.gates.is_empty();
    if nothing {
        draft.left_out.push(LeftOut {
            kind: "role",
            name: candidate.name.to_owned(),
            because: "none of its databases has a name that the pattern makes".into(),
        });
        return;
    }
    let tenant = Drafted {
        extensions: extensions(draft, found, &id, &databases, &mut notes),
        settings: settings(found, candidate, &mut notes),
        databases,
        allowed_ips: login.networks,
        rds_iam_auth: candidate.by_iam,
        connection_limit: candidate.role.connection_limit.filter(|limit| *limit != -1),
        suspended: login.suspended,
        deletion_policy: deletion_policy(found, candidate),
        notes,
    };
    draft.tenants.insert(id, tenant);
}

fn databases(
    draft: &mut Draft,
    found: &Found<'_>,
    candidate: &Candidate<'_>,
    id: &TenantId,
) -> BTreeMap<String, bool> {
    let mut databases = BTreeMap::new();
    for name in &candidate.databases {
        let Some(logical) = logical_name(&draft.naming.database, id.as_str(), name) else {
            let owner = candidate.name;
            draft.left_out.push(LeftOut {
                kind: "database",
                name: name.clone(),
                because: format!(
                    "it seems to be role \"{owner}\"'s, but the pattern of the others makes no such name"
                ),
            });
            continue;
        };
        let logical = if logical.is_empty() {
            ONLY_DATABASE.to_owned()
        } else {
            logical
        };
        let owner = found
            .live
            .world
            .database(name)
            .map(|database| database.owner.as_str());
        let wanted = owner == Some(candidate.name)
            || connects(found, name, Grantee::Role(candidate.name.into()))
            || connects(found, name, Grantee::Public);
        databases.insert(logical, wanted);
    }
    databases
}

/// What each of its databases has. What only some have is named, and stays.
fn extensions(
    draft: &Draft,
    found: &Found<'_>,
    id: &TenantId,
    databases: &BTreeMap<String, bool>,
    notes: &mut Vec<String>,
) -> BTreeSet<Name> {
    let mut everywhere: Option<BTreeSet<Name>> = None;
    let mut anywhere = BTreeMap::new();
    for (logical, _) in databases.iter().filter(|(_, wanted)| **wanted) {
        let name = fill(&draft.naming.database, id.as_str(), logical);
        let first = Address::Extension {
            database: name.as_str().into(),
            name: Name::default(),
        };
        let installed: BTreeSet<Name> = (found.live.world.from(&first))
            .map_while(|(address, _)| match address {
                Address::Extension {
                    database,
                    name: extension,
                } if *database == name => Some(extension.clone()),
                _ => None,
            })
            .filter(|extension| extension != BORN_WITH)
            .collect();
        everywhere = Some(match everywhere {
            None => installed.clone(),
            Some(others) => others.intersection(&installed).cloned().collect(),
        });
        anywhere.insert(name, installed);
    }
    let everywhere = everywhere.unwrap_or_default();
    for (name, installed) in anywhere {
        let more: Vec<_> = installed.difference(&everywhere).cloned().collect();
        if !more.is_empty() {
            notes.push(format!(
                "database \"{name}\" has extensions besides: {}",
                more.join(", ")
            ));
        }
    }
    everywhere
}

fn settings(found: &Found<'_>, candidate: &Candidate<'_>, notes: &mut Vec<String>) -> BTreeMap<Name, String> {
    let first = Address::RoleSetting {
        role: candidate.name.into(),
        name: Name::default(),
    };
    let its = found
        .live
        .world
        .from(&first)
        .map_while(|(address, object)| match (address, object) {
            (Address::RoleSetting { role, name }, Object::RoleSetting(setting)) if role == candidate.name => {
                Some((name, setting))
            }
            _ => None,
        });
    let mut settings = BTreeMap::new();
    for (name, setting) in its {
        let text = setting.text(name);
        if looks_secret(name, &text) {
            notes.push(format!(
                "its setting {name} looks like a secret and is not repeated here"
            ));
        } else {
            settings.insert(name.clone(), text);
        }
    }
    settings
}

/// Only where all that is ours may go does the tenant's data.
fn deletion_policy(found: &Found<'_>, candidate: &Candidate<'_>) -> DeletionPolicy {
    let mut policies = (candidate.databases.iter())
        .filter_map(|name| found.live.world.database(name))
        .map(|database| database.deletion_policy)
        .peekable();
    if policies.peek().is_some() && policies.all(|policy| policy == DeletionPolicy::Delete) {
        DeletionPolicy::Delete
    } else {
        DeletionPolicy::Retain
    }
}

/// IAM roles that may log in to the cluster and are no tenant's.
fn foreign_gates(draft: &mut Draft, found: &Found<'_>, gates: &[Gate<'_>], candidates: &[Candidate<'_>]) {
    let taken: BTreeSet<&str> = (candidates.iter())
        .flat_map(|candidate| candidate.gates.iter().map(|gate| gate.iam_role))
        .collect();
    for gate in gates {
        if taken.contains(gate.iam_role) || found.known.iam_roles.contains(gate.iam_role) {
            continue;
        }
        let because = match gate.roles.iter().next() {
            Some(role) if gate.roles.len() == 1 => {
                format!("it logs in as \"{role}\", which is no tenant's role")
            }
            _ => format!("it may log in as {} roles", gate.roles.len()),
        };
        draft.left_out.push(LeftOut {
            kind: "IAM role",
            name: gate.iam_role.to_owned(),
            because,
        });
    }
}
