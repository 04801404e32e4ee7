//! Live worlds: a cluster that nobody has touched, and one that a file was applied to.

use tenantctl::address::{Address, Grantee};
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
        add_creator(&mut live, "reporting");
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
    for (address, object) in desired.world.iter() {
        apply_one(&mut live, desired, address, object);
    }
    if desired.shared_databases == SharedDatabases::Close {
        close(&mut live, &desired.workspace);
    }
    live
}

fn apply_one(live: &mut Live, desired: &Desired, address: &Address, object: &Object) {
    let tenant = desired.owner_of[address].clone();
    let mut object = object.clone();
    match (address, &mut object) {
        (Address::Role { name }, Object::Role(role)) => {
            role.connection_limit = Some(role.connection_limit.unwrap_or(-1));
            if role.password == Password::Unknown {
                role.password = Password::None;
            }
            if live.server.power.scoped_create_role() {
                add_creator(live, name);
            }
        }
        (Address::Membership { role, member }, _) => {
            add_member(live, role, member, ADMIN);
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
                id: Some(id),
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
        live.marks.insert(address.clone(), mark);
    }
    if carries_mark(address) || matches!(address, Address::RoleSetting { .. }) {
        remember(live, &desired.workspace, address, Some(tenant));
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
pub fn remember(
    live: &mut Live,
    workspace: &str,
    address: &Address,
    tenant: Option<tenantctl::address::TenantId>,
) {
    let row = OwnedObject {
        address: address.clone(),
        workspace: workspace.to_owned(),
        tenant,
        oid: None,
        deletion_policy: DeletionPolicy::Retain,
        password: Password::Unknown,
    };
    live.ledger
        .objects
        .insert((workspace.to_owned(), address.clone()), row);
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
    let row = MembershipRow {
        role: role.into(),
        member: member.into(),
        grantor: grantor.into(),
        admin_option: false,
        inherit_option: true,
        set_option: true,
    };
    add_row(live, row);
}

/// The row that Postgres makes from 16 on for whoever creates a role.
fn add_creator(live: &mut Live, role: &str) {
    let row = MembershipRow {
        role: role.into(),
        member: ADMIN.into(),
        grantor: "rdsadmin".into(),
        admin_option: true,
        inherit_option: false,
        set_option: false,
    };
    add_row(live, row);
}

/// Adds a row of `pg_auth_members`, and what follows from it.
pub fn add_row(live: &mut Live, row: MembershipRow) {
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
    reckon(live);
}

/// Computes anew what the admin may do.
pub fn reckon(live: &mut Live) {
    let version = live.server.power.version;
    live.server.power = Power::new(ADMIN, version, false, true, &live.memberships);
}
