//! IAM users and roles with everything on them, in bulk.
//!
//! One call tells all of an account, `GetAccountAuthorizationDetails`, a page at a time. Where the caller may not make
//! it, users and roles are listed and the ones in scope are read one by one. Access keys are in neither; they are
//! asked for only where this program has to know them.

pub mod account;
mod bulk;
pub mod keys;
pub mod quotas;
mod single;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::Tag;

use super::aws::{Aws, AwsError, AwsErrorKind};
use crate::address::{Address, Name, SharedAddress, TenantId};
use crate::model::iam::{TENANT_TAG, WORKSPACE_TAG};
use crate::model::{IamRole, IamUser, Mark, Object, PolicyDocument};

pub use bulk::Pages;

/// Calls at a time where there is one call an object.
const CONCURRENCY: usize = 5;
/// Up to this age a user or role counts as recent.
const RECENT: Duration = Duration::from_secs(120);

/// What to look for. Objects with our mark, of any workspace, come in addition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IamScope {
    /// Our workspace.
    pub workspace: Name,
    /// The users that are wanted, or that the ledger knows.
    pub users: BTreeSet<Name>,
    /// The roles that are wanted, or that the ledger knows.
    pub roles: BTreeSet<Name>,
    /// The users whose access keys have to be known. Those of users with our workspace's mark that are not in
    /// `users` are read as well: they are leaving.
    pub keys_of: BTreeSet<Name>,
}

/// A user or role that was made a moment ago, by whomever. IAM may not know it everywhere yet.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// Its ARN.
    pub arn: String,
    /// How old it was when it was read, by this machine's clock.
    pub age: Duration,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IamRead {
    /// Users, roles, inline policies and access keys, sorted by address. A key stands under its id.
    pub objects: Vec<(Address, Object)>,
    /// The marks of users and roles that bear one.
    pub marks: BTreeMap<SharedAddress, Mark>,
    /// What hangs on users and roles from outside and would block their deletion, or widen or narrow what they may
    /// do: managed policies, groups, instance profiles, a permissions boundary. Each as a phrase, such as
    /// `group admins`.
    pub attachments: BTreeMap<Address, Vec<String>>,
    /// What could not be read, and why. A gap at a user or role covers everything on it.
    pub gaps: Vec<(Address, String)>,
    /// Names that exist in another case than wanted, as (wanted, found). IAM compares names without case, so the
    /// wanted one cannot be created.
    pub case_variants: Vec<(Address, Address)>,
    /// The users and roles that are less than two minutes old.
    pub recent: BTreeMap<Address, Recent>,
    /// What else a person should know. Each a whole sentence.
    pub notes: Vec<String>,
}

/// Reads IAM.
///
/// # Errors
///
/// When a call fails other than by the caller's not being allowed `iam:GetAccountAuthorizationDetails`. What fails for
/// one object alone becomes a gap.
pub async fn read(aws: &Aws, scope: &IamScope) -> Result<IamRead, AwsError> {
    read_pages(aws, scope, Pages::begin(aws)).await
}

async fn read_pages(aws: &Aws, scope: &IamScope, pages: Pages) -> Result<IamRead, AwsError> {
    let wanted = Wanted::of(scope);
    let mut result = match bulk::read(pages, &wanted).await {
        Ok(result) => result,
        Err(error) if error.kind() == AwsErrorKind::Denied => {
            let note = format!(
                "Users and roles were read one by one, and marked ones that no file and no ledger names were not \
                 looked for: {error}."
            );
            let mut result = IamRead::default();
            result.take(single::read(aws, &wanted).await?, &wanted);
            result.notes.push(note);
            result
        }
        Err(error) => return Err(error),
    };
    let users = keys::users(&result, scope);
    keys::read(aws, users, &mut result).await;
    result.objects.sort_by(|(left, _), (right, _)| left.cmp(right));
    result.gaps.sort();
    Ok(result)
}

