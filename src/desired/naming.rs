//! The names of a tenant's objects.

use std::collections::BTreeMap;

use crate::address::{Name, TenantId};
use crate::config::{Config, NamePart, NameTemplate, Naming, Tenant};

/// The composed names of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantNames {
    /// The IAM user.
    pub iam_user: Name,
    /// The IAM role that the user assumes.
    pub iam_role: Name,
    /// The login role.
    pub role: Name,
    /// The databases, each with its logical name before it, by which they are sorted; those that are not wanted have a name
    /// too.
    pub databases: Box<[(Name, Name)]>,
}

/// The names of a tenant's objects.
pub fn compose(naming: &Naming, tenant: &Tenant) -> TenantNames {
    let id = tenant.id.as_str();
    TenantNames {
        iam_user: fill(&naming.iam_user, id, "").into(),
        iam_role: fill(&naming.iam_role, id, "").into(),
        role: fill(&naming.role, id, "").into(),
        databases: tenant
            .databases
            .keys()
            .map(|logical| (logical.into(), fill(&naming.database, id, logical).into()))
            .collect(),
    }
}

/// What each moved tenant is called in the end, where one was moved several times; nothing for what goes in a circle.
pub fn final_names(config: &Config) -> BTreeMap<TenantId, TenantId> {
    let next: BTreeMap<&TenantId, &TenantId> = config
        .moves
        .iter()
        .map(|moved| (&moved.from, &moved.to))
        .collect();
    let end = |from: &TenantId| {
        let mut at = from;
        for _ in 0..next.len() {
            at = next.get(at)?;
            if !next.contains_key(at) {
                return Some((from.clone(), at.clone()));
            }
        }
        None
    };
    next.keys().filter_map(|from| end(from)).collect()
}

/// The name that a template makes.
pub fn fill(template: &NameTemplate, tenant: &str, database: &str) -> String {
    template
        .0
        .iter()
        .map(|part| match part {
            NamePart::Literal(text) => text.as_str(),
            NamePart::Tenant => tenant,
            NamePart::Database => database,
        })
        .collect()
}

/// The logical name of a tenant's database, if a template makes this name of it; empty where the template does without.
pub fn logical_name(template: &NameTemplate, tenant: &str, name: &str) -> Option<String> {
    solve(template, &NamePart::Database, name, |template, logical| {
        fill(template, tenant, logical)
    })
}

/// The tenant for which a template without databases makes this name.
pub fn tenant_name(template: &NameTemplate, name: &str) -> Option<String> {
    solve(template, &NamePart::Tenant, name, |template, tenant| {
        fill(template, tenant, "")
    })
}

/// What has to stand for one part of a template, so that it makes a name: its length follows from that of the rest.
fn solve(
    template: &NameTemplate,
    part: &NamePart,
    name: &str,
    make: impl Fn(&NameTemplate, &str) -> String,
) -> Option<String> {
    let parts = &template.0;
    let times = parts.iter().filter(|other| *other == part).count();
    let Some(first) = parts.iter().position(|other| other == part) else {
        return (make(template, "") == name).then(String::new);
    };
    let length = name.len().checked_sub(make(template, "").len())? / times;
    let before = make(&NameTemplate(parts[..first].to_vec()), "").len();
    let text = name.get(before..before + length)?;
    (length > 0 && make(template, text) == name).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> NamePart {
        NamePart::Literal(text.into())
    }

    #[test]
    fn a_template_is_undone() {
        let naming = Naming::default();
        let logical = |template: &NameTemplate, name: &str| logical_name(template, "client01", name);
        assert_eq!(logical(&naming.database, "client01_db1").as_deref(), Some("db1"));
        assert_eq!(
            logical(&naming.database, "client01_"),
            None,
            "a name is not empty"
        );
        assert_eq!(logical(&naming.database, "client02_db1"), None);
        let twice = NameTemplate(vec![
            NamePart::Database,
            literal("-"),
            NamePart::Tenant,
            NamePart::Database,
        ]);
        assert_eq!(logical(&twice, "é-client01é").as_deref(), Some("é"));
        assert_eq!(logical(&twice, "é-client01ö"), None);
        let alone = NameTemplate(vec![literal("db_"), NamePart::Tenant]);
        assert_eq!(logical(&alone, "db_client01").as_deref(), Some(""));
        assert_eq!(
            tenant_name(&naming.iam_role, "rds_cluster_a").as_deref(),
            Some("a")
        );
        assert_eq!(tenant_name(&naming.iam_role, "rds_cluster_"), None);
    }
}
