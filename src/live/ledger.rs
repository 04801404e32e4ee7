//! What tenantctl remembers: read whole, in three queries.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use super::ReadError;
use super::ask::Questions;
use super::connect::Session;
use super::postgres::{name, rows};
use crate::address::{Address, Name, SharedAddress, TenantId};
use crate::model::{DeletionPolicy, Mark, Password};

/// The ledger of a cluster, of all workspaces.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Whether it is there at all; before the first apply it is not.
    pub exists: bool,
    /// Objects by workspace and address.
    pub objects: BTreeMap<Name, BTreeMap<SharedAddress, OwnedObject>>,
    /// Access keys by id.
    pub keys: BTreeMap<String, KeyRecord>,
    /// Steps that a crash left open.
    pub open: Vec<OpenStep>,
}

/// A row of `tenantctl.object`.
#[derive(Clone, Debug)]
pub struct OwnedObject {
    /// The tenant; `None` for what belongs to the workspace itself.
    pub tenant: Option<TenantId>,
    /// The oid of a role or database when it was recorded.
    pub oid: Option<u32>,
    /// What happens to a database when its tenant leaves.
    pub deletion_policy: DeletionPolicy,
    /// What is known of a role's password.
    pub password: Password,
}

/// A row of `tenantctl.access_key`.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// The workspace.
    pub workspace: Name,
    /// The IAM user.
    pub user: Name,
    /// Whether we made it or only switched it off.
    pub state: KeyState,
}

/// Why the ledger knows an access key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// We made it, and its holder has the secret.
    HandedOver,
    /// It was there, and we switched it off.
    Suspended,
}

/// A step that was begun, and whose end nobody wrote down.
#[derive(Clone, Debug)]
pub struct OpenStep {
    /// Its run.
    pub run_id: String,
    /// Its number in the run.
    pub step: i32,
    /// The workspace.
    pub workspace: Name,
    /// What it was about to change.
    pub address: Address,
    /// Whose.
    pub tenant: Option<TenantId>,
    /// What it was about to do: a name, not the statement.
    pub command: String,
    /// For `create_access_key`: the ids of the keys that were there before.
    pub known_keys: BTreeSet<String>,
}

/// The `command` of an open step that was about to create a database.
pub const CREATE_DATABASE: &str = "create_database";
/// The `command` of an open step that was about to drop a database.
pub const DROP_DATABASE: &str = "drop_database";
/// The `command` of an open step that was about to create an access key.
pub const CREATE_ACCESS_KEY: &str = "create_access_key";

/// The `command` of an open step that was about to rename an IAM user; its address is the new one.
pub const RENAME_USER: &str = "rename_user";

impl Ledger {
    /// Whether a run ended while it gave an IAM user this name. Whoever has the name then is that user, if nobody has the
    /// old one: the run had seen that it was free.
    pub fn was_renaming_to(&self, workspace: &str, user: &Address) -> bool {
        self.open
            .iter()
            .any(|step| step.command == RENAME_USER && step.workspace == workspace && step.address == *user)
    }

    /// The row of an object in a workspace.
    pub fn object(&self, workspace: &str, address: &Address) -> Option<&OwnedObject> {
        self.objects.get(workspace)?.get(address)
    }

    /// An address as the ledger holds it, where it does.
    pub(super) fn shared(&self, address: impl Into<SharedAddress> + Borrow<Address>) -> SharedAddress {
        let mut workspaces = self.objects.values();
        let known = workspaces.find_map(|rows| rows.get_key_value(address.borrow()));
        known.map_or_else(|| address.into(), |(known, _)| known.clone())
    }

    /// What a workspace owns.
    pub fn addresses(&self, workspace: &str) -> impl Iterator<Item = &Address> {
        let rows = self.objects.get(workspace);
        rows.into_iter()
            .flat_map(BTreeMap::keys)
            .map(|address| &**address)
    }

