//! Live worlds: a cluster that nobody has touched, and one that a file was applied to.

use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::config::SharedDatabases;
use tenantctl::desired::Desired;
use tenantctl::live::ledger::{KeyRecord, KeyState, OwnedObject};
use tenantctl::live::{Live, Server};
use tenantctl::model::{
    AccessKey, DeletionPolicy, Grant, KeyStatus, Mark, Membership, MembershipRow, Object, Password, Power,
    Privilege, Role,
};

use crate::world::{
    ADMIN, add_database, alter_database, database_grant, foreign_role, grant, membership, role,
};

/// An Aurora cluster as AWS hands it over, with one login role of a colleague.
pub fn empty_cluster(version: i32) -> Live {
    let mut live = Live {
        server: Server {
            power: Power::new(ADMIN, version, false, true, &[]),
            in_recovery: false,
            free_connections: 90,
        },
        ..Live::default()
    };
    let roles = [
        (
            "rdsadmin",
            Role {
                superuser: true,
                ..foreign_role(true)
            },
        ),
        (
            ADMIN,
            Role {
                create_database: true,
                create_role: true,
                ..foreign_role(true)
            },
        ),
        ("rds_superuser", foreign_role(false)),
        ("rds_iam", foreign_role(false)),
        ("reporting", foreign_role(true)),
    ];
    for (name, object) in roles {
        live.world.insert(role(name), Object::Role(object));
    }
    add_member(&mut live, "rds_superuser", ADMIN, "rdsadmin");
    if version >= 160_000 {
        add_row(&mut live, creators_row("reporting"));
    }
    for name in ["postgres", "template1", "rdsadmin"] {
        add_database(&mut live, name, ADMIN);
    }
    grant(
        &mut live,
        database_grant("template1", Grantee::Public),
        &[Privilege::Connect],
    );
    alter_database(&mut live, "rdsadmin", |database| {
        database.owner = "rdsadmin".into()
    });
    grant(&mut live, database_grant("rdsadmin", Grantee::Public), &[]);
    live
}

/// The live world once everything a file asks for is there.
pub fn applied(desired: &Desired, mut live: Live) -> Live {
    live.ledger.exists = true;
    for (address, object, tenant) in desired.objects() {
        apply_one(&mut live, desired, address, object, tenant);
    }
    reckon(&mut live);
    if desired.shared_databases == SharedDatabases::Close {
        close(&mut live, &desired.workspace);
    }
    live
}

fn apply_one(live: &mut Live, desired: &Desired, address: &Address, object: &Object, tenant: &TenantId) {
    let mut object = object.clone();
    match (address, &mut object) {
        (Address::Role { name }, Object::Role(role)) => {
            role.connection_limit = Some(role.connection_limit.unwrap_or(-1));
            if role.password == Password::Unknown {
                role.password = Password::None;
            }
            if live.server.power.scoped_create_role() {
                push_row(live, creators_row(name));
            }
        }
        (Address::Membership { role, member }, _) => {
            push_row(live, member_row(role, member, ADMIN));
            return;
        }
        (Address::IamAccessKey { user, .. }, Object::AccessKey(key)) => {
            if key.status == KeyStatus::Inactive {
                return;
            }
            let id = format!("AKIA{}", user.to_uppercase());
            let record = KeyRecord {
                workspace: desired.workspace.clone(),
                user: user.clone(),
                state: KeyState::HandedOver,
            };
            live.ledger.keys.insert(id.clone(), record);
            *key = AccessKey {
                id: Some(id.into()),
                status: KeyStatus::Active,
            };
        }
        (Address::Database { name }, _) => {
            live.opened.insert(name.clone());
            live.locales
                .insert(name.clone(), "UTF8 en_US.UTF-8/en_US.UTF-8".into());
        }
        _ => {}
    }
    if carries_mark(address) {
        let mark = Mark {
            workspace: desired.workspace.clone(),
            tenant: tenant.clone(),
        };
        live.marks.insert(address.clone().into(), mark);
    }
    if carries_mark(address) || matches!(address, Address::RoleSetting { .. }) {
        remember(live, &desired.workspace, address, Some(tenant.clone()));
    }
    live.world.insert(address.clone(), object);
}

/// Whether an object is one whose owner is written down.
pub fn carries_mark(address: &Address) -> bool {
    matches!(
        address,
        Address::IamUser { .. } | Address::IamRole { .. } | Address::Role { .. } | Address::Database { .. }
    )
}

/// A row in the ledger.
pub fn remember(live: &mut Live, workspace: &str, address: &Address, tenant: Option<TenantId>) {
    let row = OwnedObject {
        tenant,
        oid: None,
        deletion_policy: DeletionPolicy::Retain,
        password: Password::Unknown,
    };
    let rows = live.ledger.objects.entry(workspace.into()).or_default();
    rows.insert(address.clone().into(), row);
}

/// PUBLIC has nothing on shared databases, and what it had belongs to those who are not tenants.
fn close(live: &mut Live, workspace: &str) {
    for (name, privileges) in [
        ("postgres", &[Privilege::Connect, Privilege::Temporary][..]),
        ("template1", &[Privilege::Connect]),
    ] {
        let public = database_grant(name, Grantee::Public);
        live.world.insert(public, Object::Grant(Grant::default()));
        let kept = database_grant(name, Grantee::Role("reporting".into()));
        grant(live, kept.clone(), privileges);
        remember(live, workspace, &kept, None);
    }
}

/// `GRANT role TO member`.
pub fn add_member(live: &mut Live, role: &str, member: &str, grantor: &str) {
    add_row(live, member_row(role, member, grantor));
}

fn member_row(role: &str, member: &str, grantor: &str) -> MembershipRow {
    MembershipRow {
        role: role.into(),
        member: member.into(),
        grantor: grantor.into(),
        admin_option: false,
        inherit_option: true,
        set_option: true,
    }
}

/// The row that Postgres makes from 16 on for whoever creates a role.
pub fn creators_row(role: &str) -> MembershipRow {
    MembershipRow {
        role: role.into(),
        member: ADMIN.into(),
        grantor: "rdsadmin".into(),
        admin_option: true,
        inherit_option: false,
        set_option: false,
    }
}

/// Adds a row of `pg_auth_members`, and what follows from it.
pub fn add_row(live: &mut Live, row: MembershipRow) {
    push_row(live, row);
    reckon(live);
}

/// The same, but for what the admin may do: the caller adds many, and reckons then.
fn push_row(live: &mut Live, row: MembershipRow) {
    let address = membership(&row.role, &row.member);
    if !row.is_creators(ADMIN) {
        let mut object = match live.world.get(&address) {
            Some(Object::Membership(membership)) => membership.clone(),
            _ => Membership::default(),
        };
        object.admin_option |= row.admin_option;
        object.grantors.insert(row.grantor.clone());
        live.world.insert(address, Object::Membership(object));
    }
    live.memberships.push(row);
}

/// Computes anew what the admin may do.
pub fn reckon(live: &mut Live) {
    let version = live.server.power.version;
    live.server.power = Power::new(ADMIN, version, false, true, &live.memberships);
}
