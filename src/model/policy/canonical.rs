//! From JSON to the canonical form.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};
use smol_str::ToSmolStr;

use super::render::Node;
use super::{Conditions, Effect, Folded, Policy, PolicyError, Principals, Sorted, Statement};
use crate::address::Name;

impl Policy {
    pub(super) fn from_value(value: Value) -> Result<Self, PolicyError> {
        let Value::Object(mut fields) = value else {
            return Err(shape("the document", "an object"));
        };
        let version = text(&mut fields, "Version")?.map(Name::from);
        let id = text(&mut fields, "Id")?;
        let listed = match fields.remove("Statement") {
            None => return Err(PolicyError::Missing("Statement")),
            Some(Value::Array(items)) => items,
            Some(single) => vec![single],
        };
        let statements = listed
            .into_iter()
            .map(Statement::from_value)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::assemble(version, id, statements, unknown(fields)?))
    }

    /// Puts statements in their canonical order.
    pub(super) fn assemble(
        version: Option<Name>,
        id: Option<String>,
        mut statements: Vec<Statement>,
        other: BTreeMap<String, Value>,
    ) -> Self {
        // Lower case first, so that two spellings of an action cannot move a statement; the exact text breaks ties.
        statements.sort_by_cached_key(|statement| {
            let exact = serde_json::to_string(&Node::Object(statement)).unwrap_or_default();
            (exact.to_ascii_lowercase(), exact)
        });
        statements.dedup();
        Self {
            version,
            id,
            statements,
            other,
        }
    }
}

impl Statement {
    fn from_value(value: Value) -> Result<Self, PolicyError> {
        let Value::Object(mut fields) = value else {
            return Err(shape("Statement", "an object or a list of objects"));
        };
        let effect = match text(&mut fields, "Effect")?.as_deref() {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            Some(_) => return Err(shape("Effect", "`Allow` or `Deny`")),
            None => return Err(PolicyError::Missing("Effect")),
        };
        Ok(Self {
            sid: text(&mut fields, "Sid")?.filter(|sid| !sid.is_empty()),
            effect,
            principal: principals(&mut fields, "Principal")?,
            not_principal: principals(&mut fields, "NotPrincipal")?,
            action: words(&mut fields, "Action")?,
            not_action: words(&mut fields, "NotAction")?,
            resource: set(&mut fields, "Resource")?,
            not_resource: set(&mut fields, "NotResource")?,
            condition: conditions(&mut fields)?,
            other: unknown(fields)?,
        })
    }
}

fn shape(element: &str, expected: &'static str) -> PolicyError {
    PolicyError::Shape {
        element: element.to_owned(),
        expected,
    }
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, PolicyError> {
    match fields.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(shape(name, "a string")),
    }
}

fn words(fields: &mut Map<String, Value>, name: &str) -> Result<Option<Sorted<Folded>>, PolicyError> {
    let found = set(fields, name)?;
    Ok(found.map(|items| items.into_iter().map(Folded).collect()))
}

fn set(fields: &mut Map<String, Value>, name: &str) -> Result<Option<Sorted<Name>>, PolicyError> {
    fields.remove(name).map(|value| strings(value, name)).transpose()
}

/// A string or a list of strings, as a set.
fn strings(value: Value, element: &str) -> Result<Sorted<Name>, PolicyError> {
    let items = match value {
        Value::Array(items) => items,
        single => vec![single],
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Ok(text.into()),
            _ => Err(shape(element, "a string or a list of strings")),
        })
        .collect()
}

