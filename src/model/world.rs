//! The world: every object by its address.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{
    AccessKey, Database, Extension, Grant, IamRole, IamUser, Membership, PolicyDocument, Role, RoleSetting,
    Schema,
};
use crate::address::{Address, Grantee, Name, SharedAddress};

/// One object of any kind. Which kind stands under which [`Address`] is fixed by [`World`]'s insert methods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Object {
    /// Under [`Address::IamUser`].
    IamUser(IamUser),
    /// Under [`Address::IamUserPolicy`] and [`Address::IamRolePolicy`].
    Policy(PolicyDocument),
    /// Under [`Address::IamRole`].
    IamRole(IamRole),
    /// Under [`Address::IamAccessKey`].
    AccessKey(AccessKey),
    /// Under [`Address::Role`].
    Role(Role),
    /// Under [`Address::RoleSetting`].
    RoleSetting(RoleSetting),
    /// Under [`Address::Membership`].
    Membership(Membership),
    /// Under [`Address::Database`].
    Database(Database),
    /// Under [`Address::DatabaseGrant`] and [`Address::SchemaGrant`].
    Grant(Grant),
    /// Under [`Address::Schema`].
    Schema(Schema),
    /// Under [`Address::Extension`].
    Extension(Extension),
}

/// Everything tenantctl manages, desired or live, in the order of plans.
///
/// One map rather than one per kind: the diff is then one merge that no new kind can be forgotten in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    objects: BTreeMap<SharedAddress, Object>,
}

/// Takes less memory than as many inserts: the tree's nodes are filled up.
impl<A: Into<SharedAddress>> FromIterator<(A, Object)> for World {
    fn from_iter<T: IntoIterator<Item = (A, Object)>>(objects: T) -> Self {
        let shared = objects
            .into_iter()
            .map(|(address, object)| (address.into(), object));
        Self {
            objects: shared.collect(),
        }
    }
}

impl Serialize for World {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.objects)
    }
}

impl World {
    /// Adds or replaces an object.
    pub fn insert(&mut self, address: impl Into<SharedAddress>, object: Object) {
        self.objects.insert(address.into(), object);
    }

    /// Adds or replaces many. Takes less memory than as many inserts: the tree is built anew, its nodes filled up.
    pub fn extend(&mut self, objects: impl IntoIterator<Item = (impl Into<SharedAddress>, Object)>) {
        self.objects.append(&mut Self::from_iter(objects).objects);
    }

    /// The object under an address.
    pub fn get(&self, address: &Address) -> Option<&Object> {
        self.objects.get(address)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, address: &Address) -> Option<&mut Object> {
        self.objects.get_mut(address)
    }

    /// An address as this world holds it, for others to hold it too.
    pub fn shared(&self, address: &Address) -> Option<&SharedAddress> {
        self.objects.get_key_value(address).map(|(address, _)| address)
    }

    /// Takes an object out.
    pub fn remove(&mut self, address: &Address) -> Option<Object> {
        self.objects.remove(address)
    }

    /// Everything, in order, for a world that it is moved to.
    pub fn into_objects(self) -> impl Iterator<Item = (SharedAddress, Object)> {
        self.objects.into_iter()
    }

    /// Whether there is an object under an address.
    pub fn contains(&self, address: &Address) -> bool {
        self.objects.contains_key(address)
    }

    /// Everything, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Object)> {
        self.objects.iter().map(|(address, object)| (&**address, object))
    }

    /// Everything from an address on, in order.
    pub fn from<'a>(
        &'a self,
        address: &Address,
    ) -> impl Iterator<Item = (&'a Address, &'a Object)> + use<'a> {
        let range = self.objects.range::<Address, _>(address..);
        range.map(|(address, object)| (&**address, object))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The role of a name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        match self.get(&Address::Role { name: name.into() }) {
            Some(Object::Role(role)) => Some(role),
            _ => None,
        }
    }

    /// The database of a name.
    pub fn database(&self, name: &str) -> Option<&Database> {
        match self.get(&Address::Database { name: name.into() }) {
            Some(Object::Database(database)) => Some(database),
            _ => None,
        }
    }

    /// What a grantee holds on a database.
    pub fn database_grant(&self, database: &str, grantee: &Grantee) -> Option<&Grant> {
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee: grantee.clone(),
        };
        match self.get(&address) {
            Some(Object::Grant(grant)) => Some(grant),
            _ => None,
        }
    }

    /// All roles.
    pub fn roles(&self) -> impl Iterator<Item = (&Name, &Role)> {
        let first = Address::Role {
            name: Name::default(),
        };
        self.from(&first)
            .map_while(|(address, object)| match (address, object) {
                (Address::Role { name }, Object::Role(role)) => Some((name, role)),
                _ => None,
            })
    }

    /// All databases.
    pub fn databases(&self) -> impl Iterator<Item = (&Name, &Database)> {
        let first = Address::Database {
            name: Name::default(),
        };
        self.from(&first)
            .map_while(|(address, object)| match (address, object) {
                (Address::Database { name }, Object::Database(database)) => Some((name, database)),
                _ => None,
            })
    }
}
