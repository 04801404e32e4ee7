use std::time::Duration;

use super::*;
use crate::address::{Name, TenantId};
use crate::live::aws::stub::{Reply, Request, Stub, ok, refusal};
use crate::model::iam::WORKSPACE_TAG;

const ARN: &str = "arn:aws:iam::123456789012:user/client01";

fn patience() -> Patience {
    let short = Duration::from_millis(400);
    Patience {
        first_pause: Duration::from_millis(2),
        longest_pause: Duration::from_millis(20),
        principal: short,
        appearance: short,
        removal: short,
        busy: short,
        throttled: short,
    }
}

fn mark() -> Mark {
    Mark {
        workspace: "prod".into(),
        tenant: TenantId::new("client01"),
    }
}

fn create_user() -> IamCommand {
    IamCommand::CreateUser {
        user: "client01".into(),
        path: "/".into(),
        mark: mark().into(),
    }
}

fn create_role(principal: &str) -> IamCommand {
    IamCommand::CreateRole {
        role: "rds_client01".into(),
        path: "/".into(),
        trust: PolicyDocument::trust_denied(principal),
        mark: mark().into(),
    }
}

fn put_policy() -> IamCommand {
    IamCommand::PutUserPolicy {
        user: "client01".into(),
        policy: "assume-role".into(),
        document: PolicyDocument::assume_role("arn:aws:iam::123456789012:role/r"),
    }
}

fn tags(tenant: Option<&str>) -> String {
    let Some(tenant) = tenant else {
        return String::new();
    };
    format!(
        "<Tags><member><Key>tenantctl:workspace</Key><Value>prod</Value></member>\
         <member><Key>tenantctl:tenant</Key><Value>{tenant}</Value></member></Tags>"
    )
}

fn user(tenant: Option<&str>) -> String {
    format!(
        "<User><UserName>client01</UserName><Path>/</Path><UserId>AIDA1</UserId><Arn>{ARN}</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate>{}</User>",
        tags(tenant)
    )
}

fn role(tenant: Option<&str>, trust: &PolicyDocument) -> String {
    format!(
        "<Role><RoleName>rds_client01</RoleName><Path>/</Path><RoleId>AROA1</RoleId><Arn>arn:aws:iam::1:role/rds_client01</Arn>\
         <CreateDate>2026-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>{}</Role>",
        trust.to_json().replace('"', "&quot;"),
        tags(tenant)
    )
}

/// What IAM answers when nothing is odd.
fn plain(request: &Request) -> Reply {
    let trust = PolicyDocument::trust_denied(ARN);
    let result = match request.action.as_str() {
        "CreateUser" => user(None),
        "CreateRole" => role(None, &trust),
        "CreateAccessKey" => {
            "<AccessKey><UserName>client01</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status>\
             <SecretAccessKey>s3cr3t</SecretAccessKey></AccessKey>"
                .to_owned()
        }
        _ => String::new(),
    };
    ok(&request.action, &result)
}

fn invalid_principal() -> Reply {
    refusal(
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy: \"AWS\":\"...\"",
    )
}

fn writer(stub: &Stub) -> IamWriter {
    IamWriter::with_patience(&stub.aws, patience())
}

#[tokio::test]
async fn a_principal_of_this_run_is_waited_for() {
    let stub = Stub::start(|request, before| match request.action.as_str() {
        "CreateRole" if before < 3 => invalid_principal(),
        _ => plain(request),
    })
    .await;
    let writer = writer(&stub);
    writer.run(&create_user()).await.expect("creates");
    writer.run(&create_role(ARN)).await.expect("waits");
    assert_eq!(stub.count("CreateRole"), 4);
    let requests = stub.requests();
    let sent = requests.last().expect("a request");
    assert_eq!(sent.get("Tags.member.1.Key"), WORKSPACE_TAG);
    assert_eq!(sent.get("Tags.member.2.Value"), "client01");
    assert_eq!(
        sent.get("AssumeRolePolicyDocument"),
        PolicyDocument::trust_denied(ARN).to_json()
    );
    assert_eq!(sent.get("MaxSessionDuration"), "");
}

