//! What lives, under the names that it will have.

use std::collections::BTreeMap;

use super::moved::Moves;
use crate::address::{Address, Grantee, Name, TenantId};
use crate::live::Live;
use crate::model::{Database, Grant, GrantItem, Grantor, Mark, Membership, Object, World};

/// New names by old ones.
struct Names<'a> {
    users: BTreeMap<&'a str, &'a str>,
    roles: BTreeMap<&'a str, &'a str>,
    databases: BTreeMap<&'a str, &'a str>,
    tenants: &'a BTreeMap<TenantId, TenantId>,
    workspace: &'a str,
}

/// The same world after its moves.
pub(super) fn renamed(live: &Live, moves: &Moves, workspace: &str) -> Live {
    let mut names = Names {
        users: BTreeMap::new(),
        roles: BTreeMap::new(),
        databases: BTreeMap::new(),
        tenants: &moves.tenants,
        workspace,
    };
    for (address, origin) in &moves.origins {
        // Where a run ended on the way, the ledger has the old name still.
        for before in [&origin.address, &origin.remembered] {
            match (before, address) {
                (Address::IamUser { name }, Address::IamUser { name: to }) => names.users.insert(name, to),
                (Address::Role { name }, Address::Role { name: to }) => names.roles.insert(name, to),
                (Address::Database { name }, Address::Database { name: to }) => {
                    names.databases.insert(name, to)
                }
                _ => None,
            };
        }
    }
    let mut after = names.live(live);
    for (address, origin) in &moves.origins {
        let mark = Mark {
            workspace: workspace.into(),
            tenant: names.tenant(&origin.tenant),
        };
        after.marks.insert(address.clone().into(), mark);
    }
    after
}

impl Names<'_> {
    fn live(&self, live: &Live) -> Live {
        let mut after = live.clone();
        let mut world = World::default();
        for (address, object) in live.world.iter() {
            world.insert(self.address(address), self.object(object));
        }
        after.world = world;
        after.marks = live
            .marks
            .iter()
            .map(|(address, mark)| (self.address(address).into(), mark.clone()))
            .collect();
        self.ledger(&mut after);
        for row in &mut after.memberships {
            for name in [&mut row.role, &mut row.member, &mut row.grantor] {
                *name = new(&self.roles, name);
            }
        }
        after.server.power = live.server.power.over(&after.memberships);
        for one in &mut after.dependents {
            one.role = new(&self.roles, &one.role);
            one.database = one.database.as_ref().map(|name| new(&self.databases, name));
            one.owners = one.owners.iter().map(|name| new(&self.roles, name)).collect();
        }
        after.locales = live
            .locales
            .iter()
            .map(|(name, locale)| (new(&self.databases, name), locale.clone()))
            .collect();
        after.sessions = (live.sessions.iter())
            .map(|((role, database), count)| {
                ((new(&self.roles, role), new(&self.databases, database)), *count)
            })
            .collect();
        after.opened = live
            .opened
            .iter()
            .map(|name| new(&self.databases, name))
            .collect();
        after.attachments = self.keys(&live.attachments);
        after.recent = self.keys(&live.recent);
        after.gaps = self.keys(&live.gaps);
        after
    }

    fn ledger(&self, after: &mut Live) {
        let objects = std::mem::take(&mut after.ledger.objects);
        for (workspace, rows) in objects {
            let is_ours = workspace == self.workspace;
            let rows = rows.into_iter().map(|(address, mut row)| {
                if is_ours {
                    row.tenant = row.tenant.map(|tenant| self.tenant(&tenant));
                }
                (self.address(&address).into(), row)
            });
            after.ledger.objects.insert(workspace, rows.collect());
        }
        for key in after.ledger.keys.values_mut() {
            key.user = new(&self.users, &key.user);
        }
        for open in &mut after.ledger.open {
            open.address = self.address(&open.address);
        }
    }

    fn keys<T: Clone>(&self, of: &BTreeMap<Address, T>) -> BTreeMap<Address, T> {
        of.iter()
            .map(|(address, value)| (self.address(address), value.clone()))
            .collect()
    }

    fn tenant(&self, tenant: &TenantId) -> TenantId {
        self.tenants.get(tenant).unwrap_or(tenant).clone()
    }

    fn grantee(&self, grantee: &Grantee) -> Grantee {
        match grantee {
            Grantee::Public => Grantee::Public,
            Grantee::Role(name) => Grantee::Role(new(&self.roles, name)),
        }
    }

    fn address(&self, address: &Address) -> Address {
        let user = |name: &Name| new(&self.users, name);
        let role = |name: &Name| new(&self.roles, name);
        let database = |name: &Name| new(&self.databases, name);
        match address {
            Address::IamUser { name } => Address::IamUser { name: user(name) },
            Address::IamUserPolicy { user: of, name } => Address::IamUserPolicy {
                user: user(of),
                name: name.clone(),
            },
            Address::IamAccessKey { user: of, id } => Address::IamAccessKey {
                user: user(of),
                id: id.clone(),
            },
            Address::Cluster { .. } | Address::IamRole { .. } | Address::IamRolePolicy { .. } => {
                address.clone()
            }
            Address::Role { name } => Address::Role { name: role(name) },
            Address::RoleSetting { role: of, name } => Address::RoleSetting {
                role: role(of),
                name: name.clone(),
            },
            Address::Membership { role: of, member } => Address::Membership {
                role: role(of),
                member: role(member),
            },
            Address::Database { name } => Address::Database { name: database(name) },
            Address::DatabaseGrant {
                database: of,
                grantee,
            } => Address::DatabaseGrant {
                database: database(of),
                grantee: self.grantee(grantee),
            },
            Address::Schema { database: of, name } => Address::Schema {
                database: database(of),
                name: name.clone(),
            },
            Address::SchemaGrant {
                database: of,
                schema,
                grantee,
            } => Address::SchemaGrant {
                database: database(of),
                schema: schema.clone(),
                grantee: self.grantee(grantee),
            },
            Address::Extension { database: of, name } => Address::Extension {
                database: database(of),
                name: name.clone(),
            },
        }
    }

    /// What an object says of others. Policies name users and roles by ARN: those are compared as they are.
    fn object(&self, object: &Object) -> Object {
        match object {
            Object::Grant(grant) => Object::Grant(Grant {
                items: (grant.items.iter())
                    .map(|item| GrantItem {
                        grantor: match &item.grantor {
                            Grantor::Owner => Grantor::Owner,
                            Grantor::Role(name) => Grantor::Role(new(&self.roles, name)),
                        },
                        ..item.clone()
                    })
                    .collect(),
            }),
            Object::Membership(membership) => Object::Membership(Membership {
                grantors: membership
                    .grantors
                    .iter()
                    .map(|name| new(&self.roles, name))
                    .collect(),
                ..membership.clone()
            }),
            Object::Database(database) => Object::Database(Database {
                owner: new(&self.roles, &database.owner),
                ..database.clone()
            }),
            other => other.clone(),
        }
    }
}

fn new(names: &BTreeMap<&str, &str>, name: &str) -> Name {
    (*names.get(name).unwrap_or(&name)).into()
}