fn principals(fields: &mut Map<String, Value>, name: &str) -> Result<Option<Principals>, PolicyError> {
    match fields.remove(name) {
        None => Ok(None),
        // In a role's trust policy the two spellings of everybody mean the same:
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
        Some(Value::String(any)) if any == "*" => {
            Ok(Some(Sorted::from([("AWS".into(), Sorted::from([any.into()]))])))
        }
        Some(Value::Object(kinds)) => {
            let sorted = kinds.into_iter().map(|(kind, value)| {
                let names = strings(value, name)?;
                let names = if kind == "AWS" {
                    names.into_iter().map(account_of_root).collect()
                } else {
                    names
                };
                Ok((kind.into(), names))
            });
            sorted.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(shape(name, "`\"*\"` or an object of lists")),
    }
}

/// `arn:PARTITION:iam::ID:root` as `ID`: AWS turns the digits into the ARN. No account exists in two partitions.
fn account_of_root(name: Name) -> Name {
    let account = name
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
        .and_then(|(_, rest)| rest.strip_suffix(":root"))
        .filter(|account| is_account(account));
    match account {
        Some(account) => account.into(),
        None => name,
    }
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn conditions(fields: &mut Map<String, Value>) -> Result<Conditions, PolicyError> {
    let operators = match fields.remove("Condition") {
        None => return Ok(Conditions::default()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return Err(shape("Condition", "an object")),
    };
    let mut conditions = BTreeMap::new();
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else {
            return Err(shape(&operator, "an object"));
        };
        let of_addresses = compares_addresses(&operator);
        let mut tests = BTreeMap::new();
        for (key, value) in keys {
            let values = condition_values(value, &key, of_addresses)?;
            if tests.insert(Folded(key.as_str().into()), values).is_some() {
                return Err(PolicyError::Twice(key));
            }
        }
        let tests = tests.into_iter().collect();
        if conditions
            .insert(Folded(operator.as_str().into()), tests)
            .is_some()
        {
            return Err(PolicyError::Twice(operator));
        }
    }
    Ok(conditions.into_iter().collect())
}

/// Whether an operator compares addresses: `IpAddress` and `NotIpAddress`, bare, with a set prefix or `IfExists`.
fn compares_addresses(operator: &str) -> bool {
    let lower = operator.to_ascii_lowercase();
    let bare = lower.rsplit_once(':').map_or(lower.as_str(), |(_, bare)| bare);
    let bare = bare.strip_suffix("ifexists").unwrap_or(bare);
    matches!(bare, "ipaddress" | "notipaddress")
}

fn condition_values(value: Value, key: &str, addresses: bool) -> Result<Sorted<Name>, PolicyError> {
    let items = match value {
        Value::Array(items) => items,
        single => vec![single],
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) if addresses => Ok(network(&text)),
            Value::String(text) => Ok(text.into()),
            Value::Bool(flag) => Ok(flag.to_smolstr()),
            Value::Number(number) => Ok(number.to_smolstr()),
            _ => Err(shape(key, "a string, a number, true, false, or a list of them")),
        })
        .collect()
}

/// A CIDR as `203.0.113.5/32`: with its length, host bits masked, IPv6 compressed. Other text stays what it is.
fn network(text: &str) -> Name {
    let parsed = text
        .parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    match parsed {
        Ok(network) => network.trunc().to_smolstr(),
        Err(_) => text.into(),
    }
}

/// How deep an element may nest that this program does not know: far from the 128 levels at which serde_json stops reading,
/// since a canonical text is read again, and has a statement one level deeper than it may have been written.
const DEEPEST: usize = 32;

/// What is left, sorted.
fn unknown(fields: Map<String, Value>) -> Result<BTreeMap<String, Value>, PolicyError> {
    for (name, value) in &fields {
        if !is_shallow(value, DEEPEST) {
            return Err(shape(name, "nested 32 levels deep at most"));
        }
    }
    Ok(fields.into_iter().collect())
}

fn is_shallow(value: &Value, levels: usize) -> bool {
    levels > 0
        && match value {
            Value::Array(items) => items.iter().all(|item| is_shallow(item, levels - 1)),
            Value::Object(fields) => fields.values().all(|field| is_shallow(field, levels - 1)),
            _ => true,
        }
}
