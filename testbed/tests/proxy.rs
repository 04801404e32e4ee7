//! The proxy counts, and fails when told to.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use std::{
    thread,
    time::{Duration, Instant},
};

use tenantctl_testbed::{Aws, AwsProxy, Behaviour, Error, Fault};

#[test]
fn calls_are_counted_by_action() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    for name in ["a", "b"] {
        proxy.call("iam", "CreateUser", &[("UserName", name)]).unwrap();
    }
    assert!(
        proxy
            .call("iam", "ListUsers", &[])
            .unwrap()
            .contains("<UserName>b</UserName>")
    );
    proxy
        .call_json("secretsmanager", "ListSecrets", &serde_json::json!({}))
        .unwrap();
    let expected =
        [("CreateUser", 2), ("ListSecrets", 1), ("ListUsers", 1)].map(|(name, n)| (name.to_owned(), n));
    assert_eq!(proxy.counts().into_iter().collect::<Vec<_>>(), expected);
    proxy.reset_counts();
    assert!(proxy.counts().is_empty());
}

#[test]
fn a_fault_happens_as_often_as_it_was_asked_for() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.inject(Fault::Error {
        action: "CreateUser".into(),
        code: "Throttling".into(),
        message: "Rate exceeded".into(),
        status: 400,
        times: 2,
    });
    for _ in 0..2 {
        let refusal = proxy.call("iam", "CreateUser", &[("UserName", "a")]).unwrap_err();
        let Error::Aws { status: 400, body } = refusal else {
            panic!("{refusal}")
        };
        assert!(body.contains("<Code>Throttling</Code>"), "{body}");
        assert!(!aws.call("iam", "ListUsers", &[]).unwrap().contains("<UserName>"));
    }
    proxy.call("iam", "CreateUser", &[("UserName", "a")]).unwrap();
}

#[test]
fn a_lost_answer_was_given_all_the_same() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.inject(Fault::LostAnswer {
        action: "CreateUser".into(),
        times: 1,
    });
    assert!(matches!(
        proxy.call("iam", "CreateUser", &[("UserName", "a")]),
        Err(Error::Server(_))
    ));
    assert!(
        aws.call("iam", "ListUsers", &[])
            .unwrap()
            .contains("<UserName>a</UserName>")
    );
}

const USER: &str = "arn:aws:iam::123456789012:user/a";

fn strict() -> Behaviour {
    Behaviour {
        strict: true,
        ..Behaviour::default()
    }
}

fn trust(principal: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\"{principal}\"}},\
         \"Action\":\"sts:AssumeRole\"}}]}}"
    )
}

#[track_caller]
fn iam(proxy: &AwsProxy, action: &str, params: &[(&str, &str)]) -> String {
    proxy.call("iam", action, params).unwrap()
}

/// The refusal has this code and says this.
#[track_caller]
fn refused(proxy: &AwsProxy, action: &str, params: &[(&str, &str)], code: &str, says: &str) {
    let Error::Aws { body, .. } = proxy.call("iam", action, params).unwrap_err() else {
        panic!("{action}: no answer");
    };
    assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    assert!(body.contains(says), "{body}");
}

fn user(name: &str) -> [(&str, &str); 1] {
    [("UserName", name)]
}

fn role<'a>(name: &'a str, trust: &'a str) -> [(&'a str, &'a str); 2] {
    [("RoleName", name), ("AssumeRolePolicyDocument", trust)]
}

#[test]
fn a_bad_day_is_as_bad_as_it_was_asked_to_be_and_the_same_again() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    let day = || -> Vec<String> {
        proxy.behave(Behaviour {
            seed: 7,
            throttled: 30,
            unavailable: 20,
            reset: 10,
            lost: 10,
            ..Behaviour::default()
        });
        let one = |_| match proxy.call("iam", "ListUsers", &[]) {
            Ok(_) => "answered".to_owned(),
            Err(Error::Aws { body, .. }) => body.split("Code>").nth(1).unwrap().to_owned(),
            Err(_) => "cut off".to_owned(),
        };
        (0..200).map(one).collect()
    };
    let first = day();
    assert_eq!(day(), first);
    let of_hundred = |what: &str| first.iter().filter(|one| one.starts_with(what)).count() / 2;
    assert!((20..40).contains(&of_hundred("Throttling")), "{first:?}");
    assert!((4..17).contains(&of_hundred("ServiceUnavailable")), "{first:?}");
    assert!((4..17).contains(&of_hundred("InternalFailure")), "{first:?}");
    assert!((11..30).contains(&of_hundred("cut off")), "{first:?}");
    proxy.heal();
    assert!((0..50).all(|_| proxy.call("iam", "ListUsers", &[]).is_ok()));
}