    /// Marks of roles and databases that are still the ones recorded.
    ///
    /// `oids` are those of the live roles and databases; `unborn` tells whether a database is as `CREATE DATABASE`
    /// left it: closed and the admin's. An open step that was about to create one, under our lock and after it was
    /// seen to be absent, then explains it.
    pub fn marks(
        &self,
        oids: &BTreeMap<Address, u32>,
        unborn: impl Fn(&str) -> bool,
    ) -> BTreeMap<SharedAddress, Mark> {
        let rows = self
            .objects
            .iter()
            .flat_map(|(workspace, rows)| rows.iter().map(move |(address, row)| (workspace, address, row)));
        let recorded = rows.filter_map(|(workspace, address, row)| {
            let is_the_one = row.oid.is_some() && row.oid == oids.get(address).copied();
            let mark = Mark {
                workspace: workspace.clone(),
                tenant: row.tenant.clone()?,
            };
            is_the_one.then(|| (address.clone(), mark))
        });
        let mut marks: BTreeMap<SharedAddress, Mark> = recorded.collect();
        for step in self.open.iter().filter(|step| step.command == CREATE_DATABASE) {
            if let (Address::Database { name }, Some(tenant)) = (&step.address, &step.tenant)
                && unborn(name)
            {
                let mark = Mark {
                    workspace: step.workspace.clone(),
                    tenant: tenant.clone(),
                };
                marks.entry(step.address.clone().into()).or_insert(mark);
            }
        }
        marks
    }

    /// Keys of a user whose secret nobody holds: made by a run that died before it handed them over.
    pub fn is_orphan(&self, user: &str, id: &str) -> bool {
        !self.keys.contains_key(id)
            && self.open.iter().any(|step| {
                step.command == CREATE_ACCESS_KEY
                    && matches!(&step.address, Address::IamAccessKey { user: of, .. } if of == user)
                    && !step.known_keys.contains(id)
            })
    }
}

/// Whether there is a ledger, and it is ours.
pub(super) async fn is_there(session: &Session, admin: &str) -> Result<bool, ReadError> {
    let found = rows(session, include_str!("sql/ledger_exists.sql")).await?;
    let Some(row) = found.first() else {
        return Ok(false);
    };
    let owner: &str = row.get("owner");
    if owner != admin {
        return Err(ReadError::ForeignLedger {
            owner: owner.to_owned(),
            admin: admin.to_owned(),
        });
    }
    Ok(row.get("complete"))
}

/// Reads the ledger; one that is not there yet is empty.
///
/// # Errors
/// A query fails, or the schema `tenantctl` belongs to somebody else.
pub async fn read(session: &Session, admin: &str) -> Result<Ledger, ReadError> {
    if !is_there(session, admin).await? {
        return Ok(Ledger::default());
    }
    let mut found = Questions::to(session)
        .ask(include_str!("sql/ledger_objects.sql"))
        .ask(include_str!("sql/ledger_keys.sql"))
        .ask(include_str!("sql/ledger_open.sql"));
    let mut ledger = Ledger {
        exists: true,
        ..Ledger::default()
    };
    let mut trees: BTreeMap<Name, Vec<(SharedAddress, OwnedObject)>> = BTreeMap::new();
    for row in found.answer().await? {
        let object = OwnedObject {
            tenant: row.get::<_, Option<String>>("tenant").map(TenantId::new),
            oid: row.get("object_oid"),
            deletion_policy: match row.get("deletion_policy") {
                "delete" => DeletionPolicy::Delete,
                _ => DeletionPolicy::Retain,
            },
            password: match row.get("password") {
                "none" => Password::None,
                "set" => Password::Set,
                _ => Password::Unknown,
            },
        };
        let of_workspace = trees.entry(name(&row, "workspace")).or_default();
        of_workspace.push((address(row.get("address"))?.into(), object));
    }
    let trees = trees
        .into_iter()
        .map(|(workspace, rows)| (workspace, rows.into_iter().collect()));
    ledger.objects = trees.collect();
    for row in found.answer().await? {
        let state = match row.get("state") {
            "handed_over" => KeyState::HandedOver,
            _ => KeyState::Suspended,
        };
        let record = KeyRecord {
            workspace: name(&row, "workspace"),
            user: name(&row, "user_name"),
            state,
        };
        ledger.keys.insert(row.get("id"), record);
    }
    for row in found.answer().await? {
        let detail: serde_json::Value = parse(row.get("detail"))?;
        let known_keys = detail
            .get("known_keys")
            .and_then(|keys| keys.as_array())
            .map(|keys| {
                keys.iter()
                    .filter_map(|key| key.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default();
        ledger.open.push(OpenStep {
            run_id: row.get("run_id"),
            step: row.get("step"),
            workspace: name(&row, "workspace"),
            address: address(row.get("address"))?,
            tenant: row.get::<_, Option<String>>("tenant").map(TenantId::new),
            command: row.get("command"),
            known_keys,
        });
    }
    Ok(ledger)
}

fn address(text: &str) -> Result<Address, ReadError> {
    parse(text)
}

/// JSON from the ledger.
pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|error| ReadError::Ledger(format!("{error} in {text}")))
}
