//! Leaks by IAM policies.

use crate::leaks::{Act, Leak};

pub const ACCOUNT: &str = "123456789012";

fn allow(action: &str, resource: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"{more}}}]}}"#
    )
}

fn connect(user: &str) -> String {
    allow(
        "rds-db:connect",
        &format!("arn:aws:rds-db:*:*:dbuser:*/{user}"),
        "",
    )
}

pub fn leak(what: &'static str, act: Vec<Act>, undo: Vec<Act>, found: [&'static str; 3]) -> Leak {
    Leak {
        what,
        only: None,
        act,
        undo,
        arguments: &[],
        found: vec![found],
    }
}

/// An inline policy more, of a user or a role.
fn inline(
    what: &'static str,
    kind: &'static str,
    name: &'static str,
    policy: String,
    found: [&'static str; 3],
) -> Leak {
    let (put, delete, key) = match kind {
        "user" => ("PutUserPolicy", "DeleteUserPolicy", "UserName"),
        _ => ("PutRolePolicy", "DeleteRolePolicy", "RoleName"),
    };
    let names = vec![(key, name.to_owned()), ("PolicyName", "leak".to_owned())];
    let mut parameters = names.clone();
    parameters.push(("PolicyDocument", policy));
    leak(
        what,
        vec![Act::Iam(put, parameters)],
        vec![Act::Iam(delete, names)],
        found,
    )
}

/// Somebody who is no tenant, with a policy.
fn outsider(what: &'static str, policy: String, found: [&'static str; 3]) -> Leak {
    let name = || vec![("UserName", "mallory".to_owned())];
    let mut leak = inline(what, "user", "mallory", policy, found);
    leak.act.insert(0, Act::Iam("CreateUser", name()));
    leak.undo.push(Act::Iam("DeleteUser", name()));
    leak
}