#[test]
fn a_reset_call_was_not_made_and_a_slow_one_takes_its_time() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.inject(Fault::Reset {
        action: "CreateUser".into(),
        times: 1,
    });
    assert!(matches!(
        proxy.call("iam", "CreateUser", &user("a")),
        Err(Error::Server(_))
    ));
    assert!(aws.call("iam", "GetUser", &user("a")).is_err());
    proxy.behave(Behaviour {
        delay: Duration::from_millis(200),
        ..Behaviour::default()
    });
    let begun = Instant::now();
    iam(&proxy, "CreateUser", &user("a"));
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_new_user_is_unknown_for_a_while_and_no_principal_for_longer() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.behave(Behaviour {
        appears_after: Duration::from_millis(300),
        principal_after: Duration::from_millis(600),
        ..strict()
    });
    iam(&proxy, "CreateUser", &user("a"));
    for action in ["GetUser", "CreateAccessKey", "ListAccessKeys", "DeleteUser"] {
        refused(&proxy, action, &user("a"), "NoSuchEntity", "The user with name a");
    }
    refused(&proxy, "CreateUser", &user("a"), "EntityAlreadyExists", "a");
    thread::sleep(Duration::from_millis(300));
    iam(&proxy, "GetUser", &user("a"));
    let trusting = trust(USER);
    let says = format!("Invalid principal in policy: \"AWS\":\"{USER}\"");
    refused(
        &proxy,
        "CreateRole",
        &role("r", &trusting),
        "MalformedPolicyDocument",
        &says,
    );
    thread::sleep(Duration::from_millis(300));
    iam(&proxy, "CreateRole", &role("r", &trusting));
    for nobody in [
        "arn:aws:iam::123456789012:user/b",
        "arn:aws:iam::123456789012:user/path/a",
        "AIDAEXAMPLE",
    ] {
        let params = [("RoleName", "s"), ("AssumeRolePolicyDocument", &trust(nobody))];
        refused(
            &proxy,
            "CreateRole",
            &params,
            "MalformedPolicyDocument",
            "Invalid principal",
        );
    }
    thread::sleep(Duration::from_millis(300));
    for somebody in ["arn:aws:iam::123456789012:root", "123456789012", "*"] {
        let params = [("RoleName", "r"), ("PolicyDocument", &trust(somebody))];
        iam(&proxy, "UpdateAssumeRolePolicy", &params);
    }
}

#[test]
fn who_is_deleted_stays_in_trust_policies_as_an_id() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.behave(strict());
    for name in ["a", "aa"] {
        iam(&proxy, "CreateUser", &user(name));
    }
    let (a, aa) = (trust(USER), trust(&format!("{USER}a")));
    iam(&proxy, "CreateRole", &role("r", &a));
    iam(&proxy, "CreateRole", &role("rr", &aa));
    iam(&proxy, "DeleteUser", &user("a"));
    iam(&proxy, "CreateUser", &user("a"));
    let role = iam(&proxy, "GetRole", &[("RoleName", "r")]);
    assert!(role.contains("AIDA") && !role.contains("user/a"), "{role}");
    let role = iam(&proxy, "GetRole", &[("RoleName", "rr")]);
    assert!(!role.contains("AIDA"), "{role}");
}