#[tokio::test]
async fn any_other_principal_and_any_other_fault_of_a_policy_fails_at_once() {
    let stub = Stub::start(|request, _| match request.action.as_str() {
        "CreateRole" => invalid_principal(),
        _ => plain(request),
    })
    .await;
    let writer = writer(&stub);
    writer.run(&create_user()).await.expect("creates");
    let other = create_role("arn:aws:iam::123456789012:user/clietn01");
    let error = writer.run(&other).await.expect_err("a typo");
    assert_eq!(error.kind(), AwsErrorKind::MalformedPolicy);
    assert_eq!(stub.count("CreateRole"), 1);

    let stub = Stub::start(|request, _| match request.action.as_str() {
        "CreateRole" => refusal(400, "MalformedPolicyDocument", "Syntax errors in policy."),
        _ => plain(request),
    })
    .await;
    let writer = self::writer(&stub);
    writer.run(&create_user()).await.expect("creates");
    writer.run(&create_role(ARN)).await.expect_err("a fault");
    assert_eq!(stub.count("CreateRole"), 1);
}

#[tokio::test]
async fn a_principal_that_never_appears_is_given_up() {
    let stub = Stub::start(|request, _| match request.action.as_str() {
        "CreateRole" => invalid_principal(),
        _ => plain(request),
    })
    .await;
    let writer = writer(&stub);
    writer.run(&create_user()).await.expect("creates");
    let error = writer.run(&create_role(ARN)).await.expect_err("never");
    assert!(error.to_string().contains("Invalid principal"), "{error}");
    assert!(stub.count("CreateRole") > 3);
}

#[tokio::test]
async fn what_this_run_made_is_waited_for_and_nothing_else() {
    let absent = || {
        refusal(
            404,
            "NoSuchEntity",
            "The user with name client01 cannot be found.",
        )
    };
    let stub = Stub::start(move |request, before| match request.action.as_str() {
        "PutUserPolicy" if before < 2 => absent(),
        _ => plain(request),
    })
    .await;
    let writer = writer(&stub);
    writer.run(&create_user()).await.expect("creates");
    writer.run(&put_policy()).await.expect("waits");
    assert_eq!(stub.count("PutUserPolicy"), 3);

    let stub = Stub::start(move |_, _| absent()).await;
    let error = self::writer(&stub).run(&put_policy()).await.expect_err("absent");
    assert_eq!(error.kind(), AwsErrorKind::NotFound);
    assert_eq!(stub.count("PutUserPolicy"), 1);
}

/// A run that was killed made them, and the next began at once.
#[tokio::test]
async fn what_was_new_when_the_run_began_is_waited_for_and_nothing_older() {
    let user = Address::IamUser {
        name: "client01".into(),
    };
    for (age, waited) in [(Duration::ZERO, true), (Duration::from_secs(60), false)] {
        let stub = Stub::start(|request, before| match request.action.as_str() {
            "PutUserPolicy" | "DeleteUserPolicy" | "ListAccessKeys" if before < 2 => {
                refusal(404, "NoSuchEntity", "The user cannot be found.")
            }
            "CreateRole" if before < 2 => invalid_principal(),
            _ => plain(request),
        })
        .await;
        let arn = ARN.to_owned();
        let recent = BTreeMap::from([(user.clone(), Recent { arn, age })]);
        let writer = writer(&stub).expecting(&recent);
        assert_eq!(writer.run(&put_policy()).await.is_ok(), waited);
        let remove = IamCommand::DeleteUserPolicy {
            user: "client01".into(),
            policy: "assume-role".into(),
        };
        // To IAM "not found" and "not found yet" are the same; of what is old it is the first.
        writer.run(&remove).await.expect("removes");
        assert_eq!(stub.count("DeleteUserPolicy"), if waited { 3 } else { 1 });
        assert_eq!(writer.access_key_ids("client01").await.is_ok(), waited);
        writer
            .run(&create_role(ARN))
            .await
            .expect("a principal comes late");
    }
}

#[tokio::test]
async fn what_exists_is_ours_by_its_tags_alone() {
    let exists = || refusal(409, "EntityAlreadyExists", "exists");
    let old = PolicyDocument::trust_denied("arn:aws:iam::123456789012:user/old");
    for (tenant, ours) in [(Some("client01"), true), (Some("client02"), false), (None, false)] {
        let old = old.clone();
        let stub = Stub::start(move |request, _| match request.action.as_str() {
            "CreateUser" | "CreateRole" => exists(),
            "GetUser" => ok("GetUser", &user(tenant)),
            "GetRole" => ok("GetRole", &role(tenant, &old)),
            _ => plain(request),
        })
        .await;
        let writer = writer(&stub);
        for command in [create_user(), create_role(ARN)] {
            match writer.run(&command).await {
                Ok(()) => assert!(ours, "{tenant:?}"),
                Err(error) => {
                    assert!(!ours, "{error}");
                    assert_eq!(error.kind(), AwsErrorKind::NotOurs);
                    assert!(error.to_string().contains("exists, not ours"), "{error}");
                }
            }
        }
        assert_eq!(stub.count("UpdateAssumeRolePolicy"), usize::from(ours));
    }
}

