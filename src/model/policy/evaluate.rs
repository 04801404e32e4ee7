//! What documents allow, as far as documents alone can tell.
//!
//! This is a proof of absence, so doubt counts as "perhaps allowed": a condition on an Allow is taken to hold, one on a
//! Deny not to, and a policy variable to become whatever would match. What only narrows and stands elsewhere (service
//! control policies, session policies) is unknown and ignored. The logic:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::collections::BTreeSet;

use super::{Effect, Folded, Policy, Principal, Statement};
use crate::address::Name;

/// Condition keys that an `rds-db:connect` request does not carry.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.html>
const IGNORED_BY_CONNECT: [&str; 6] = [
    "aws:Referer",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:UserAgent",
    "aws:VpcSourceIp",
];

/// One statement, as far as it bears on one action.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    statement: &'a Statement,
}

impl<'a> Claim<'a> {
    /// It allows; otherwise it denies.
    pub fn allows(self) -> bool {
        self.statement.effect == Effect::Allow
    }

    /// It holds only under a condition.
    pub fn conditional(self) -> bool {
        !self.statement.condition.is_empty()
    }

    /// It names every action, as an administrator's policy does.
    pub fn every_action(self) -> bool {
        let star = |actions: &[Folded]| actions.iter().any(|action| action.0 == "*");
        self.statement.action.as_deref().is_some_and(star)
    }

    /// Whether it is, or may be, about a resource.
    pub fn covers(self, resource: &str) -> bool {
        let statement = self.statement;
        let named = statement.resource.as_ref();
        let wanted = named.is_none_or(|patterns| patterns.iter().any(|pattern| matches(pattern, resource)));
        let certain = |pattern: &&Name| !pattern.contains("${");
        let excluded = statement.not_resource.as_ref().is_some_and(|patterns| {
            let mut certain = patterns.iter().filter(certain);
            certain.any(|pattern| matches(pattern, resource))
        });
        wanted && !excluded
    }

    /// The resources it names, where it names each without a pattern: what it is about can then be looked up.
    pub fn exact(self) -> Option<&'a [Name]> {
        let resources = self.statement.resource.as_deref()?;
        let plain = |resource: &Name| !resource.contains(['*', '?', '$']);
        (self.statement.not_resource.is_none() && resources.iter().all(plain)).then_some(resources)
    }

    /// Keys of its condition that an `rds-db:connect` request does not carry.
    pub fn keys_ignored_by_connect(self) -> Vec<&'static str> {
        let tests = self.statement.condition.iter().flat_map(|(_, tests)| tests);
        let keys: BTreeSet<&Folded> = tests.map(|(key, _)| key).collect();
        let ignored = IGNORED_BY_CONNECT.into_iter();
        ignored
            .filter(|key| keys.contains(&Folded((*key).into())))
            .collect()
    }

    /// Whether it surely denies a resource: without condition, and without a variable that could become anything.
    fn surely_denies(self, resource: &str) -> bool {
        let variable = |patterns: Option<&[Name]>| {
            patterns.is_some_and(|patterns| patterns.iter().any(|pattern| pattern.contains("${")))
        };
        !self.allows()
            && !self.conditional()
            && !variable(self.statement.resource.as_deref())
            && !variable(self.statement.not_resource.as_deref())
            && self.covers(resource)
    }
}

/// Whether claims together allow a resource, or may: one of them has to, and none may surely deny it.
pub fn may<'a>(claims: impl Iterator<Item = Claim<'a>> + Clone, resource: &str) -> bool {
    claims
        .clone()
        .any(|claim| claim.allows() && claim.covers(resource))
        && !claims.clone().any(|claim| claim.surely_denies(resource))
}

/// From where a trust policy lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From<'a> {
    /// From these networks.
    Networks(BTreeSet<&'a str>),
    /// From anywhere.
    Anywhere,
    /// From anywhere, under a condition on something other than the address.
    Conditional,
}

/// One principal that a trust policy lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted<'a> {
    /// Who; `Principal::Any` also for a statement that names whom it does not trust.
    pub principal: Principal,
    /// From where.
    pub from: From<'a>,
}

impl Policy {
    /// Its statements that bear on an action, such as `rds-db:connect`.
    pub fn about(&self, action: &str) -> impl Iterator<Item = Claim<'_>> + Clone {
        let action = action.to_ascii_lowercase();
        self.statements
            .iter()
            .filter_map(move |statement| statement.bears_on(&action).then_some(Claim { statement }))
    }

    /// Whom a trust policy lets assume the role, whatever the kind of `sts:AssumeRole`, and from where. What an
    /// unconditional Deny takes back is left out.
    pub fn trusted(&self) -> Vec<Trusted<'_>> {
        let bears = |statement: &&Statement| {
            [
                "sts:assumerole",
                "sts:assumerolewithsaml",
                "sts:assumerolewithwebidentity",
            ]
            .iter()
            .any(|action| statement.bears_on(action))
        };
        let allowing = self
            .statements
            .iter()
            .filter(bears)
            .filter(|one| one.effect == Effect::Allow);
        let denied: BTreeSet<Principal> = (self.statements.iter().filter(bears))
            .filter(|one| one.effect == Effect::Deny && one.condition.is_empty())
            .flat_map(Statement::named)
            .collect();
        if denied.contains(&Principal::Any) {
            return Vec::new();
        }
        let each = allowing.flat_map(|statement| {
            let named = match statement.not_principal {
                Some(_) => vec![Principal::Any],
                None => statement.named(),
            };
            named.into_iter().map(|principal| Trusted {
                principal,
                from: statement.from(),
            })
        });
        each.filter(|trusted| !denied.contains(&trusted.principal))
            .collect()
    }
}

