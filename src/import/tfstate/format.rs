//! The file itself.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::StateError;
use crate::import::literal;

/// The version of the format that Terraform writes since 0.12.
const VERSION: u64 = 4;

#[derive(Deserialize)]
struct File {
    version: Option<u64>,
    encrypted_data: Option<IgnoredAny>,
    /// Of `terraform show -json`.
    format_version: Option<IgnoredAny>,
    #[serde(default)]
    resources: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    module: Option<String>,
    #[serde(default)]
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    index_key: Option<Index>,
    attributes: Option<Attributes>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Index {
    Number(u64),
    Text(String),
}

/// The attributes that are read, of any type of resource, and no others: passwords and keys are passed over unread.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Attributes {
    name: Option<Value>,
    arn: Option<Value>,
    user: Option<Value>,
    users: Option<Value>,
    role: Option<Value>,
    roles: Option<Value>,
    policy: Option<Value>,
    policy_arn: Option<Value>,
    assume_role_policy: Option<Value>,
    inline_policy: Option<Value>,
    login: Option<Value>,
    superuser: Option<Value>,
    create_database: Option<Value>,
    create_role: Option<Value>,
    replication: Option<Value>,
    bypass_row_level_security: Option<Value>,
    connection_limit: Option<Value>,
    search_path: Option<Value>,
    statement_timeout: Option<Value>,
    idle_in_transaction_session_timeout: Option<Value>,
    owner: Option<Value>,
    allow_connections: Option<Value>,
    database: Option<Value>,
    object_type: Option<Value>,
    privileges: Option<Value>,
    grant_role: Option<Value>,
    cluster_identifier: Option<Value>,
    cluster_resource_id: Option<Value>,
    master_username: Option<Value>,
}

/// Gives every attribute a method by its name.
macro_rules! readers {
    ($read:ident -> $type:ty: $($name:ident),+) => {
        $(pub(super) fn $name(&self) -> $type { $read(self.$name.as_ref()) })+
    };
}

impl Attributes {
    readers!(text -> &str: name, arn, user, role, policy, policy_arn, assume_role_policy, owner, database,
        object_type, grant_role, cluster_identifier, cluster_resource_id, master_username);
    readers!(texts -> Vec<&str>: users, roles, search_path, privileges);
    readers!(flag -> Option<bool>: login, superuser, create_database, create_role, replication, bypass_row_level_security,
        allow_connections);
    readers!(number -> Option<i64>: connection_limit, statement_timeout, idle_in_transaction_session_timeout);

    /// Name and document of each inline policy of a role.
    pub(super) fn inline_policies(&self) -> Vec<(&str, &str)> {
        let list = self.inline_policy.as_ref().and_then(Value::as_array);
        let of = |item: &'_ Value, key: &str| item.get(key).and_then(Value::as_str).is_some();
        let items = list
            .into_iter()
            .flatten()
            .filter(|item| of(item, "name") && of(item, "policy"));
        items
            .map(|item| (text(item.get("name")), text(item.get("policy"))))
            .collect()
    }
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn flag(value: Option<&Value>) -> Option<bool> {
    value.and_then(Value::as_bool)
}

fn number(value: Option<&Value>) -> Option<i64> {
    value.and_then(Value::as_i64)
}

/// Address, type and attributes of every managed resource.
pub(super) fn resources(text: &str) -> Result<Vec<(String, String, Attributes)>, StateError> {
    // The parser's own words may repeat what stands there.
    let file: File = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.is_data() {
            true => StateError::Shape { line, column },
            false => StateError::Syntax { line, column },
        }
    })?;
    if file.encrypted_data.is_some() {
        return Err(StateError::Encrypted);
    }
    match file.version {
        Some(VERSION) => {}
        Some(other) => return Err(StateError::Version(other)),
        None if file.format_version.is_some() => return Err(StateError::Shown),
        None => return Err(StateError::NoVersion),
    }
    let managed = file
        .resources
        .into_iter()
        .filter(|resource| resource.mode == "managed");
    Ok(managed.flat_map(Written::instances).collect())
}

impl Written {
    /// <https://developer.hashicorp.com/terraform/cli/state/resource-addressing>
    fn instances(self) -> impl Iterator<Item = (String, String, Attributes)> {
        let module = self.module.map(|module| module + ".").unwrap_or_default();
        let resource = format!("{module}{}.{}", self.kind, self.name);
        let kind = self.kind;
        self.instances.into_iter().map(move |instance| {
            let index = match instance.index_key {
                None => String::new(),
                Some(Index::Number(number)) => format!("[{number}]"),
                Some(Index::Text(key)) => format!("[{}]", literal(&key)),
            };
            (
                format!("{resource}{index}"),
                kind.clone(),
                instance.attributes.unwrap_or_default(),
            )
        })
    }
}
