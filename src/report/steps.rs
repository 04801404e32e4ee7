//! Steps as the exact SQL or API calls, secrets as `(sensitive)`.

use serde_json::{Value, json};

use crate::model::KeyStatus;
use crate::model::iam::{TENANT_TAG, WORKSPACE_TAG};
use crate::model::quote::{quote_identifier, quote_literal};
use crate::model::secret::SENSITIVE;
use crate::model::{Mark, PolicyDocument};
use crate::plan::{Command, HandOver, IamCommand, Step};

/// What a step does, a line a statement or call.
pub(super) fn lines(step: &Step) -> Vec<String> {
    match &step.command {
        Command::Admin(sql) => sql.statements.iter().map(ToString::to_string).collect(),
        Command::Inside { database, sql } => sql
            .statements
            .iter()
            .map(|statement| format!("[{database}] {statement}"))
            .collect(),
        Command::DropOwned {
            database, statements, ..
        } => {
            let place = database
                .as_ref()
                .map_or_else(String::new, |name| format!("[{name}] "));
            statements
                .iter()
                .map(|statement| format!("{place}{statement}"))
                .collect()
        }
        Command::Alone { statement } => vec![statement.to_string()],
        Command::GrantMembership { role, member } => {
            vec![format!(
                "GRANT {} TO {}",
                quote_identifier(role),
                quote_identifier(member)
            )]
        }
        Command::HandOverPassword { role, handover } => vec![
            file(handover),
            format!(
                "ALTER ROLE {} PASSWORD {}",
                quote_identifier(role),
                quote_literal(SENSITIVE)
            ),
        ],
        Command::EndSessions { role, database } => {
            let mut condition = format!("usename = {}", quote_literal(role));
            if let Some(database) = database {
                condition = format!("{condition} AND datname = {}", quote_literal(database));
            }
            vec![format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}"
            )]
        }
        Command::Iam(command) => iam(command),
        Command::Record => vec!["record it in the ledger".to_owned()],
    }
}

fn file(handover: &HandOver) -> String {
    format!(
        "write handover/{}.age {SENSITIVE} for {}",
        handover.tenant, handover.recipient
    )
}

fn iam(command: &IamCommand) -> Vec<String> {
    let (call, arguments) = match command {
        IamCommand::CreateUser { user, path, mark } => (
            "CreateUser",
            json!({ "UserName": user, "Path": path, "Tags": tags(mark) }),
        ),
        IamCommand::TagUser { user, mark } => ("TagUser", json!({ "UserName": user, "Tags": tags(mark) })),
        IamCommand::RenameUser { user, to } => ("UpdateUser", json!({ "UserName": user, "NewUserName": to })),
        IamCommand::PutUserPolicy {
            user,
            policy,
            document,
        } => (
            "PutUserPolicy",
            json!({ "UserName": user, "PolicyName": policy, "PolicyDocument": parsed(document) }),
        ),
        IamCommand::CreateRole {
            role,
            path,
            trust,
            mark,
        } => (
            "CreateRole",
            json!({
                "RoleName": role, "Path": path, "AssumeRolePolicyDocument": parsed(trust), "Tags": tags(mark)
            }),
        ),
        IamCommand::TagRole { role, mark } => ("TagRole", json!({ "RoleName": role, "Tags": tags(mark) })),
        IamCommand::UpdateAssumeRolePolicy { role, trust } => (
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": role, "PolicyDocument": parsed(trust) }),
        ),
        IamCommand::PutRolePolicy {
            role,
            policy,
            document,
        } => (
            "PutRolePolicy",
            json!({ "RoleName": role, "PolicyName": policy, "PolicyDocument": parsed(document) }),
        ),
        IamCommand::CreateAccessKey { user, handover } => {
            let call = format!("iam:CreateAccessKey {}", json!({ "UserName": user }));
            return vec![call, file(handover)];
        }
        IamCommand::UpdateAccessKey { user, id, status } => {
            let status = match status {
                KeyStatus::Active => "Active",
                KeyStatus::Inactive => "Inactive",
            };
            (
                "UpdateAccessKey",
                json!({ "UserName": user, "AccessKeyId": id, "Status": status }),
            )
        }
        IamCommand::DeleteAccessKey { user, id } => {
            ("DeleteAccessKey", json!({ "UserName": user, "AccessKeyId": id }))
        }
        IamCommand::DeleteUserPolicy { user, policy } => (
            "DeleteUserPolicy",
            json!({ "UserName": user, "PolicyName": policy }),
        ),
        IamCommand::DeleteRolePolicy { role, policy } => (
            "DeleteRolePolicy",
            json!({ "RoleName": role, "PolicyName": policy }),
        ),
        IamCommand::DeleteRole { role } => ("DeleteRole", json!({ "RoleName": role })),
        IamCommand::DeleteUser { user } => ("DeleteUser", json!({ "UserName": user })),
    };
    vec![format!("iam:{call} {arguments}")]
}

fn tags(mark: &Mark) -> Value {
    json!([
        { "Key": WORKSPACE_TAG, "Value": mark.workspace },
        { "Key": TENANT_TAG, "Value": mark.tenant },
    ])
}

fn parsed(document: &PolicyDocument) -> Value {
    serde_json::from_str(&document.to_json()).unwrap_or(Value::Null)
}
