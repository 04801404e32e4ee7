//! Evaluates IAM policy documents, which the emulator does not: as much of the language as tenants' policies use.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use serde_json::Value;

/// What a request is about.
pub(crate) struct Request<'a> {
    pub(crate) action: &'a str,
    /// Absent for a trust policy, which is about the role that it belongs to.
    pub(crate) resource: Option<&'a str>,
    /// Present for a trust policy: the ARNs that stand for the caller.
    pub(crate) principals: &'a [&'a str],
    pub(crate) source_ip: Option<IpAddr>,
    /// The values of other condition keys, which are in lower case.
    pub(crate) context: &'a BTreeMap<String, Vec<String>>,
}

/// What a set of documents says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    /// No statement allows it.
    Silent,
    /// A statement denies it, which no other can undo.
    Denied,
}

/// Evaluates all documents together; one that cannot be parsed allows nothing.
pub(crate) fn evaluate(documents: &[Value], request: &Request<'_>) -> Verdict {
    let parsed: Vec<Value> = documents.iter().filter_map(parse).collect();
    let statements = parsed.iter().flat_map(|document| list(&document["Statement"]));
    let effects: Vec<_> = statements
        .filter(|s| applies(s, request))
        .map(|s| s["Effect"].as_str())
        .collect();
    if effects.contains(&Some("Deny")) {
        Verdict::Denied
    } else if effects.contains(&Some("Allow")) {
        Verdict::Allowed
    } else {
        Verdict::Silent
    }
}

/// The emulator keeps documents as the text that was sent.
fn parse(document: &Value) -> Option<Value> {
    serde_json::from_str(document.as_str()?).ok()
}

/// The AWS principals that a document names: ARNs, accounts, ids, `*`.
pub(crate) fn aws_principals(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap_or_default();
    let statements = list(&document["Statement"]);
    let named = statements
        .into_iter()
        .flat_map(|statement| strings(&statement["Principal"]["AWS"]));
    named.map(str::to_owned).collect()
}

/// The language allows a single item wherever a list may stand.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        item => vec![item],
    }
}

fn strings(value: &Value) -> Vec<&str> {
    list(value).into_iter().filter_map(Value::as_str).collect()
}

fn applies(statement: &Value, request: &Request<'_>) -> bool {
    let action = request.action.to_ascii_lowercase();
    let is_action = |pattern: &&str| matches(&pattern.to_ascii_lowercase(), &action);
    let about = match statement.get("NotAction") {
        Some(others) => !strings(others).iter().any(is_action),
        None => strings(&statement["Action"]).iter().any(is_action),
    };
    let on = request
        .resource
        .is_none_or(|resource| match statement.get("NotResource") {
            Some(others) => !strings(others).iter().any(|pattern| matches(pattern, resource)),
            None => strings(&statement["Resource"])
                .iter()
                .any(|pattern| matches(pattern, resource)),
        });
    about && on && by(statement, request) && conditions_hold(statement, request)
}

fn by(statement: &Value, request: &Request<'_>) -> bool {
    if request.resource.is_some() {
        return true;
    }
    let principal = &statement["Principal"];
    let named = strings(principal.get("AWS").unwrap_or(principal));
    named
        .iter()
        .any(|name| *name == "*" || request.principals.contains(name))
}

/// All operators must hold. An unknown one makes a statement useless to whoever wants to be allowed.
fn conditions_hold(statement: &Value, request: &Request<'_>) -> bool {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().into_iter().flatten().all(|(key, values)| {
            let known = key.eq_ignore_ascii_case("aws:SourceIp");
            let inside = request
                .source_ip
                .is_some_and(|ip| strings(values).iter().any(|block| contains(block, ip)));
            let held = request.context.get(&key.to_ascii_lowercase());
            let among =
                |held: &Vec<String>| held.iter().all(|value| strings(values).contains(&value.as_str()));
            match operator.as_str() {
                "IpAddress" if known => inside,
                "NotIpAddress" if known => !inside,
                "StringEquals" => held.is_some_and(|held| !held.is_empty() && among(held)),
                "ForAllValues:StringEquals" => held.is_none_or(among),
                _ => statement["Effect"] == "Deny",
            }
        })
    })
}

