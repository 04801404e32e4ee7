//! The names of a tenant's objects.

use std::collections::BTreeMap;

use crate::config::{NamePart, NameTemplate, Naming, Tenant};

/// The composed names of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantNames {
    /// The IAM user.
    pub iam_user: String,
    /// The IAM role that the user assumes.
    pub iam_role: String,
    /// The login role.
    pub role: String,
    /// The databases, by logical name; those that are not wanted have a name too.
    pub databases: BTreeMap<String, String>,
}

/// The names of a tenant's objects.
pub fn compose(naming: &Naming, tenant: &Tenant) -> TenantNames {
    let id = tenant.id.as_str();
    TenantNames {
        iam_user: fill(&naming.iam_user, id, ""),
        iam_role: fill(&naming.iam_role, id, ""),
        role: fill(&naming.role, id, ""),
        databases: tenant
            .databases
            .keys()
            .map(|logical| (logical.clone(), fill(&naming.database, id, logical)))
            .collect(),
    }
}

fn fill(template: &NameTemplate, tenant: &str, database: &str) -> String {
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
