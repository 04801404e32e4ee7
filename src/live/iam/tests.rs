use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::*;
use crate::address::Name;
use crate::live::aws::stub::{Reply, Request, Stub, ok, refusal};
use crate::model::{AccessKey, KeyStatus};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/client01"},"Action":"sts:AssumeRole"}]}"#;
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn tags(workspace: Option<&str>) -> String {
    let Some(workspace) = workspace else {
        return String::new();
    };
    format!(
        "<Tags><member><Key>tenantctl:workspace</Key><Value>{workspace}</Value></member>\
         <member><Key>tenantctl:tenant</Key><Value>t</Value></member></Tags>"
    )
}

fn user(name: &str, workspace: Option<&str>, policy: &str) -> String {
    format!(
        "<member><UserName>{name}</UserName><Path>/</Path><UserId>AIDA{name}</UserId><Arn>arn:aws:iam::1:user/{name}</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate>{}<GroupList><member>admins</member></GroupList>\
         <UserPolicyList><member><PolicyName>assume-role</PolicyName><PolicyDocument>{}</PolicyDocument></member>\
         </UserPolicyList></member>",
        tags(workspace),
        encoded(policy),
    )
}

fn role(name: &str, workspace: Option<&str>, trust: &str) -> String {
    format!(
        "<member><RoleName>{name}</RoleName><Path>/p/</Path><RoleId>AROA</RoleId><Arn>arn:aws:iam::1:role/p/{name}</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate>{}\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument></member>",
        tags(workspace),
        encoded(trust),
    )
}

fn keys(request: &Request) -> Reply {
    let user = request.get("UserName");
    let result = format!(
        "<AccessKeyMetadata><member><UserName>{user}</UserName><AccessKeyId>AKIA{user}</AccessKeyId><Status>Inactive</Status>\
         </member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
    );
    ok("ListAccessKeys", &result)
}

fn names(list: &[&str]) -> BTreeSet<Name> {
    list.iter().map(|name| (*name).into()).collect()
}

fn scope() -> IamScope {
    IamScope {
        workspace: "prod".into(),
        users: names(&["client01", "client02"]),
        roles: names(&["rds_client01"]),
        keys_of: names(&["client01", "absent"]),
    }
}

fn addresses(read: &IamRead) -> Vec<String> {
    read.objects
        .iter()
        .map(|(address, _)| address.to_string())
        .collect()
}

#[tokio::test]
async fn pages_are_followed_and_strangers_left_out() {
    let stub = Stub::start(|request, _| match request.action.as_str() {
        "GetAccountAuthorizationDetails" if request.get("Marker").is_empty() => {
            let users = [
                user("client01", Some("prod"), POLICY),
                user("stranger", None, POLICY),
                user("Client02", None, POLICY),
            ];
            let result = format!(
                "<IsTruncated>true</IsTruncated><Marker>next</Marker><UserDetailList>{}</UserDetailList>",
                users.concat()
            );
            ok(&request.action, &result)
        }
        "GetAccountAuthorizationDetails" => {
            assert_eq!(request.get("Marker"), "next");
            let result = format!(
                "<IsTruncated>false</IsTruncated><UserDetailList>{}{}</UserDetailList><RoleDetailList>{}{}{}</RoleDetailList>",
                user("leaver", Some("prod"), "not a policy"),
                user("elsewhere", Some("test"), POLICY),
                role("rds_client01", None, TRUST),
                role("AWSServiceRoleForRDS", None, TRUST),
                role("broken", Some("prod"), "{"),
            );
            ok(&request.action, &result)
        }
        "ListAccessKeys" => keys(request),
        other => panic!("{other}"),
    })
    .await;
    let read = read(&stub.aws, &scope()).await.expect("reads");

    let expected = [
        "iam_user.client01",
        "iam_user.elsewhere",
        "iam_user.leaver",
        "iam_user_policy.client01/assume-role",
        "iam_user_policy.elsewhere/assume-role",
        "iam_role.rds_client01",
        "iam_access_key.client01/AKIAclient01",
        "iam_access_key.leaver/AKIAleaver",
    ];
    assert_eq!(addresses(&read), expected);
    assert_eq!(
        stub.aws.calls(),
        4,
        "two pages, and the keys of one wanted and one leaving user"
    );
    let gaps: Vec<_> = read.gaps.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!(gaps, ["iam_user_policy.leaver/assume-role", "iam_role.broken"]);
    let user = |name: &str| Address::IamUser { name: name.into() };
    assert_eq!(read.case_variants, [(user("client02"), user("Client02"))]);
    assert_eq!(read.marks[&user("elsewhere")].workspace, "test");
    assert_eq!(read.attachments[&user("client01")], ["group admins"]);
    let (_, key) = &read.objects[6];
    let id = Some("AKIAclient01".into());
    assert_eq!(
        key,
        &Object::AccessKey(AccessKey {
            id,
            status: KeyStatus::Inactive
        })
    );
    let (_, found) = &read.objects[5];
    let trust = PolicyDocument::parse(TRUST).expect("a policy");
    assert_eq!(
        found,
        &Object::IamRole(IamRole {
            path: "/p/".into(),
            trust
        })
    );
}

