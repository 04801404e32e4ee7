use std::collections::BTreeSet;

use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn policy(value: &Value) -> PolicyDocument {
    PolicyDocument::parse(&value.to_string()).expect("a policy")
}

fn networks(cidrs: &[&str]) -> BTreeSet<IpNet> {
    cidrs.iter().map(|cidr| cidr.parse().expect("a CIDR")).collect()
}

fn base() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Login", "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:user/b"]},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Resource": ["r1", "r2"],
        "Condition": {
            "IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.7/32"]},
            "Bool": {"aws:SecureTransport": "true"}
        }
    }]})
}

/// The base document with the value at a JSON pointer replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = base();
    *document.pointer_mut(pointer).expect("the pointer exists") = value;
    document
}

/// The cases in which controllers for IAM saw a difference where there is none (B08, after iam-controller#176).
#[test]
fn spellings_of_one_meaning_are_equal() {
    let statement = base()["Statement"][0].clone();
    let condition = "/Statement/0/Condition";
    let same = [
        ("statement as object", with("/Statement", statement)),
        (
            "order of actions",
            with("/Statement/0/Action", json!(["sts:TagSession", "sts:AssumeRole"])),
        ),
        (
            "case of actions",
            with("/Statement/0/Action", json!(["STS:assumerole", "sts:TagSession"])),
        ),
        (
            "repeated action",
            with(
                "/Statement/0/Action",
                json!(["sts:TagSession", "sts:AssumeRole", "sts:AssumeRole"]),
            ),
        ),
        (
            "order of resources",
            with("/Statement/0/Resource", json!(["r2", "r1"])),
        ),
        (
            "order of principals",
            with(
                "/Statement/0/Principal/AWS",
                json!([
                    "arn:aws:iam::123456789012:user/b",
                    "arn:aws:iam::123456789012:user/a"
                ]),
            ),
        ),
        (
            "order of values, /32, host bits",
            with(
                &format!("{condition}/IpAddress"),
                json!({"aws:SourceIp": ["198.51.100.7", "203.0.113.77/24"]}),
            ),
        ),
        (
            "case of keys, bool as bool",
            with(&format!("{condition}/Bool"), json!({"AWS:securetransport": true})),
        ),
    ];
    for (case, document) in same {
        assert_eq!(policy(&base()), policy(&document), "{case}");
    }
}

#[test]
fn scalars_equal_lists_of_one() {
    let lists = json!({"Version": "2012-10-17", "Statement": [{"Sid": "", "Effect": "Allow",
        "Principal": {"AWS": ["123456789012"]}, "Action": ["sts:AssumeRole"],
        "Condition": {"IpAddress": {"aws:SourceIp": ["0.0.0.0/0"]}, "NumericLessThan": {"k": [3]},
            "ForAnyValue:NotIpAddressIfExists": {"k": ["2001:DB8:0::1"]}}}]});
    let scalars = json!({"Statement": {"Effect": "Allow",
        "Principal": {"AWS": "arn:aws-cn:iam::123456789012:root"}, "Action": "sts:AssumeRole",
        "Condition": {"ipaddress": {"aws:SourceIp": "0.0.0.0/0"}, "NumericLessThan": {"k": "3"},
            "ForAnyValue:NotIpAddressIfExists": {"k": "2001:db8::1/128"}}}, "Version": "2012-10-17"});
    assert_eq!(policy(&lists), policy(&scalars));
}

#[test]
fn everybody_has_two_spellings() {
    let bare = json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}});
    let typed =
        json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}});
    assert_eq!(policy(&bare), policy(&typed));
    assert_eq!(policy(&bare).principals(), [Principal::Any]);
}

#[test]
fn other_meanings_differ() {
    let condition = "/Statement/0/Condition";
    let other = [
        with("/Version", json!("2008-10-17")),
        with("/Statement/0/Effect", json!("Deny")),
        with("/Statement/0/Sid", json!("Other")),
        with("/Statement/0/Action", json!("sts:AssumeRole")),
        with("/Statement/0/Resource", json!(["r1", "R2"])),
        with(
            "/Statement/0/Principal/AWS",
            json!("arn:aws:iam::123456789012:user/a"),
        ),
        with(
            &format!("{condition}/IpAddress/aws:SourceIp"),
            json!(["203.0.113.0/24"]),
        ),
        with(&format!("{condition}/Bool/aws:SecureTransport"), json!("false")),
        with(condition, json!({})),
    ];
    for document in other {
        assert_ne!(policy(&base()), policy(&document), "{document}");
    }
}