/// The same for several clusters of one account, with one reading: each gets what it asks for, and what bears a mark and no
/// other asks for. The pages may have been begun before it was known what is wanted of them.
///
/// # Errors
///
/// As [`read`].
pub async fn read_each<'s>(
    aws: &Aws,
    scopes: impl ExactSizeIterator<Item = &'s IamScope> + Clone,
    pages: Pages,
) -> Result<Vec<IamRead>, AwsError> {
    let mut all = IamScope::default();
    for scope in scopes.clone() {
        all.workspace.clone_from(&scope.workspace);
        all.users.extend(scope.users.iter().cloned());
        all.roles.extend(scope.roles.iter().cloned());
        all.keys_of.extend(scope.keys_of.iter().cloned());
    }
    match scopes.len() {
        0 => Ok(Vec::new()),
        1 => Ok(vec![read_pages(aws, &all, pages).await?]),
        _ => {
            let mut whole = read_pages(aws, &all, pages).await?;
            let notes = std::mem::take(&mut whole.notes);
            let mut parts: Vec<_> = scopes.map(|scope| whole.part(scope, &all)).collect();
            parts[0].notes = notes;
            Ok(parts)
        }
    }
}

/// The mark in a list of tags; `None` unless both of our tags are there.
pub fn mark_of(tags: &[Tag]) -> Option<Mark> {
    let value = |key: &str| tags.iter().find(|tag| tag.key() == key).map(Tag::value);
    Some(Mark {
        workspace: value(WORKSPACE_TAG)?.into(),
        tenant: TenantId::new(value(TENANT_TAG)?),
    })
}

/// The names in scope by their lower case.
struct Wanted {
    users: BTreeMap<String, Name>,
    roles: BTreeMap<String, Name>,
}

impl Wanted {
    fn of(scope: &IamScope) -> Self {
        let folded = |names: &BTreeSet<Name>| {
            names
                .iter()
                .map(|name| (name.to_lowercase(), name.clone()))
                .collect()
        };
        Self {
            users: folded(&scope.users),
            roles: folded(&scope.roles),
        }
    }

    fn user(&self, name: &str) -> Option<&str> {
        self.users.get(&name.to_lowercase()).map(Name::as_str)
    }

    fn role(&self, name: &str) -> Option<&str> {
        self.roles.get(&name.to_lowercase()).map(Name::as_str)
    }
}

/// Users and roles as AWS told them, policies still in text.
#[derive(Default)]
struct Found {
    users: Vec<FoundUser>,
    roles: Vec<FoundRole>,
    gaps: Vec<(Address, String)>,
}

struct FoundUser {
    name: String,
    path: String,
    arn: String,
    created: Option<DateTime>,
    /// Name and encoded document.
    policies: Vec<(String, String)>,
    tags: Vec<Tag>,
    attachments: Vec<String>,
}

struct FoundRole {
    name: String,
    path: String,
    arn: String,
    created: Option<DateTime>,
    /// Encoded.
    trust: String,
    policies: Vec<(String, String)>,
    tags: Vec<Tag>,
    attachments: Vec<String>,
}

impl IamRead {
    /// Adds what was found, as far as it is wanted or marked.
    fn take(&mut self, found: Found, wanted: &Wanted) {
        self.gaps.extend(found.gaps);
        for user in found.users {
            let named = |name: &str| Address::IamUser { name: name.into() };
            let mark = mark_of(&user.tags);
            if self.keep(wanted.user(&user.name), &user.name, mark.as_ref(), named) {
                self.add_user(user, mark);
            }
        }
        for role in found.roles {
            let named = |name: &str| Address::IamRole { name: name.into() };
            let mark = mark_of(&role.tags);
            if self.keep(wanted.role(&role.name), &role.name, mark.as_ref(), named) {
                self.add_role(role, mark);
            }
        }
    }

    /// What one scope asks for, and what none of `all` does.
    fn part(&self, scope: &IamScope, all: &IamScope) -> Self {
        let concerns = |address: &Address| match address {
            Address::IamUser { name: user }
            | Address::IamUserPolicy { user, .. }
            | Address::IamAccessKey { user, .. } => scope.users.contains(user) || !all.users.contains(user),
            Address::IamRole { name: role } | Address::IamRolePolicy { role, .. } => {
                scope.roles.contains(role) || !all.roles.contains(role)
            }
            _ => false,
        };
        let objects = self.objects.iter();
        Self {
            objects: objects
                .filter(|(address, _)| concerns(address))
                .cloned()
                .collect(),
            marks: some(&self.marks, concerns),
            attachments: some(&self.attachments, concerns),
            gaps: (self.gaps.iter().filter(|(address, _)| concerns(address)))
                .cloned()
                .collect(),
            case_variants: (self.case_variants.iter().filter(|(wanted, _)| concerns(wanted)))
                .cloned()
                .collect(),
            recent: some(&self.recent, concerns),
            notes: Vec::new(),
        }
    }