#[test]
fn what_others_hang_on_is_not_deleted() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.behave(strict());
    let managed = "arn:aws:iam::123456789012:policy/m";
    let nothing = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
    iam(
        &proxy,
        "CreatePolicy",
        &[("PolicyName", "m"), ("PolicyDocument", nothing)],
    );
    iam(&proxy, "CreateUser", &user("a"));
    iam(&proxy, "CreateGroup", &[("GroupName", "g")]);
    iam(&proxy, "CreateRole", &role("r", &trust("*")));
    let (attached, grouped) = (
        [("UserName", "a"), ("PolicyArn", managed)],
        [("UserName", "a"), ("GroupName", "g")],
    );
    let password = [("UserName", "a"), ("Password", "not-a-secret-1A")];
    let blockers: [(&str, &[_], &str, &[_], &str); 3] = [
        (
            "AttachUserPolicy",
            &attached,
            "DetachUserPolicy",
            &attached,
            "detach all policies",
        ),
        (
            "AddUserToGroup",
            &grouped,
            "RemoveUserFromGroup",
            &grouped,
            "from group",
        ),
        (
            "CreateLoginProfile",
            &password,
            "DeleteLoginProfile",
            &user("a"),
            "login profile",
        ),
    ];
    for (make, made_with, unmake, unmade_with, says) in blockers {
        iam(&proxy, make, made_with);
        refused(&proxy, "DeleteUser", &user("a"), "DeleteConflict", says);
        iam(&proxy, unmake, unmade_with);
    }
    let key = iam(&proxy, "CreateAccessKey", &user("a"));
    let id = key.split("AccessKeyId>").nth(1).unwrap().trim_end_matches("</");
    refused(&proxy, "DeleteUser", &user("a"), "DeleteConflict", "access keys");
    iam(
        &proxy,
        "DeleteAccessKey",
        &[("UserName", "a"), ("AccessKeyId", id)],
    );
    iam(&proxy, "DeleteUser", &user("a"));
    let attached = [("RoleName", "r"), ("PolicyArn", managed)];
    iam(&proxy, "AttachRolePolicy", &attached);
    refused(
        &proxy,
        "DeleteRole",
        &attached[..1],
        "DeleteConflict",
        "detach all",
    );
    iam(&proxy, "DetachRolePolicy", &attached);
    iam(&proxy, "DeleteRole", &attached[..1]);
}

#[test]
fn sizes_and_quotas_are_limits() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    proxy.behave(Behaviour {
        users: Some(2),
        roles: Some(1),
        ..strict()
    });
    let summary = iam(&proxy, "GetAccountSummary", &[]);
    for (key, value) in [("UsersQuota", 2), ("RolesQuota", 1), ("Users", 0)] {
        let entry = format!("<key>{key}</key><value>{value}</value>");
        assert!(summary.contains(&entry), "{summary}");
    }
    iam(&proxy, "CreateUser", &user("a"));
    iam(&proxy, "CreateUser", &user("b"));
    let says = "Cannot exceed quota for UsersPerAccount: 2";
    refused(&proxy, "CreateUser", &user("c"), "LimitExceeded", says);
    refused(&proxy, "CreateUser", &user("b"), "EntityAlreadyExists", "b");
    iam(&proxy, "CreateRole", &role("r", &trust("*")));
    let says = "Cannot exceed quota for RolesPerAccount: 1";
    refused(
        &proxy,
        "CreateRole",
        &role("s", &trust("*")),
        "LimitExceeded",
        says,
    );

    let policy = |size: usize| {
        let frame = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:Get\",\"Resource\":\"\"}]}";
        let resource = format!("arn:aws:s3:::{}", "x".repeat(size - frame.len() - 13));
        frame.replace("\"Resource\":\"\"", &format!("\"Resource\":\"{resource}\""))
    };
    for (kind, quota) in [("User", 2_048), ("Role", 10_240)] {
        let (action, parameter) = (format!("Put{kind}Policy"), format!("{kind}Name"));
        let name = if kind == "User" { "a" } else { "r" };
        let put = |policy_name: &'static str, document: String| {
            let params = [
                (parameter.as_str(), name),
                ("PolicyName", policy_name),
                ("PolicyDocument", &document),
            ];
            proxy.call("iam", &action, &params)
        };
        put("p", policy(quota - 200)).unwrap();
        put("p", policy(quota - 200)).unwrap();
        put("q", policy(200)).unwrap();
        let error = put("q", policy(201)).unwrap_err().to_string();
        let says = format!("Maximum policy size of {quota} bytes exceeded");
        assert!(error.contains(&says), "{error}");
    }
    let large = trust(&"9".repeat(2_048));
    let params = [("RoleName", "r"), ("PolicyDocument", large.as_str())];
    let says = "ACLSizePerRole: 2048";
    refused(&proxy, "UpdateAssumeRolePolicy", &params, "LimitExceeded", says);
}