fn one_by_one(request: &Request) -> Reply {
    let action = request.action.as_str();
    let whole =
        |list: &str, member: &str| format!("<{list}>{member}</{list}><IsTruncated>false</IsTruncated>");
    let inner = |text: String| {
        text.trim_start_matches("<member>")
            .trim_end_matches("</member>")
            .to_owned()
    };
    match action {
        "GetAccountAuthorizationDetails" => refusal(403, "AccessDenied", "not authorized"),
        "ListUsers" => {
            let all = user("client01", None, POLICY)
                + &user("client02", None, POLICY)
                + &user("other", None, POLICY);
            ok(action, &whole("Users", &all))
        }
        "ListRoles" => ok(action, &whole("Roles", &role("rds_client01", None, TRUST))),
        "GetUser" if request.get("UserName") == "client02" => refusal(403, "AccessDenied", "not authorized"),
        "GetUser" => ok(
            action,
            &format!("<User>{}</User>", inner(user("client01", Some("prod"), POLICY))),
        ),
        "GetRole" => ok(
            action,
            &format!(
                "<Role>{}</Role>",
                inner(role("rds_client01", Some("prod"), TRUST))
            ),
        ),
        "ListUserPolicies" | "ListRolePolicies" => ok(action, &whole("PolicyNames", "<member>p</member>")),
        "GetUserPolicy" | "GetRolePolicy" => {
            let document = encoded(POLICY);
            ok(
                action,
                &format!(
                    "<UserName>u</UserName><RoleName>r</RoleName><PolicyName>p</PolicyName><PolicyDocument>{document}</PolicyDocument>"
                ),
            )
        }
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => {
            let member =
                "<member><PolicyName>m</PolicyName><PolicyArn>arn:aws:iam::1:policy/m</PolicyArn></member>";
            ok(action, &whole("AttachedPolicies", member))
        }
        "ListGroupsForUser" => ok(action, &whole("Groups", "")),
        "ListInstanceProfilesForRole" => ok(action, &whole("InstanceProfiles", "")),
        "ListAccessKeys" => refusal(403, "AccessDenied", "not authorized"),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn without_the_account_call_names_in_scope_are_read_one_by_one() {
    let stub = Stub::start(|request, _| one_by_one(request)).await;
    let read = read(&stub.aws, &scope()).await.expect("reads");
    let expected = [
        "iam_user.client01",
        "iam_user_policy.client01/p",
        "iam_role.rds_client01",
        "iam_role_policy.rds_client01/p",
    ];
    assert_eq!(addresses(&read), expected);
    assert_eq!(read.marks.len(), 2);
    let gaps: Vec<_> = read.gaps.iter().map(|(address, _)| address.to_string()).collect();
    assert_eq!(
        gaps,
        ["iam_user.client02", "iam_access_key.client01"],
        "what is denied is a gap, not absent"
    );
    let user = Address::IamUser {
        name: "client01".into(),
    };
    assert_eq!(
        read.attachments[&user],
        ["managed policy arn:aws:iam::1:policy/m"]
    );
    assert!(read.notes[0].contains("iam:GetAccountAuthorizationDetails"));
}

#[tokio::test]
async fn a_policy_that_goes_while_it_is_read_leaves_a_gap_and_a_user_that_goes_leaves_none() {
    let gone = || refusal(404, "NoSuchEntity", "gone");
    for (vanishing, gaps) in [("GetUserPolicy", 1), ("GetUser", 0)] {
        let stub = Stub::start(move |request, _| match request.action.as_str() {
            action if action == vanishing => gone(),
            "GetUser" => {
                let name = request.get("UserName");
                let member = user(name, Some("prod"), POLICY);
                let inner = member.replace("<member><UserName>", "<User><UserName>");
                let inner = inner.strip_suffix("</member>").unwrap_or_default().to_owned();
                ok("GetUser", &(inner + "</User>"))
            }
            _ => one_by_one(request),
        })
        .await;
        let mut scope = scope();
        scope.users.remove("client02");
        scope.keys_of.clear();
        let read = read(&stub.aws, &scope).await.expect("reads");
        assert_eq!(read.gaps.len(), gaps, "{vanishing}: {:?}", read.gaps);
        assert_eq!(addresses(&read)[0], "iam_role.rds_client01");
    }
}

#[tokio::test]
async fn any_other_failure_of_the_account_call_is_an_error() {
    let stub = Stub::start(|_, _| refusal(400, "ExpiredToken", "expired")).await;
    let error = read(&stub.aws, &scope()).await.expect_err("expired");
    assert_eq!(error.kind(), AwsErrorKind::Expired);
}

/// Users of a page that nobody asked for would look as if they were gone.
#[tokio::test]
async fn pages_that_end_too_early_are_an_error() {
    let stub = Stub::start(|request, _| {
        let result = format!(
            "<IsTruncated>true</IsTruncated><UserDetailList>{}</UserDetailList>",
            user("client01", Some("prod"), POLICY)
        );
        ok(&request.action, &result)
    })
    .await;
    let error = read(&stub.aws, &scope()).await.expect_err("half of the account");
    assert!(
        error.to_string().contains("the last page did not come"),
        "{error}"
    );
}

/// "Not found" is no answer to what keys a user has that was made a moment ago.
#[tokio::test]
async fn the_keys_of_a_new_user_are_waited_for() {
    for (created, keys_found) in [("2026-01-01T00:00:00Z", 0), ("2999-01-01T00:00:00Z", 1)] {
        let stub = Stub::start(move |request, before| match request.action.as_str() {
            "GetAccountAuthorizationDetails" => {
                let user = user("client01", Some("prod"), POLICY).replace("2026-01-01T00:00:00Z", created);
                let result =
                    format!("<IsTruncated>false</IsTruncated><UserDetailList>{user}</UserDetailList>");
                ok(&request.action, &result)
            }
            "ListAccessKeys" if before < 2 => refusal(404, "NoSuchEntity", "not found"),
            _ => keys(request),
        })
        .await;
        let read = read(&stub.aws, &scope()).await.expect("reads");
        let is_key = |address: &Address| matches!(address, Address::IamAccessKey { .. });
        let found = read.objects.iter().filter(|(address, _)| is_key(address));
        assert_eq!(found.count(), keys_found, "created {created}");
        assert_eq!(read.recent.len(), keys_found, "created {created}");
        assert_eq!(read.gaps, Vec::new());
    }
}

#[test]
fn half_a_mark_is_none() {
    let tag = |key: &str| Tag::builder().key(key).value("x").build().expect("a tag");
    assert_eq!(mark_of(&[tag(WORKSPACE_TAG)]), None);
    assert!(mark_of(&[tag(WORKSPACE_TAG), tag(TENANT_TAG)]).is_some());
}
