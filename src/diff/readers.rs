//! Readers: login roles that may plan. They get into every database that is ours, read the ledger, and hold nothing else.

use std::collections::BTreeSet;

use super::{Action, Differ, FieldChange, HeldKind, compare};
use crate::address::{Address, Grantee, Name, TenantId};
use crate::desired::Desired;
use crate::desired::database::reader_grant;
use crate::engine::LEDGER_SCHEMA;
use crate::live::Live;
use crate::model::{Grant, Object, Privilege};

impl<'a> Differ<'a> {
    /// What readers hold besides the databases that tenants ask for, which the world has.
    pub(super) fn readers(&mut self) {
        let desired = self.desired;
        for reader in &desired.readers {
            for (address, mark) in self.live.marked() {
                let Address::Database { name } = address else {
                    continue;
                };
                let ours = mark.workspace == desired.workspace && self.scope.contains(&mark.tenant);
                if ours && !desired.world.contains(address) && self.live.world.contains(address) {
                    let grant = on_database(name, reader);
                    self.reader_holds(&grant, Some(&mark.tenant), &reader_grant());
                }
            }
            if self.scope.is_everything() {
                let ledger = Grant::by_owner(&[Privilege::Usage, Privilege::Select]);
                self.reader_holds(
                    &on_database(&desired.admin_database, reader),
                    None,
                    &reader_grant(),
                );
                self.reader_holds(&self.on_ledger(reader), None, &ledger);
            }
        }
        if self.scope.is_everything() {
            for reader in self.former_readers.clone() {
                self.reader_holds(
                    &on_database(&desired.admin_database, &reader),
                    None,
                    &Grant::default(),
                );
                self.reader_holds(&self.on_ledger(&reader), None, &Grant::default());
            }
        }
    }

    /// Why a grant to a reader cannot be made: whose login it is, is for people to say, so tenantctl makes no role.
    pub(super) fn no_such_reader(&self, address: &Address) -> Option<String> {
        let (Address::DatabaseGrant { grantee, .. } | Address::SchemaGrant { grantee, .. }) = address else {
            return None;
        };
        let reader = Self::role_of(grantee).filter(|role| self.desired.readers.contains(*role))?;
        let role = crate::model::quote::quote_identifier(reader);
        self.live.world.role(reader).is_none().then(|| {
            format!(
                "there is no role \"{reader}\" for the reader of that name. Make it: CREATE ROLE {role} LOGIN, and GRANT \
                 rds_iam TO {role} or give it a password"
            )
        })
    }

    /// Those who left the list of readers. What they hold is known to be ours by the ledger's own row.
    pub(super) fn find_former_readers(desired: &Desired, live: &Live) -> BTreeSet<Name> {
        let ours = live.ledger.addresses(&desired.workspace);
        ours.filter_map(|address| match address {
            Address::SchemaGrant { schema, grantee, .. } if schema == LEDGER_SCHEMA => Self::role_of(grantee),
            _ => None,
        })
        .filter(|role| !desired.readers.contains(*role))
        .cloned()
        .collect()
    }

    fn reader_holds(&mut self, address: &Address, tenant: Option<&TenantId>, wanted: &Grant) {
        let nothing = Grant::default();
        let held = match self.live.world.get(address) {
            Some(Object::Grant(grant)) => grant,
            _ => &nothing,
        };
        if held == wanted {
            self.unchanged += usize::from(!wanted.items.is_empty());
            return;
        }
        if let Some(because) = self.no_such_reader(address).or_else(|| self.not_allowed(address)) {
            self.hold(address, tenant, HeldKind::NotAllowed, because);
            return;
        }
        let (before, after) = (Object::Grant(held.clone()), Object::Grant(wanted.clone()));
        let fields = vec![FieldChange::new(
            "privileges",
            compare::privileges(held),
            compare::privileges(wanted),
        )];
        let action = match (held.items.is_empty(), wanted.items.is_empty()) {
            (true, _) => Action::Create(after),
            (_, true) => Action::Delete(before),
            _ => Action::Update { before, after },
        };
        self.change(address, tenant, action).fields = fields;
    }

    fn on_ledger(&self, reader: &str) -> Address {
        Address::SchemaGrant {
            database: self.desired.admin_database.as_str().into(),
            schema: LEDGER_SCHEMA.into(),
            grantee: Grantee::Role(reader.into()),
        }
    }
}

fn on_database(database: &str, reader: &str) -> Address {
    Address::DatabaseGrant {
        database: database.into(),
        grantee: Grantee::Role(reader.into()),
    }
}
