//! Lists come in pages when the proxy is told so.

#![allow(clippy::unwrap_used, reason = "a test says by panicking what went wrong")]

use tenantctl_testbed::{Aws, AwsProxy, Behaviour};

const TRUST: &str = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\
                     \"Action\":\"sts:AssumeRole\"}]}";

#[track_caller]
fn iam(proxy: &AwsProxy, action: &str, params: &[(&str, &str)]) -> String {
    proxy.call("iam", action, params).unwrap()
}

#[test]
fn pages_of_one_hold_together_what_one_page_holds() {
    let aws = Aws::start().unwrap();
    let proxy = AwsProxy::start(&aws).unwrap();
    for name in ["a", "b", "c"] {
        iam(&proxy, "CreateUser", &[("UserName", name)]);
        iam(
            &proxy,
            "CreateRole",
            &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)],
        );
    }
    for _ in 0..2 {
        iam(&proxy, "CreateAccessKey", &[("UserName", "b")]);
    }
    let lists: [(&str, &[_], &str); 4] = [
        ("ListUsers", &[], "UserName"),
        ("ListRoles", &[], "RoleName"),
        ("ListAccessKeys", &[("UserName", "b")], "AccessKeyId"),
        ("GetAccountAuthorizationDetails", &[], "Arn"),
    ];
    for (action, params, item) in lists {
        let opening = format!("<{item}>");
        let items = |answer: &str| -> Vec<String> {
            let parts = answer.split(opening.as_str()).skip(1);
            parts
                .map(|part| part.split('<').next().unwrap().to_owned())
                .collect()
        };
        proxy.heal();
        let whole = items(&iam(&proxy, action, params));
        proxy.behave(Behaviour {
            page: Some(1),
            ..Behaviour::default()
        });
        let (mut found, mut marker, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let marked = marker.as_deref().map(|marker| ("Marker", marker));
            let params: Vec<_> = params.iter().copied().chain(marked).collect();
            let answer = iam(&proxy, action, &params);
            let page = items(&answer);
            assert!(page.len() <= 1, "{answer}");
            found.extend(page);
            pages += 1;
            let Some(next) = answer.split("<Marker>").nth(1) else {
                break;
            };
            marker = Some(next.split('<').next().unwrap().to_owned());
        }
        assert_eq!(found, whole, "{action}");
        let empty = usize::from(action == "GetAccountAuthorizationDetails");
        assert_eq!(pages, whole.len() + empty, "{action}");
    }
}
