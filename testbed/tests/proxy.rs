//! The proxy counts, and fails when told to.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use tenantctl_testbed::{Aws, AwsProxy, Error, Fault};

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