impl Statement {
    fn bears_on(&self, action: &str) -> bool {
        let names = |patterns: &[Folded]| {
            patterns
                .iter()
                .any(|pattern| matches(&pattern.0.to_ascii_lowercase(), action))
        };
        match (&self.action, &self.not_action) {
            (Some(actions), _) => names(actions),
            (None, Some(others)) => !names(others),
            (None, None) => false,
        }
    }

    fn named(&self) -> Vec<Principal> {
        let kinds = self.principal.iter().flat_map(|kinds| kinds.iter());
        kinds
            .flat_map(|(kind, names)| names.iter().map(move |name| Principal::of(kind, name)))
            .collect()
    }

    /// `IfExists` and `ForAllValues` let a request in that carries no address, so they gate nothing.
    fn from(&self) -> From<'_> {
        let source = Folded("aws:SourceIp".into());
        let gate = self.condition.iter().find_map(|(operator, tests)| {
            let operator = operator.0.to_ascii_lowercase();
            let gates = matches!(operator.as_str(), "ipaddress" | "foranyvalue:ipaddress");
            let test = tests.iter().find(|(key, _)| *key == source);
            test.filter(|_| gates).map(|(_, networks)| networks)
        });
        match gate {
            Some(networks) => From::Networks(networks.iter().map(Name::as_str).collect()),
            None if self.condition.is_empty() => From::Anywhere,
            None => From::Conditional,
        }
    }
}

/// Whether a text matches a pattern of `*` and `?`; a `${variable}` in the pattern may become any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        let (variable, tail) = after.split_once('}').unwrap_or((after, ""));
        // `${*}`, `${?}` and `${$}` stand for those characters themselves, which no name of ours has.
        plain.push(if variable == "$" { '$' } else { '*' });
        rest = tail;
    }
    plain.push_str(rest);
    glob(plain.as_bytes(), text.as_bytes())
}

/// Goes back to the last `*` when what follows it does not match: linear in practice, quadratic at worst.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = back + 1;
                    place = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT01: &str = "arn:x:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/client01";

    fn connects(statements: &str) -> bool {
        let policy = Policy::parse(&format!("{{\"Statement\":[{statements}]}}")).expect("a policy");
        may(policy.about("rds-db:connect"), CLIENT01)
    }

    #[test]
    fn patterns_reach_as_far_as_they_do_in_iam() {
        let allow = |action: &str, resource: &str| {
            connects(&format!(
                r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#
            ))
        };
        assert!(allow("rds-db:connect", CLIENT01));
        assert!(allow("RDS-DB:Connect", CLIENT01));
        assert!(allow("rds-db:*", "arn:*:rds-db:*:*:dbuser:*/client01"));
        assert!(allow("*", "*"));
        assert!(allow(
            "rds-db:conn?ct",
            "arn:x:rds-db:*:dbuser:cluster-ABC/client0?"
        ));
        assert!(allow("rds-db:connect", "arn:x:rds-db:*:dbuser:*/${aws:username}"));
        assert!(!allow("rds:*", "*"), "another service");
        assert!(
            !allow("rds-db:connect", "arn:x:rds-db:*:dbuser:*/CLIENT01"),
            "resources have case"
        );
        assert!(!allow("rds-db:connect", "arn:x:rds-db:*:dbuser:*/client0"));
    }

    #[test]
    fn what_is_left_out_is_meant() {
        assert!(connects(
            r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#
        ));
        assert!(!connects(
            r#"{"Effect":"Allow","NotAction":"rds-db:*","Resource":"*"}"#
        ));
        assert!(connects(
            r#"{"Effect":"Allow","Action":"*","NotResource":"arn:x:s3:::*"}"#
        ));
        assert!(!connects(
            r#"{"Effect":"Allow","Action":"*","NotResource":"*/client01"}"#
        ));
    }

    #[test]
    fn a_sure_denial_wins_and_a_doubtful_one_does_not() {
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
        assert!(!connects(&format!(
            r#"{all},{{"Effect":"Deny","Action":"rds-db:*","Resource":"*"}}"#
        )));
        assert!(connects(&format!(
            r#"{all},{{"Effect":"Deny","Action":"rds-db:*","Resource":"*","Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}}}"#
        )));
        assert!(connects(&format!(
            r#"{all},{{"Effect":"Deny","Action":"rds-db:*","Resource":"*/${{aws:username}}"}}"#
        )));
        assert!(connects(
            r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}}"#
        ));
    }

    #[test]
    fn a_gate_that_lets_requests_without_an_address_in_is_none() {
        let from = |condition: &str| {
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"123456789012"}},"Action":"sts:AssumeRole"{condition}}}}}"#
            );
            let policy = Policy::parse(&text).expect("a policy");
            let trusted = policy.trusted();
            match &trusted[0].from {
                From::Networks(networks) => networks.iter().copied().collect::<Vec<_>>().join(","),
                other => format!("{other:?}"),
            }
        };
        let test = |operator: &str| {
            from(&format!(
                r#","Condition":{{"{operator}":{{"aws:SourceIp":"203.0.113.9"}}}}"#
            ))
        };
        assert_eq!(from(""), "Anywhere");
        assert_eq!(test("IpAddress"), "203.0.113.9/32");
        assert_eq!(test("IpAddressIfExists"), "Conditional");
        assert_eq!(test("ForAllValues:IpAddress"), "Conditional");
        assert_eq!(test("NotIpAddress"), "Conditional");
    }

    #[test]
    fn whom_a_trust_policy_leaves_out_it_lets_the_others_in() {
        let text =
            r#"{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"sts:*"}]}"#;
        let policy = Policy::parse(text).expect("a policy");
        assert_eq!(policy.trusted()[0].principal, Principal::Any);
    }
}
