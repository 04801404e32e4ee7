//! Leaks by trust policies and access keys, and what could not be read.

use crate::iam_leaks::{ACCOUNT, leak};
use crate::leaks::{Act, Leak};

/// Another trust policy for the role of client01.
fn trust(what: &'static str, principal: &str, condition: &str, found: [&'static str; 3]) -> Leak {
    let document = |principal: &str, condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{condition}}}]}}"#
        )
    };
    let own = format!(r#"{{"AWS":"arn:aws:iam::{ACCOUNT}:user/client01"}}"#);
    let update = |principal: &str, condition: &str| {
        vec![Act::Iam(
            "UpdateAssumeRolePolicy",
            vec![
                ("RoleName", "rds_cluster_client01".to_owned()),
                ("PolicyDocument", document(principal, condition)),
            ],
        )]
    };
    leak(what, update(principal, condition), update(&own, ADDRESS), found)
}

const ADDRESS: &str = r#","Condition":{"IpAddress":{"aws:SourceIp":"109.241.200.168/32"}}"#;
const ROLE: &str = "iam_role.rds_cluster_client01";

/// The rest of a path through the role of client01.
macro_rules! through {
    ($who:literal) => {
        concat!($who, " -> arn:aws:iam::123456789012:role/rds_cluster_client01 (sts:AssumeRole) -> rds-db:connect as client01")
    };
}

pub fn all() -> Vec<Leak> {
    [trusts(), keys()].concat()
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn trusts() -> Vec<Leak> {
    let own = r#"{"AWS":"arn:aws:iam::123456789012:user/client01"}"#;
    vec![
        trust(
            "anybody",
            r#""*""#,
            ADDRESS,
            ["trust-anybody", ROLE, through!("anybody")],
        ),
        trust(
            "another account",
            r#"{"AWS":"arn:aws:iam::210987654321:root"}"#,
            ADDRESS,
            ["trust-third-party", ROLE, through!("account 210987654321")],
        ),
        trust(
            "a user of another account",
            r#"{"AWS":"arn:aws:iam::210987654321:user/client01"}"#,
            ADDRESS,
            [
                "trust-third-party",
                ROLE,
                through!("arn:aws:iam::210987654321:user/client01"),
            ],
        ),
        trust(
            "the whole account",
            r#"{"AWS":"arn:aws:iam::123456789012:root"}"#,
            ADDRESS,
            ["trust-outsider", ROLE, through!("the whole account 123456789012")],
        ),
        trust(
            "a colleague",
            r#"{"AWS":"arn:aws:iam::123456789012:user/colleague"}"#,
            ADDRESS,
            [
                "trust-outsider",
                ROLE,
                through!("arn:aws:iam::123456789012:user/colleague"),
            ],
        ),
        trust(
            "a service",
            r#"{"Service":"ec2.amazonaws.com"}"#,
            "",
            ["trust-outsider", ROLE, through!("service ec2.amazonaws.com")],
        ),
        trust(
            "another tenant",
            r#"{"AWS":"arn:aws:iam::123456789012:user/client02"}"#,
            ADDRESS,
            [
                "iam-cross-tenant",
                ROLE,
                through!("arn:aws:iam::123456789012:user/client02"),
            ],
        ),
        trust(
            "somebody who is gone",
            r#"{"AWS":"AIDACKCEVSQ6C2EXAMPLE"}"#,
            ADDRESS,
            [
                "trust-stale-principal",
                ROLE,
                through!("AIDACKCEVSQ6C2EXAMPLE, which is gone"),
            ],
        ),
        trust(
            "from anywhere",
            own,
            "",
            [
                "trust-addresses",
                ROLE,
                through!("arn:aws:iam::123456789012:user/client01"),
            ],
        ),
        trust(
            "from anywhere without an address",
            own,
            r#","Condition":{"IpAddressIfExists":{"aws:SourceIp":"109.241.200.168/32"}}"#,
            [
                "trust-addresses",
                ROLE,
                through!("arn:aws:iam::123456789012:user/client01"),
            ],
        ),
        trust(
            "from elsewhere",
            own,
            r#","Condition":{"IpAddress":{"aws:SourceIp":["109.241.200.168/32","203.0.113.0/24"]}}"#,
            [
                "trust-addresses",
                ROLE,
                through!("arn:aws:iam::123456789012:user/client01"),
            ],
        ),
    ]
}

fn keys() -> Vec<Leak> {
    let make = || Act::Iam("CreateAccessKey", vec![("UserName", "client01".to_owned())]);
    let key = "iam_access_key.client01";
    let second = leak(
        "a second access key",
        vec![make(), make()],
        vec![Act::DeleteKeys("client01")],
        ["second-access-key", key, ""],
    );
    let mut old = leak(
        "an old access key",
        vec![make(), Act::Wait],
        vec![Act::DeleteKeys("client01")],
        ["old-access-key", key, ""],
    );
    old.arguments = &["--max-key-age", "0d"];
    let denied = leak(
        "an account that nobody could read",
        vec![Act::Deny("GetAccountAuthorizationDetails")],
        vec![Act::Heal],
        ["not-proved", "account", ""],
    );
    let report = leak(
        "keys that nobody could read",
        vec![Act::Deny("GenerateCredentialReport")],
        vec![Act::Heal],
        ["not-proved", "account.access_keys", ""],
    );
    vec![second, old, denied, report]
}