#[test]
fn unknown_elements_are_kept_and_compared() {
    let mut document = base();
    document["Future"] = json!({"b": 1, "a": [true]});
    document["Statement"][0]["Later"] = json!("x");
    let parsed = policy(&document);
    assert_ne!(parsed, policy(&base()));
    assert!(parsed.to_json().contains(r#""Later":"x""#) && parsed.to_json().contains("Future"));
    assert_eq!(PolicyDocument::parse(&parsed.to_json()), Ok(parsed));
}

#[test]
fn a_condition_named_twice_is_refused_rather_than_joined() {
    let twice = with(
        "/Statement/0/Condition",
        json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24", "AWS:SourceIP": "0.0.0.0/0"}}),
    );
    let error = PolicyDocument::parse(&twice.to_string()).expect_err("ambiguous");
    assert!(matches!(error, PolicyError::Twice(_)), "{error}");
}

#[test]
fn decoding_leaves_plain_text_and_plus_signs_alone() {
    let plain =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b+c","Resource":"a%20b"}]}"#;
    let encoded = plain.replace('%', "%25").replace('{', "%7B").replace('"', "%22");
    assert_eq!(PolicyDocument::decode(&encoded), PolicyDocument::parse(plain));
    assert_eq!(PolicyDocument::decode(plain), PolicyDocument::parse(plain));
    assert!(
        PolicyDocument::decode(&encoded)
            .expect("decodes")
            .to_json()
            .contains("a:b+c")
    );
    assert_eq!(PolicyDocument::decode("%FF%7B"), Err(PolicyError::Encoding));
    assert!(matches!(
        PolicyDocument::decode("nonsense"),
        Err(PolicyError::Json(_))
    ));
}

#[test]
fn what_we_write_looks_as_aws_writes_it() {
    let user = user_arn("aws", "123456789012", "/", "client01");
    let trust = PolicyDocument::trust(&user, &networks(&["203.0.113.9/24", "2001:db8::/32"]));
    insta::assert_snapshot!(trust.to_json(), @r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/client01"},"Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":["2001:db8::/32","203.0.113.0/24"]}}}]}"#);
    let denied = PolicyDocument::trust_denied(&user);
    insta::assert_snapshot!(denied.to_json(), @r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:user/client01"},"Action":"sts:AssumeRole"}]}"#);
    let role = role_arn("aws-cn", "123456789012", "/tenants/", "rds_cluster_client01");
    insta::assert_snapshot!(PolicyDocument::assume_role(&role).to_json(), @r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws-cn:iam::123456789012:role/tenants/rds_cluster_client01"}]}"#);
    let login = database_user_arn("aws", "eu-central-1", "123456789012", "cluster-ABC", "client01");
    insta::assert_snapshot!(PolicyDocument::rds_connect(&login).to_json(), @r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rds-db:connect","Resource":"arn:aws:rds-db:eu-central-1:123456789012:dbuser:cluster-ABC/client01"}]}"#);
    for document in [trust, denied] {
        assert_eq!(
            document.size(),
            document.to_json().len(),
            "no white space in the minified form"
        );
        assert_eq!(PolicyDocument::parse(&document.to_json()), Ok(document));
    }
}

#[test]
fn no_networks_leave_a_condition_that_nothing_meets() {
    let trust = PolicyDocument::trust("arn:aws:iam::1:user/a", &BTreeSet::new());
    assert!(trust.to_json().contains(r#""aws:SourceIp":[]"#), "{trust}");
}

#[test]
fn one_changed_network_changes_one_line() {
    let lines =
        |cidrs: &[&str]| PolicyDocument::trust("arn:aws:iam::1:user/a", &networks(cidrs)).pretty_lines();
    insta::assert_snapshot!(lines(&["203.0.113.0/24"]), @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {
            "AWS": "arn:aws:iam::1:user/a",
          },
          "Action": "sts:AssumeRole",
          "Condition": {
            "IpAddress": {
              "aws:SourceIp": [
                "203.0.113.0/24",
              ],
            },
          },
        },
      ],
    }
    "#);
    let one = lines(&["203.0.113.0/24"]);
    let two = lines(&["203.0.113.0/24", "203.0.114.0/24"]);
    let changed = lines(&["203.0.113.0/24", "203.0.115.0/24"]);
    let added: Vec<_> = two.lines().filter(|line| !one.contains(line)).collect();
    assert_eq!(added, [r#"            "203.0.114.0/24","#]);
    let differing = two
        .lines()
        .zip(changed.lines())
        .filter(|(left, right)| left != right);
    assert_eq!(differing.count(), 1);
}

/// The canonical text has a statement one level deeper, and has to be read again.
#[test]
fn what_nests_too_deep_is_refused() {
    let nested = |levels: usize| {
        let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        PolicyDocument::parse(&format!(
            r#"{{"Statement":{{"Effect":"Deny","Action":"*","X":{value}}}}}"#
        ))
    };
    assert_eq!(nested(32).expect("a policy").principals(), []);
    for levels in [33, 125] {
        let refused = nested(levels).expect_err("too deep").to_string();
        assert!(refused.contains("`X`"), "{refused}");
    }
}

/// Words that differ in case alone are the same to IAM, names are not.
#[test]
fn the_case_of_words_does_not_count() {
    let document = |action: &str, resource: &str| {
        policy(&json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": resource}}))
    };
    assert_eq!(document("sts:AssumeRole", "a"), document("STS:assumerole", "a"));
    assert_ne!(document("sts:AssumeRole", "a"), document("sts:AssumeRole", "A"));
    assert_ne!(document("sts:AssumeRole", "a"), document("STS:assumerole", "A"));
}

#[test]
fn principals_are_told_apart() {
    let document = policy(
        &json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {
        "AWS": ["AIDAEXAMPLE", "arn:aws:iam::123456789012:user/a", "123456789012"],
        "Service": "rds.amazonaws.com", "Federated": "cognito"}}}),
    );
    assert_eq!(
        document.principals(),
        [
            Principal::Arn("arn:aws:iam::123456789012:user/a".into()),
            Principal::UniqueId("AIDAEXAMPLE".into()),
            Principal::Account("123456789012".into()),
            Principal::Service("rds.amazonaws.com".into()),
            Principal::Other("Federated:cognito".into()),
        ]
    );
}

/// A document of some statements, each list shuffled by `keys` and the statements turned by `turn`.
fn shuffled(statements: &[(bool, Vec<u8>, Vec<u8>)], turn: usize, reverse: bool) -> Value {
    let list = |items: Vec<String>| {
        let mut items = items;
        if reverse {
            items.reverse();
        }
        match items.as_slice() {
            [single] if reverse => json!(single),
            _ => json!(items),
        }
    };
    let mut rendered: Vec<Value> = statements
        .iter()
        .map(|(allow, actions, hosts)| {
            let actions = list(actions.iter().map(|n| format!("sts:Do{n}")).collect());
            let cidrs = list(hosts.iter().map(|n| format!("203.0.{n}.0/24")).collect());
            json!({"Effect": if *allow { "Allow" } else { "Deny" }, "Action": actions,
                "Principal": {"AWS": "123456789012"}, "Condition": {"IpAddress": {"aws:SourceIp": cidrs}}})
        })
        .collect();
    let turn = turn % rendered.len();
    rendered.rotate_left(turn);
    json!({"Version": "2012-10-17", "Statement": rendered})
}

proptest! {
    #[test]
    fn order_never_matters_and_a_network_always_does(
        statements in prop::collection::vec((any::<bool>(), prop::collection::vec(0u8..9, 1..4),
            prop::collection::vec(0u8..200, 1..5)), 1..4),
        turn in 0usize..4,
    ) {
        let plain = policy(&shuffled(&statements, 0, false));
        let turned = policy(&shuffled(&statements, turn, true));
        prop_assert_eq!(&plain, &turned);
        prop_assert_eq!(plain.to_json(), turned.to_json());
        prop_assert_eq!(PolicyDocument::parse(&plain.to_json()), Ok(plain.clone()));
        let mut other = statements.clone();
        other[0].2.push(250);
        prop_assert_ne!(plain, policy(&shuffled(&other, turn, true)));
    }
}
