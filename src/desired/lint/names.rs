//! Names: what Postgres and IAM accept, reserve, and cannot tell apart.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::address::{Name, TenantId};
use crate::config::{Cluster, Config, Tenant};
use crate::desired::naming::{TenantNames, compose};
use crate::diag::{Diagnostic, Span, quote};

/// `NAMEDATALEN - 1`; the server cuts longer names with a mere notice.
const POSTGRES_BYTES: usize = 63;
/// Names of IAM users and roles.
pub(super) const IAM_CHARACTERS: usize = 64;
const IAM_USER: &str = "IAM user";
const IAM_ROLE: &str = "IAM role";
/// What IAM allows in a name besides letters and digits.
const IAM_PUNCTUATION: &str = "+=,.@_-";
/// `GRANT .. TO "public"`, quoted, means everybody. The others belong to the server or to RDS.
const RESERVED_ROLES: [&str; 5] = ["public", "none", "postgres", "template0", "template1"];
const RESERVED_PREFIXES: [&str; 3] = ["pg_", "rds", "aws"];
const RESERVED_DATABASES: [&str; 4] = ["postgres", "template0", "template1", "rdsadmin"];

/// Checks the names of one tenant.
pub(super) fn check(config: &Config, tenant: &Tenant, findings: &mut Vec<Diagnostic>) {
    let id = tenant.id.as_str();
    let cluster = config.cluster_of(tenant);
    if let Some(finding) = tenant_name(cluster, tenant) {
        // Composed names contain this one: they would repeat it.
        findings.push(finding);
        return;
    }
    let names = compose(&config.naming, tenant);
    let iam = [(IAM_USER, &names.iam_user), (IAM_ROLE, &names.iam_role)];
    for (kind, name) in iam {
        if let Some(finding) = iam_name(kind, name) {
            findings.push(finding.at(tenant.span));
        }
    }
    let finding = postgres_name("login role", &names.role).or_else(|| {
        let reserved = (names.role != id)
            .then(|| reserved_role(cluster, &names.role))
            .flatten();
        reserved.map(|why| reserved_name("login role", &names.role, &why))
    });
    findings.extend(finding.map(|finding| finding.at(tenant.span)));
    for (logical, name) in &names.databases {
        let span = database_span(tenant, logical);
        if let Some(finding) = database_name(cluster, logical, name) {
            findings.push(finding.at(span));
        }
    }
}

fn database_span(tenant: &Tenant, logical: &str) -> Span {
    tenant
        .source
        .databases
        .get(logical)
        .copied()
        .unwrap_or(tenant.span)
}

/// The tenant's own name: it becomes a tag, a file's name and, by default, a role and an IAM user.
fn tenant_name(cluster: Option<&Cluster>, tenant: &Tenant) -> Option<Diagnostic> {
    let id = tenant.id.as_str();
    if let Some(why) = reserved_role(cluster, id) {
        return Some(reserved_name("tenant", id, &why).at(tenant.span));
    }
    let begins_well = id.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let finding = if id.is_empty() {
        Diagnostic::error("invalid_name", "a tenant has a name")
    } else if let Some(bad) = id.chars().find(|c| !is_iam(*c)) {
        let message = format!("the tenant name {} contains {}", quote(id), character(bad));
        let help = match bad {
            '*' | '?' | '$' => {
                "IAM would read it as a pattern, and open the databases of other tenants".to_owned()
            }
            _ => format!("it becomes an IAM name: letters, digits and `{IAM_PUNCTUATION}`"),
        };
        Diagnostic::error("invalid_name", message).help(help)
    } else if !begins_well {
        Diagnostic::error(
            "invalid_name",
            format!(
                "the tenant name {} does not begin with a letter, a digit or `_`",
                quote(id)
            ),
        )
    } else {
        return None;
    };
    Some(finding.at(tenant.span))
}

fn is_iam(character: char) -> bool {
    character.is_ascii_alphanumeric() || IAM_PUNCTUATION.contains(character)
}

fn character(character: char) -> String {
    if character.is_control() || character.is_whitespace() {
        format!("the character U+{:04X}", u32::from(character))
    } else {
        format!("`{character}`")
    }
}

fn reserved_name(kind: &str, name: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "reserved_name",
        format!("the {kind} cannot be named {}: {why}", quote(name)),
    )
    .help("choose another name: Postgres, RDS or AWS keeps this one for itself")
}

/// Why a role of a cluster cannot have a name, compared without case.
pub(super) fn reserved_role(cluster: Option<&Cluster>, name: &str) -> Option<String> {
    let folded = name.to_lowercase();
    let admin = cluster.and_then(|cluster| cluster.admin.username.as_deref());
    if RESERVED_ROLES.contains(&folded.as_str()) {
        return Some("the name is reserved".to_owned());
    }
    if let Some(prefix) = RESERVED_PREFIXES
        .iter()
        .find(|prefix| folded.starts_with(**prefix))
    {
        return Some(format!("names that begin with `{prefix}` are reserved"));
    }
    admin
        .is_some_and(|admin| admin.to_lowercase() == folded)
        .then(|| "it is the admin's name".to_owned())
}