/// Whether an address lies in a block such as 203.0.113.0/24; without a length the block is one address.
fn contains(block: &str, ip: IpAddr) -> bool {
    let (network, length) = block
        .split_once('/')
        .map_or((block, None), |(network, length)| (network, Some(length)));
    match (network.parse(), ip) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(ip)) => {
            let length = length
                .map_or(Some(32), |text| text.parse().ok())
                .filter(|length| *length <= 32);
            length.is_some_and(|length| prefix4(network, length) == prefix4(ip, length))
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(ip)) => {
            let length = length
                .map_or(Some(128), |text| text.parse().ok())
                .filter(|length| *length <= 128);
            length.is_some_and(|length| prefix6(network, length) == prefix6(ip, length))
        }
        _ => false,
    }
}

fn prefix4(ip: Ipv4Addr, length: u32) -> u32 {
    ip.to_bits().checked_shr(32 - length).unwrap_or(0)
}

fn prefix6(ip: Ipv6Addr, length: u32) -> u128 {
    ip.to_bits().checked_shr(128 - length).unwrap_or(0)
}

/// Whether a text matches a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut rest, mut parts) = (text, pattern.split('*').peekable());
    let mut first = true;
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let found = match (first, last) {
            (true, true) => return same(part, rest) && part.chars().count() == rest.chars().count(),
            (true, false) => same(part, rest).then_some(0),
            (false, true) => {
                let skip = rest.chars().count().checked_sub(part.chars().count());
                return skip.is_some_and(|skip| same(part, &rest.chars().skip(skip).collect::<String>()));
            }
            (false, false) => rest
                .char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .find(|at| same(part, &rest[*at..])),
        };
        let Some(at) = found else { return false };
        rest = &rest[at..];
        rest = rest
            .char_indices()
            .nth(part.chars().count())
            .map_or("", |(at, _)| &rest[at..]);
        first = false;
    }
    true
}

/// Whether a text begins with a pattern that has only `?`.
fn same(pattern: &str, text: &str) -> bool {
    let mut text = text.chars();
    pattern
        .chars()
        .all(|wanted| text.next().is_some_and(|c| wanted == '?' || wanted == c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(document: &str, principal: &str, ip: &str) -> Verdict {
        let request = Request {
            action: "sts:AssumeRole",
            resource: None,
            principals: &[principal],
            source_ip: ip.parse().ok(),
            context: &BTreeMap::new(),
        };
        evaluate(&[Value::String(document.into())], &request)
    }

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("*", ""),
            ("a*", "abc"),
            ("a*c", "abbc"),
            ("a?c", "abc"),
            ("*b*", "abc"),
            ("abc", "abc"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a*c", "ab"),
            ("a*aa", "aa"),
            ("?", ""),
            ("*x*", "abc"),
            ("b*", "abc"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_trust_policy_names_its_principal_and_its_addresses() {
        let trust = r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["u"]},
            "Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}}}"#;
        assert_eq!(verdict(trust, "u", "10.1.2.3"), Verdict::Allowed);
        assert_eq!(verdict(trust, "u", "2001:db8::1"), Verdict::Allowed);
        assert_eq!(verdict(trust, "u", "11.1.2.3"), Verdict::Silent);
        assert_eq!(verdict(trust, "v", "10.1.2.3"), Verdict::Silent);
    }

    #[test]
    fn a_denial_wins() {
        let trust = r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Principal": "*"},
            {"Effect": "Deny", "Action": "sts:*", "Principal": "*",
             "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}]}"#;
        assert_eq!(verdict(trust, "u", "10.0.0.1"), Verdict::Allowed);
        assert_eq!(verdict(trust, "u", "192.0.2.1"), Verdict::Denied);
    }
}
