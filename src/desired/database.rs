//! Isolation by database: a database each, owned by the admin and closed to everybody but its tenant.

use super::Builder;
use super::naming::TenantNames;
use crate::address::{Address, Grantee};
use crate::config::Tenant;
use crate::engine::PUBLIC_SCHEMA;
use crate::model::{Database, DatabaseState, Extension, Grant, Object, Privilege, Schema};

/// Adds the databases that the tenant wants.
pub(crate) fn lower(builder: &mut Builder<'_>, tenant: &Tenant, names: &TenantNames) {
    for (logical, database) in &names.databases {
        if tenant
            .databases
            .get(logical.as_str())
            .is_some_and(|wanted| wanted.value)
        {
            lower_one(builder, tenant, names, database);
        }
    }
}

/// What a reader holds on a database: to look at what is inside, it has to get in.
pub fn reader_grant() -> Grant {
    Grant::by_owner(&[Privilege::Connect])
}

fn lower_one(builder: &mut Builder<'_>, tenant: &Tenant, names: &TenantNames, database: &str) {
    let admin = builder.admin.to_owned();
    let object = Database {
        owner: admin,
        state: DatabaseState::Open,
        deletion_policy: tenant.deletion_policy,
    };
    builder.add(
        tenant,
        Address::Database {
            name: database.into(),
        },
        Object::Database(object),
    );
    let tenant_role = Grantee::Role(names.role.clone());
    let grants = [
        (Grantee::Public, Grant::default()),
        (
            tenant_role.clone(),
            Grant::by_owner(&[Privilege::Connect, Privilege::Temporary]),
        ),
    ];
    for (grantee, grant) in grants {
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee,
        };
        builder.add(tenant, address, Object::Grant(grant));
    }
    for reader in builder.readers {
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee: Grantee::Role(reader.clone()),
        };
        builder.add(tenant, address, Object::Grant(reader_grant()));
    }
    let schema = Address::Schema {
        database: database.into(),
        name: PUBLIC_SCHEMA.into(),
    };
    builder.add(tenant, schema, Object::Schema(Schema {}));
    let grants = [
        (Grantee::Public, Grant::default()),
        (
            tenant_role,
            Grant::by_owner(&[Privilege::Usage, Privilege::Create]),
        ),
    ];
    for (grantee, grant) in grants {
        let address = Address::SchemaGrant {
            database: database.into(),
            schema: PUBLIC_SCHEMA.into(),
            grantee,
        };
        builder.add(tenant, address, Object::Grant(grant));
    }
    for name in &tenant.extensions {
        let address = Address::Extension {
            database: database.into(),
            name: name.as_str().into(),
        };
        builder.add(tenant, address, Object::Extension(Extension {}));
    }
}
