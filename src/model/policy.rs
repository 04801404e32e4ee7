//! IAM policy documents, parsed so that two spellings of one meaning compare equal.
//!
//! AWS gives a document back in other words than it was sent in: a list of one becomes a string, an account id the
//! ARN of its root, an empty `Sid` goes. Comparing text makes a difference that no apply can remove, so a document is
//! compared by what it says. The grammar:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

mod build;
mod canonical;
pub mod evaluate;
mod render;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use self::render::Node;
use super::sorted::Sorted;
use crate::address::Name;

pub use build::{database_user_arn, role_arn, user_arn};

/// Why a text is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not JSON.
    #[error("the policy document is not JSON: {0}")]
    Json(String),
    /// Percent-decoding it gave no UTF-8.
    #[error("the policy document is percent-encoded, and what it encodes is not UTF-8")]
    Encoding,
    /// An element has a shape that the grammar does not know.
    #[error("`{element}` in the policy document has to be {expected}")]
    Shape {
        /// The element, such as `Statement` or `Condition`.
        element: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// The document lacks an element.
    #[error("the policy document has no `{0}`")]
    Missing(&'static str),
    /// A condition names one operator or key twice, in different case; joining the two could widen it.
    #[error("`{0}` stands twice in a condition of the policy document, in different case")]
    Twice(String),
}

/// A policy document in canonical form: `==` compares what it says, not how it is spelled.
///
/// It is held as text, which takes half the room of what [`Self::policy`] reads from it, and is shared by what is copied from
/// world to diff to plan. Serialises as the JSON document itself.
#[derive(Clone, Debug)]
pub struct PolicyDocument(Arc<RawValue>);

impl PartialEq for PolicyDocument {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.0.get(), other.0.get());
        // The order of everything is canonical, so what means the same differs in the case of some words at most.
        one == other || (one.eq_ignore_ascii_case(other) && policy(one) == policy(other))
    }
}

impl Eq for PolicyDocument {}

/// What a policy document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    version: Option<Name>,
    id: Option<String>,
    /// Sorted and without repetitions: evaluation does not depend on the order.
    statements: Vec<Statement>,
    /// Elements this program does not know. They are compared and kept, never dropped.
    other: BTreeMap<String, Value>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    principal: Option<Principals>,
    not_principal: Option<Principals>,
    action: Option<Sorted<Folded>>,
    not_action: Option<Sorted<Folded>>,
    resource: Option<Sorted<Name>>,
    not_resource: Option<Sorted<Name>>,
    condition: Conditions,
    other: BTreeMap<String, Value>,
}

/// Principals by their type: `AWS`, `Service`, `Federated`, `CanonicalUser`. The bare `"*"` is `AWS: "*"`.
type Principals = Sorted<(Name, Sorted<Name>)>;

/// The tests of a statement: values by key, by operator. An operator, and a key of one, stands once.
type Conditions = Sorted<(Folded, Tests)>;

/// The tests of one operator: values by key.
type Tests = Sorted<(Folded, Sorted<Name>)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

impl Effect {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// A word that IAM compares without case: an action, a condition operator, a condition key. It keeps its spelling.
#[derive(Clone, Debug)]
struct Folded(Name);

impl PartialEq for Folded {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Folded {}

impl PartialOrd for Folded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Folded {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = self.0.bytes().map(|byte| byte.to_ascii_lowercase());
        left.cmp(other.0.bytes().map(|byte| byte.to_ascii_lowercase()))
    }
}

/// Whom a statement names in its `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// An ARN: a user, a role, a session.
    Arn(String),
    /// `AIDA..` or `AROA..`: what AWS leaves in the place of the ARN of a principal that was deleted. A principal
    /// made anew under the old name has another id and is not let in.
    UniqueId(String),
    /// A whole account, by its twelve digits.
    Account(String),
    /// An AWS service, such as `rds.amazonaws.com`.
    Service(String),
    /// Everybody.
    Any,
    /// Anything else, as `TYPE:value`.
    Other(String),
}

