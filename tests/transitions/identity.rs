//! How a tenant logs in, and what becomes of its IAM identity.

use tenantctl::address::Address;
use tenantctl::model::iam::ASSUME_ROLE_POLICY;
use tenantctl::model::{IamRole, Object, PolicyDocument};

use crate::applied::add_member;
use crate::world::{ADMIN, ONE, RECIPIENT, Small, iam_role, iam_user, key};

const BY_PASSWORD: &str = r#"
tenant "client01" {
  databases    = ["db1"]
  rds_iam_auth = false
}
"#;

#[test]
fn from_password_to_iam() {
    let file = BY_PASSWORD.replace(
        "false",
        &format!("false\n  handover {{ recipient = \"{RECIPIENT}\" }}"),
    );
    insta::assert_snapshot!(Small::applied(&file).asks(ONE).shown());
}

#[test]
fn from_iam_to_password() {
    let handover = format!("handover {{ recipient = \"{RECIPIENT}\" }}\n  databases");
    let before = ONE.replace("databases", &handover);
    let after = BY_PASSWORD.replace("databases", &handover);
    insta::assert_snapshot!(Small::applied(&before).asks(&after).shown());
}

#[test]
fn a_password_tenant_that_somebody_put_into_rds_iam() {
    let small = Small::applied(BY_PASSWORD).edit(|live| add_member(live, "rds_iam", "client01", ADMIN));
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_user_that_was_made_anew() {
    let small = Small::applied(ONE).edit(|live| {
        let Some(Object::IamRole(IamRole { path, .. })) =
            live.world.remove(&iam_role("rds_cluster_client01"))
        else {
            panic!("an IAM role")
        };
        let trust = PolicyDocument::parse(
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": "AIDAEXAMPLEEXAMPLE"},
                "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.7/32", "203.0.113.8/32"]}}}]}"#,
        )
        .expect("a policy");
        let object = Object::IamRole(IamRole { path, trust });
        live.world.insert(iam_role("rds_cluster_client01"), object);
    });
    insta::assert_snapshot!(small.shown());
}

/// Its trust policy reads the same, but IAM keeps the unique id of the user that is gone.
#[test]
fn a_user_that_is_gone() {
    let small = Small::applied(ONE).edit(|live| {
        let user = iam_user("client01");
        live.marks.remove(&user);
        live.world.remove(&user);
        live.world.remove(&Address::IamUserPolicy {
            user: "client01".into(),
            name: ASSUME_ROLE_POLICY.into(),
        });
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn policies_that_were_widened() {
    let small = Small::applied(ONE).edit(|live| {
        let anything = PolicyDocument::parse(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
        )
        .expect("a policy");
        for name in ["rds-connect", "extra"] {
            let address = Address::IamRolePolicy {
                role: "rds_cluster_client01".into(),
                name: name.into(),
            };
            live.world.insert(address, Object::Policy(anything.clone()));
        }
        let attached = vec!["managed policy arn:aws:iam::aws:policy/AdministratorAccess".to_owned()];
        live.attachments.insert(iam_user("client01"), attached);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn leaving_with_what_others_hung_on_it() {
    let small = Small::applied(&format!("{ONE}\n# goes\n")).asks("").edit(|live| {
        let attached = vec!["group developers".to_owned()];
        live.attachments.insert(iam_user("client01"), attached);
    });
    insta::assert_snapshot!(small.shown());
}

/// What could not be read is no reason to believe that it is not there.
#[test]
fn leaving_with_keys_that_could_not_be_read() {
    let small = Small::applied(ONE).asks("").edit(|live| {
        live.gaps
            .insert(key("client01", None), "iam:ListAccessKeys was denied".into());
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn names_that_differ_in_case_alone() {
    let small = Small::untouched(ONE).edit(|live| {
        live.case_variants
            .push((iam_user("client01"), iam_user("Client01")));
    });
    insta::assert_snapshot!(small.shown());
}
