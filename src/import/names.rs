//! By which pattern names were made: the one that explains the most of what lives.

use std::collections::BTreeMap;

use super::write::template as written;
use crate::config::{NamePart, NameTemplate, Naming};
use crate::desired::naming::{fill, logical_name, tenant_name};

/// The objects of one tenant, by the names they have.
#[derive(Clone, Debug, Default)]
pub(super) struct Named<'a> {
    /// What a mark calls the tenant.
    pub id: Option<&'a str>,
    pub role: &'a str,
    pub databases: Vec<&'a str>,
    pub iam_user: Option<&'a str>,
    pub iam_role: Option<&'a str>,
}

/// What separates the parts of a name.
const SEPARATORS: [char; 3] = ['_', '-', '.'];
/// Beginnings and ends of login roles that are looked at as such: the most frequent ones.
const AFFIXES: usize = 4;

/// The naming by which most objects have the names they have. The defaults win where they explain as much.
pub(super) fn infer(tenants: &[Named<'_>]) -> Naming {
    let mut best: Option<(usize, Naming)> = None;
    for role in role_templates(tenants) {
        let ids: Vec<_> = tenants.iter().map(|tenant| id(tenant, &role)).collect();
        let naming = around(tenants, &ids, role);
        let explained = (tenants.iter().zip(&ids))
            .filter_map(|(tenant, id)| Some(explained(&naming, tenant, id.as_deref()?)))
            .sum();
        if best.as_ref().is_none_or(|(most, _)| explained > *most) {
            best = Some((explained, naming));
        }
    }
    best.map(|(_, naming)| naming).unwrap_or_default()
}

/// What a tenant is called, if its login role has the name that a template makes.
pub(super) fn id(tenant: &Named<'_>, role: &NameTemplate) -> Option<String> {
    match tenant.id {
        Some(id) => (fill(role, id, "") == tenant.role).then(|| id.to_owned()),
        None => tenant_name(role, tenant.role),
    }
}

fn explained(naming: &Naming, tenant: &Named<'_>, id: &str) -> usize {
    let user = tenant.iam_user == Some(fill(&naming.iam_user, id, "").as_str());
    let role = tenant.iam_role == Some(fill(&naming.iam_role, id, "").as_str());
    let databases = tenant.databases.iter();
    let databases = databases.filter(|name| logical_name(&naming.database, id, name).is_some());
    1 + usize::from(user) + usize::from(role) + databases.count()
}

/// The other templates, once it is known what each tenant is called.
fn around(tenants: &[Named<'_>], ids: &[Option<String>], role: NameTemplate) -> Naming {
    let defaults = Naming::default();
    let mut databases = Votes::default();
    let mut users = Votes::default();
    let mut roles = Votes::default();
    for (tenant, id) in tenants.iter().zip(ids) {
        let Some(id) = id else { continue };
        for name in &tenant.databases {
            databases.extend(of_database(name, id));
        }
        users.extend(tenant.iam_user.and_then(|name| affixed(name, id)));
        roles.extend(tenant.iam_role.and_then(|name| affixed(name, id)));
    }
    Naming {
        database: databases.winner(defaults.database),
        role,
        iam_user: users.winner(defaults.iam_user),
        iam_role: roles.winner(defaults.iam_role),
    }
}

fn role_templates(tenants: &[Named<'_>]) -> Vec<NameTemplate> {
    let mut marked = Votes::default();
    let (mut before, mut after): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
    for tenant in tenants {
        marked.extend(tenant.id.and_then(|id| affixed(tenant.role, id)));
        for (at, separator) in tenant.role.char_indices() {
            if SEPARATORS.contains(&separator) {
                *before.entry(&tenant.role[..=at]).or_default() += 1;
                *after.entry(&tenant.role[at..]).or_default() += 1;
            }
        }
    }
    let (before, after) = (frequent(before, tenants.len()), frequent(after, tenants.len()));
    // The plainest first: it wins where it explains as much.
    let mut templates = vec![Naming::default().role];
    templates.extend(marked.0.into_values().map(|(template, _)| template));
    templates.extend(before.iter().map(|prefix| affixes(prefix, "")));
    templates.extend(after.iter().map(|suffix| affixes("", suffix)));
    for prefix in &before {
        templates.extend(after.iter().map(|suffix| affixes(prefix, suffix)));
    }
    templates
}

/// Those that at least half of the tenants share.
fn frequent(counts: BTreeMap<&str, usize>, tenants: usize) -> Vec<&str> {
    let mut common: Vec<_> = (counts.into_iter())
        .filter(|(_, count)| count * 2 >= tenants)
        .collect();
    common.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), text.len()));
    common.into_iter().take(AFFIXES).map(|(text, _)| text).collect()
}

/// The templates that make a database's name.
fn of_database(name: &str, id: &str) -> Vec<NameTemplate> {
    let Some((before, after)) = name.split_once(id) else {
        return Vec::new();
    };
    let (tenant, database) = (NamePart::Tenant, NamePart::Database);
    let template = |parts: Vec<NamePart>| NameTemplate(parts.into_iter().filter(says_something).collect());
    let mut templates = vec![template(vec![literal(before), tenant.clone(), literal(after)])];
    if !after.is_empty() {
        let separator = &after[..after.len() - after.trim_start_matches(SEPARATORS).len()];
        templates.push(template(vec![
            literal(before),
            tenant.clone(),
            literal(separator),
            database.clone(),
        ]));
    }
    if !before.is_empty() {
        let separator = &before[before.trim_end_matches(SEPARATORS).len()..];
        templates.push(template(vec![
            database,
            literal(separator),
            tenant,
            literal(after),
        ]));
    }
    templates
}

fn says_something(part: &NamePart) -> bool {
    !matches!(part, NamePart::Literal(text) if text.is_empty())
}

fn literal(text: &str) -> NamePart {
    NamePart::Literal(text.to_owned())
}

fn affixes(before: &str, after: &str) -> NameTemplate {
    let parts = vec![literal(before), NamePart::Tenant, literal(after)];
    NameTemplate(parts.into_iter().filter(says_something).collect())
}

fn affixed(name: &str, id: &str) -> Option<NameTemplate> {
    let (before, after) = name.split_once(id)?;
    Some(affixes(before, after))
}

/// How many objects speak for each template.
#[derive(Default)]
struct Votes(BTreeMap<String, (NameTemplate, usize)>);

impl Votes {
    fn extend(&mut self, templates: impl IntoIterator<Item = NameTemplate>) {
        for template in templates {
            let entry = self.0.entry(written(&template)).or_insert((template, 0));
            entry.1 += 1;
        }
    }

    fn winner(self, default: NameTemplate) -> NameTemplate {
        let ours = self.0.get(&written(&default)).map_or(0, |(_, votes)| *votes);
        let most = (self.0.into_values())
            .max_by_key(|(template, votes)| (*votes, template.0.contains(&NamePart::Database)));
        most.filter(|(_, votes)| *votes > ours)
            .map_or(default, |(template, _)| template)
    }
}