impl PolicyDocument {
    /// Parses a JSON document.
    ///
    /// # Errors
    ///
    /// When the text is not JSON, or not a policy.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Ok(Policy::parse(text)?.document())
    }

    /// What it says. Reads the text, so hold on to it.
    pub fn policy(&self) -> Policy {
        policy(self.0.get())
    }

    /// Parses a document as AWS returns it: percent-encoded by RFC 3986, where it is encoded at all.
    ///
    /// IAM answers `GetRole`, `GetUserPolicy` and their like with encoded documents, and the Rust SDK hands them on
    /// so; emulators leave some plain. A `+` stays a `+`: this is no form encoding.
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
    ///
    /// # Errors
    ///
    /// When the text decodes to no UTF-8, or to no policy.
    pub fn decode(text: &str) -> Result<Self, PolicyError> {
        if text.trim_start().starts_with('{') {
            return Self::parse(text);
        }
        let decoded = percent_decode_str(text.trim())
            .decode_utf8()
            .map_err(|_| PolicyError::Encoding)?;
        Self::parse(&decoded)
    }

    /// The document for the wire: JSON without white space, a list of one as a string, keys in AWS's usual order.
    pub fn to_json(&self) -> String {
        self.0.get().to_owned()
    }

    /// The document over many lines, for line diffs: one element of a list a line, a comma after every one, the last
    /// included, so that another CIDR changes one line and no neighbour.
    pub fn pretty_lines(&self) -> String {
        Node::Object(&self.policy()).pretty()
    }

    /// Its size in the characters that AWS counts against its quotas: all but white space.
    ///
    /// Inline policies share 2,048 a user and 10,240 a role; a trust policy has 2,048, or 4,096 by a raised quota.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub fn size(&self) -> usize {
        (self.0.get().chars())
            .filter(|char| !char.is_whitespace())
            .count()
    }

    /// Everybody that the `Principal` elements of its statements name, sorted, each once.
    pub fn principals(&self) -> Vec<Principal> {
        let policy = self.policy();
        let named: BTreeSet<Principal> = policy
            .statements
            .iter()
            .filter_map(|statement| statement.principal.as_ref())
            .flatten()
            .flat_map(|(kind, names)| names.iter().map(move |name| Principal::of(kind, name)))
            .collect();
        named.into_iter().collect()
    }
}

impl Policy {
    fn parse(text: &str) -> Result<Self, PolicyError> {
        let value = serde_json::from_str(text).map_err(|error| PolicyError::Json(error.to_string()))?;
        Self::from_value(value)
    }

    /// As a document.
    fn document(&self) -> PolicyDocument {
        match serde_json::value::to_raw_value(&Node::Object(self)) {
            Ok(text) => PolicyDocument(text.into()),
            Err(error) => unreachable!("strings, lists and maps with string keys serialise: {error}"),
        }
    }
}

/// What a canonical text says.
fn policy(text: &str) -> Policy {
    match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => unreachable!("it was written from a policy: {error}: {text}"),
    }
}

impl Principal {
    /// Sorts a value of a `Principal` element by what it is.
    fn of(kind: &str, name: &str) -> Self {
        match kind {
            "AWS" if name == "*" => Self::Any,
            "AWS" if canonical::is_account(name) => Self::Account(name.to_owned()),
            "AWS" if name.starts_with("arn:") => Self::Arn(name.to_owned()),
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
            "AWS" if name.starts_with("AIDA") || name.starts_with("AROA") => Self::UniqueId(name.to_owned()),
            "Service" => Self::Service(name.to_owned()),
            _ => Self::Other(format!("{kind}:{name}")),
        }
    }
}

impl fmt::Display for PolicyDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl Serialize for PolicyDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicyDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let policy = Policy::from_value(Value::deserialize(deserializer)?);
        Ok(policy.map_err(serde::de::Error::custom)?.document())
    }
}