    /// Whether an object is of interest; notes a case variant on the way.
    fn keep(
        &mut self,
        wanted: Option<&str>,
        found: &str,
        mark: Option<&Mark>,
        named: impl Fn(&str) -> Address,
    ) -> bool {
        match wanted {
            Some(wanted) if wanted == found => true,
            Some(wanted) => {
                self.case_variants.push((named(wanted), named(found)));
                mark.is_some()
            }
            None => mark.is_some(),
        }
    }

    fn add_user(&mut self, user: FoundUser, mark: Option<Mark>) {
        let address = Address::IamUser {
            name: user.name.as_str().into(),
        };
        for (policy, document) in user.policies {
            let at = Address::IamUserPolicy {
                user: user.name.as_str().into(),
                name: policy.into(),
            };
            self.add_policy(at, &document);
        }
        self.note_age(&address, user.arn, user.created);
        self.add(
            address,
            Object::IamUser(IamUser {
                path: user.path.into(),
            }),
            mark,
            user.attachments,
        );
    }

    fn add_role(&mut self, role: FoundRole, mark: Option<Mark>) {
        let address = Address::IamRole {
            name: role.name.as_str().into(),
        };
        let trust = match PolicyDocument::decode(&role.trust) {
            Ok(trust) => trust,
            // Without its trust a role cannot be compared: the gap covers the role and all its policies.
            Err(error) => {
                self.gaps.push((address, format!("trust policy: {error}")));
                return;
            }
        };
        for (policy, document) in role.policies {
            let at = Address::IamRolePolicy {
                role: role.name.as_str().into(),
                name: policy.into(),
            };
            self.add_policy(at, &document);
        }
        let object = Object::IamRole(IamRole {
            path: role.path.into(),
            trust,
        });
        self.note_age(&address, role.arn, role.created);
        self.add(address, object, mark, role.attachments);
    }

    fn add(&mut self, address: Address, object: Object, mark: Option<Mark>, attachments: Vec<String>) {
        if let Some(mark) = mark {
            self.marks.insert(address.clone().into(), mark);
        }
        if !attachments.is_empty() {
            self.attachments.insert(address.clone(), attachments);
        }
        self.objects.push((address, object));
    }

    fn note_age(&mut self, address: &Address, arn: String, created: Option<DateTime>) {
        let Some(created) = created.and_then(|created| SystemTime::try_from(created).ok()) else {
            return;
        };
        // A time in the future is a clock that is slow; what it tells is new.
        let age = created.elapsed().unwrap_or_default();
        if age < RECENT {
            self.recent.insert(address.clone(), Recent { arn, age });
        }
    }

    fn add_policy(&mut self, address: Address, document: &str) {
        match PolicyDocument::decode(document) {
            Ok(document) => self.objects.push((address, Object::Policy(document))),
            Err(error) => self.gaps.push((address, error.to_string())),
        }
    }
}

fn some<A: Ord + Clone + Borrow<Address>, V: Clone>(
    map: &BTreeMap<A, V>,
    concerns: impl Fn(&Address) -> bool,
) -> BTreeMap<A, V> {
    let chosen = map.iter().filter(|(address, _)| concerns((*address).borrow()));
    chosen
        .map(|(address, value)| (address.clone(), value.clone()))
        .collect()
}

/// The phrases for what is attached to a user or role.
fn attachments(
    managed: impl IntoIterator<Item = String>,
    groups: impl IntoIterator<Item = String>,
    profiles: impl IntoIterator<Item = String>,
    boundary: Option<String>,
) -> Vec<String> {
    let managed = managed.into_iter().map(|arn| format!("managed policy {arn}"));
    let groups = groups.into_iter().map(|name| format!("group {name}"));
    let profiles = profiles
        .into_iter()
        .map(|name| format!("instance profile {name}"));
    let boundary = boundary.map(|arn| format!("permissions boundary {arn}"));
    managed.chain(groups).chain(profiles).chain(boundary).collect()
}