fn iam_name(kind: &str, name: &str) -> Option<Diagnostic> {
    if let Some(bad) = name.chars().find(|c| !is_iam(*c)) {
        let message = format!("the {kind} {} contains {}", quote(name), character(bad));
        return Some(
            Diagnostic::error("invalid_name", message)
                .help(format!("IAM allows letters, digits and `{IAM_PUNCTUATION}`")),
        );
    }
    let length = name.len();
    (length > IAM_CHARACTERS).then(|| {
        Diagnostic::error(
            "name_too_long",
            format!(
                "the {kind} {} has {length} characters, IAM allows {IAM_CHARACTERS}",
                quote(name)
            ),
        )
    })
}

pub(super) fn postgres_name(kind: &str, name: &str) -> Option<Diagnostic> {
    let is_bad = |c: &char| c.is_control() || "*?$".contains(*c);
    if let Some(bad) = name.chars().find(is_bad) {
        let message = format!("the {kind} {} contains {}", quote(name), character(bad));
        return Some(Diagnostic::error("invalid_name", message));
    }
    let length = name.len();
    (length > POSTGRES_BYTES).then(|| {
        Diagnostic::error(
            "name_too_long",
            format!(
                "the {kind} {} has {length} bytes, Postgres allows {POSTGRES_BYTES}",
                quote(name)
            ),
        )
    })
}

fn database_name(cluster: Option<&Cluster>, logical: &str, name: &str) -> Option<Diagnostic> {
    if logical.is_empty() {
        return Some(Diagnostic::error("invalid_name", "a database has a name"));
    }
    if logical.trim() != logical {
        let message = format!("the database name {} begins or ends with a blank", quote(logical));
        return Some(Diagnostic::error("invalid_name", message));
    }
    let folded = name.to_lowercase();
    let admin = cluster.map(|cluster| cluster.admin.database.to_lowercase());
    let is_admin = admin.is_some_and(|admin| admin == folded);
    if RESERVED_DATABASES.contains(&folded.as_str()) || is_admin {
        let why = if is_admin {
            "tenantctl keeps its ledger there"
        } else {
            "the name is reserved"
        };
        return Some(reserved_name("database", name, why));
    }
    postgres_name("database", name)
}

/// One composed name and whose it is.
struct Owned<'a> {
    tenant: &'a Tenant,
    name: Name,
    /// The logical name, where it is a database's.
    database: Option<Name>,
}

impl Owned<'_> {
    fn span(&self) -> Span {
        let database = self.database.as_ref();
        database.map_or(self.tenant.span, |logical| database_span(self.tenant, logical))
    }

    /// How messages call it, such as ``database `db1` of tenant `a` ``.
    fn owner(&self) -> String {
        let tenant = format!("tenant {}", quote(self.tenant.id.as_str()));
        match &self.database {
            Some(logical) => format!("{} of {tenant}", quote(logical)),
            None => tenant,
        }
    }
}

/// Finds names of one kind that are the same, or the same but for case: IAM takes those for one, and people do. IAM's
/// are those of an account, whatever the cluster.
pub(super) fn check_collisions(config: &Config, findings: &mut Vec<Diagnostic>) {
    let mut taken: HashMap<(&str, Option<&str>, Name), Owned<'_>> =
        HashMap::with_capacity(4 * config.tenants.len());
    // Two tenants whose names differ in case alone collide in every kind: the first is enough.
    let mut reported: Vec<(&TenantId, &TenantId)> = Vec::new();
    for tenant in config.tenants.values() {
        let names = compose(&config.naming, tenant);
        let cluster = config.cluster_of(tenant).map(|cluster| cluster.name.as_str());
        for (kind, owned) in owned_names(tenant, names) {
            let place = cluster.filter(|_| !matches!(kind, IAM_USER | IAM_ROLE));
            let first = match taken.entry((kind, place, Name::from(owned.name.to_lowercase()))) {
                Entry::Vacant(free) => {
                    free.insert(owned);
                    continue;
                }
                Entry::Occupied(first) => first,
            };
            let pair = (&first.get().tenant.id, &owned.tenant.id);
            if pair.0 != pair.1 && reported.last() == Some(&pair) {
                continue;
            }
            reported.push(pair);
            findings.push(collision(kind, first.get(), &owned));
        }
    }
}

fn collision(kind: &str, a: &Owned<'_>, b: &Owned<'_>) -> Diagnostic {
    // Names are compared in their order, people read in the file's.
    let (first, second) = if a.span() <= b.span() { (a, b) } else { (b, a) };
    let (code, message) = if first.name == second.name {
        let message = format!(
            "the {kind} {} would belong to {} and to {}",
            quote(&first.name),
            first.owner(),
            second.owner()
        );
        ("name_collision", message)
    } else {
        let message = format!(
            "the {kind}s {} of {} and {} of {} differ in case alone",
            quote(&first.name),
            first.owner(),
            quote(&second.name),
            second.owner()
        );
        ("name_case_collision", message)
    };
    Diagnostic::error(code, message)
        .at(second.span())
        .related(first.span(), "the other one is here")
        .help("rename one, or separate the parts of the name in a `naming` block")
}

fn owned_names(tenant: &Tenant, names: TenantNames) -> impl Iterator<Item = (&'static str, Owned<'_>)> {
    let owned = move |name, database| Owned {
        tenant,
        name,
        database,
    };
    let identity = [
        ("login role", owned(names.role, None)),
        (IAM_USER, owned(names.iam_user, None)),
        (IAM_ROLE, owned(names.iam_role, None)),
    ];
    let databases = names.databases.into_iter();
    let databases = databases.map(move |(logical, name)| ("database", owned(name, Some(logical))));
    identity.into_iter().chain(databases)
}