/// Whose it is is unknown then: to say that it is somebody's would send people to adopt what is theirs.
#[tokio::test]
async fn what_exists_and_may_not_be_looked_at_is_said_so() {
    let stub = Stub::start(|request, _| match request.action.as_str() {
        "CreateUser" => refusal(409, "EntityAlreadyExists", "exists"),
        _ => refusal(403, "AccessDenied", "not authorized"),
    })
    .await;
    let error = writer(&stub).run(&create_user()).await.expect_err("denied");
    assert_eq!(
        (error.kind(), error.operation()),
        (AwsErrorKind::Denied, "iam:GetUser")
    );
}

#[tokio::test]
async fn deleting_what_is_gone_succeeds() {
    let stub = Stub::start(|_, _| refusal(404, "NoSuchEntity", "gone")).await;
    let writer = writer(&stub);
    let (user, role, policy, id) = (
        Name::from("u"),
        Name::from("r"),
        Name::from("p"),
        Name::from("AKIA1"),
    );
    let commands = [
        IamCommand::DeleteAccessKey {
            user: user.clone(),
            id: id.clone(),
        },
        IamCommand::UpdateAccessKey {
            user: user.clone(),
            id,
            status: KeyStatus::Inactive,
        },
        IamCommand::DeleteUserPolicy {
            user: user.clone(),
            policy: policy.clone(),
        },
        IamCommand::DeleteRolePolicy {
            role: role.clone(),
            policy,
        },
        IamCommand::DeleteRole { role },
        IamCommand::DeleteUser { user },
    ];
    for command in &commands {
        writer.run(command).await.expect("done already");
    }
    assert_eq!(stub.requests().len(), commands.len());
}

#[tokio::test]
async fn a_conflict_after_our_own_removal_is_waited_out_and_any_other_is_explained() {
    let conflict = || {
        refusal(
            409,
            "DeleteConflict",
            "Cannot delete entity, must remove things first.",
        )
    };
    let stub = Stub::start(move |request, before| match request.action.as_str() {
        "DeleteUser" if before < 2 => conflict(),
        _ => plain(request),
    })
    .await;
    let writer = writer(&stub);
    let user = Name::from("client01");
    let remove = IamCommand::DeleteUserPolicy {
        user: user.clone(),
        policy: "assume-role".into(),
    };
    let delete = IamCommand::DeleteUser { user };
    writer.run(&remove).await.expect("removes");
    writer.run(&delete).await.expect("waits");

    let stub = Stub::start(move |request, _| match request.action.as_str() {
        "DeleteUser" => conflict(),
        "ListGroupsForUser" => ok(
            "ListGroupsForUser",
            "<Groups><member><Path>/</Path><GroupName>admins</GroupName><GroupId>A</GroupId><Arn>a</Arn>\
             <CreateDate>2026-01-01T00:00:00Z</CreateDate></member></Groups><IsTruncated>false</IsTruncated>",
        ),
        "GetLoginProfile" => refusal(404, "NoSuchEntity", "none"),
        _ => refusal(403, "AccessDenied", "not authorized"),
    })
    .await;
    let error = self::writer(&stub).run(&delete).await.expect_err("in a group");
    assert_eq!(stub.count("DeleteUser"), 1);
    assert!(error.to_string().contains("group admins"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_never_makes_a_second_key() {
    let stub = Stub::start(|_, _| refusal(503, "ServiceUnavailable", "try again")).await;
    writer(&stub)
        .create_access_key("client01")
        .await
        .expect_err("unknown");
    assert_eq!(stub.count("CreateAccessKey"), 1);

    let stub = Stub::start(|request, before| match before {
        0 => refusal(400, "Throttling", "Rate exceeded"),
        _ => plain(request),
    })
    .await;
    let (id, secret) = writer(&stub)
        .create_access_key("client01")
        .await
        .expect("refused, then made");
    assert_eq!((id.as_str(), secret.expose()), ("AKIA1", "s3cr3t"));
}

#[tokio::test]
async fn no_more_than_five_writes_run_at_a_time() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (Arc::clone(&running), Arc::clone(&most));
    let stub = Stub::start(move |request, _| {
        peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
        inside.fetch_sub(1, Ordering::SeqCst);
        plain(request)
    })
    .await;
    let (writer, command) = (writer(&stub), put_policy());
    let calls = (0..20).map(|_| writer.run(&command));
    for answer in futures_util::future::join_all(calls).await {
        answer.expect("puts");
    }
    assert_eq!(most.load(Ordering::SeqCst), 5);
}