pub fn all() -> Vec<Leak> {
    [policies(), outsiders()].concat()
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
fn policies() -> Vec<Leak> {
    let address = r#","Condition":{"IpAddress":{"aws:SourceIp":"109.241.200.168/32"}}"#;
    vec![
        inline(
            "the user itself may connect",
            "user",
            "client01",
            connect("client01"),
            [
                "iam-user-connects",
                "iam_user.client01",
                "arn:aws:iam::123456789012:user/client01 -> inline policy leak -> rds-db:connect as client01",
            ],
        ),
        inline(
            "a user may connect as another",
            "user",
            "client02",
            connect("client01"),
            [
                "iam-cross-tenant",
                "iam_user.client02",
                "arn:aws:iam::123456789012:user/client02 -> inline policy leak -> rds-db:connect as client01",
            ],
        ),
        inline(
            "a role may connect as all by a pattern",
            "role",
            "rds_cluster_client02",
            connect("client0?"),
            [
                "iam-cross-tenant",
                "iam_role.rds_cluster_client02",
                "arn:aws:iam::123456789012:role/rds_cluster_client02 -> inline policy leak -> rds-db:connect as client01",
            ],
        ),
        inline(
            "a role may do anything",
            "role",
            "rds_cluster_client02",
            allow("*", "*", ""),
            [
                "iam-cross-tenant",
                "iam_role.rds_cluster_client02",
                "arn:aws:iam::123456789012:role/rds_cluster_client02 -> inline policy leak -> rds-db:connect as client01",
            ],
        ),
        inline(
            "a gate that AWS does not look at",
            "role",
            "rds_cluster_client01",
            allow("rds-db:connect", "arn:aws:rds-db:*:*:dbuser:*/client01", address),
            [
                "condition-ignored",
                "iam_role.rds_cluster_client01",
                "arn:aws:iam::123456789012:role/rds_cluster_client01 -> inline policy leak -> aws:SourceIp",
            ],
        ),
        inline(
            "a tenant that reads buckets",
            "user",
            "client01",
            allow("s3:GetObject", "*", ""),
            [
                "iam-beyond-declared",
                "iam_user.client01",
                "arn:aws:iam::123456789012:user/client01 -> inline policy leak",
            ],
        ),
        group(
            "a tenant in a group",
            allow("s3:*", "*", ""),
            "client01",
            [
                "iam-beyond-declared",
                "iam_user.client01",
                "arn:aws:iam::123456789012:user/client01 -> inline policy leak of group staff",
            ],
        ),
        group(
            "a tenant in a group that may connect",
            connect("*"),
            "client02",
            [
                "iam-cross-tenant",
                "iam_user.client02",
                "arn:aws:iam::123456789012:user/client02 -> inline policy leak of group staff -> rds-db:connect as client01",
            ],
        ),
        managed(
            "a managed policy on a tenant's role",
            connect("client01"),
            [
                "iam-cross-tenant",
                "iam_role.rds_cluster_client02",
                "arn:aws:iam::123456789012:role/rds_cluster_client02 -> managed policy arn:aws:iam::123456789012:policy/leak -> \
              rds-db:connect as client01",
            ],
        ),
    ]
}

fn group(what: &'static str, policy: String, user: &'static str, found: [&'static str; 3]) -> Leak {
    let group = || ("GroupName", "staff".to_owned());
    let user = || ("UserName", user.to_owned());
    let name = || ("PolicyName", "leak".to_owned());
    leak(
        what,
        vec![
            Act::Iam("CreateGroup", vec![group()]),
            Act::Iam(
                "PutGroupPolicy",
                vec![group(), name(), ("PolicyDocument", policy)],
            ),
            Act::Iam("AddUserToGroup", vec![group(), user()]),
        ],
        vec![
            Act::Iam("RemoveUserFromGroup", vec![group(), user()]),
            Act::Iam("DeleteGroupPolicy", vec![group(), name()]),
            Act::Iam("DeleteGroup", vec![group()]),
        ],
        found,
    )
}

fn managed(what: &'static str, policy: String, found: [&'static str; 3]) -> Leak {
    let arn = || ("PolicyArn", format!("arn:aws:iam::{ACCOUNT}:policy/leak"));
    let role = || ("RoleName", "rds_cluster_client02".to_owned());
    leak(
        what,
        vec![
            Act::Iam(
                "CreatePolicy",
                vec![("PolicyName", "leak".to_owned()), ("PolicyDocument", policy)],
            ),
            Act::Iam("AttachRolePolicy", vec![role(), arn()]),
        ],
        vec![
            Act::Iam("DetachRolePolicy", vec![role(), arn()]),
            Act::Iam("DeletePolicy", vec![arn()]),
        ],
        found,
    )
}

fn outsiders() -> Vec<Leak> {
    let found = [
        "iam-outsider-connects",
        "iam_user.mallory",
        "arn:aws:iam::123456789012:user/mallory -> inline policy leak -> rds-db:connect as client01",
    ];
    let mut for_one = outsider("all, asked about the second", allow("rds-db:*", "*", ""), found);
    for_one.arguments = &["--tenant", "client02"];
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#);
    vec![
        for_one,
        outsider("somebody else may connect as one", connect("client01"), found),
        outsider(
            "somebody else may connect as all",
            allow("rds-db:*", "*", ""),
            found,
        ),
        outsider(
            "everything but IAM",
            statement(r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#),
            found,
        ),
        outsider(
            "everything but a bucket",
            statement(r#"{"Effect":"Allow","Action":"rds-db:connect","NotResource":"arn:aws:s3:::bucket"}"#),
            found,
        ),
        outsider(
            "under a condition",
            allow(
                "rds-db:connect",
                "*",
                r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            ),
            found,
        ),
        outsider(
            "denied one of two",
            statement(
                r#"{"Effect":"Allow","Action":"rds-db:connect","Resource":"*"},
                   {"Effect":"Deny","Action":"rds-db:connect","Resource":"arn:aws:rds-db:*:*:dbuser:*/client02"}"#,
            ),
            found,
        ),
    ]
}
