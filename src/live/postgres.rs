//! Postgres catalogs, read whole: six queries on the shared ones, one more where somebody left the file, and one in
//! each database.

use std::collections::BTreeMap;

use tokio_postgres::Row;

use super::ask::Questions;
use super::connect::Session;
use super::{ReadError, Server};
use crate::address::{Address, Grantee, Name};
use crate::engine::LEDGER_SCHEMA;
use crate::model::{
    Database, DatabaseState, DeletionPolicy, Dependents, Extension, Grant, GrantItem, Grantor, Membership,
    MembershipRow, Object, Password, Power, Privilege, Role, RoleSetting, Schema, World,
};

/// The shared catalogs of one cluster.
#[derive(Debug)]
pub struct Catalogs {
    /// The server and the admin on it.
    pub server: Server,
    /// Roles, settings, memberships, databases, grants on databases.
    pub world: World,
    /// The oids of roles and databases.
    pub oids: BTreeMap<Address, u32>,
    /// Memberships, a row per grantor.
    pub memberships: Vec<MembershipRow>,
    /// Encoding and locale of each database.
    pub locales: BTreeMap<Name, Name>,
    /// Sessions by role and database.
    pub sessions: BTreeMap<(Name, Name), i64>,
}

/// Runs one bulk query.
pub(super) async fn rows(session: &Session, sql: &str) -> Result<Vec<Row>, ReadError> {
    session
        .query_once(sql)
        .await
        .map_err(|error| ReadError::query(session, error))
}

/// Reads the shared catalogs. The power is that of the admin, where somebody else reads.
///
/// # Errors
/// A query fails.
pub async fn read_catalogs(session: &Session, admin: Option<&str>) -> Result<Catalogs, ReadError> {
    let mut found = Questions::to(session)
        .ask(include_str!("sql/memberships.sql"))
        .ask_about(include_str!("sql/server.sql"), &admin)
        .ask(include_str!("sql/roles.sql"))
        .ask(include_str!("sql/databases.sql"))
        .ask(include_str!("sql/database_grants.sql"))
        .ask(include_str!("sql/sessions.sql"));
    let memberships: Vec<_> = found.answer().await?.iter().map(membership).collect();
    let mut catalogs = Catalogs {
        server: server_of(&found.answer().await?, &memberships)?,
        world: World::default(),
        oids: BTreeMap::new(),
        memberships,
        locales: BTreeMap::new(),
        sessions: BTreeMap::new(),
    };
    add_roles(found.answer().await?, &mut catalogs);
    add_memberships(&mut catalogs);
    add_databases(found.answer().await?, &mut catalogs);
    add_database_grants(found.answer().await?, &mut catalogs.world);
    for row in found.answer().await? {
        catalogs
            .sessions
            .insert((name(&row, "role"), name(&row, "database")), row.get("sessions"));
    }
    Ok(catalogs)
}

fn server_of(found: &[Row], memberships: &[MembershipRow]) -> Result<Server, ReadError> {
    let row = found
        .first()
        .ok_or_else(|| ReadError::Ledger("the admin's role is not there".into()))?;
    let admin: &str = row.get("admin");
    let power = Power::new(
        admin,
        row.get("version_num"),
        row.get("superuser"),
        row.get("create_role"),
        memberships,
    );
    Ok(Server {
        power,
        in_recovery: row.get("in_recovery"),
        free_connections: row.get("free_connections"),
    })
}

fn add_roles(rows: Vec<Row>, catalogs: &mut Catalogs) {
    let (mut objects, mut oids) = (Vec::new(), Vec::new());
    for row in rows {
        let name = name(&row, "name");
        let role = Role {
            login: row.get("login"),
            superuser: row.get("superuser"),
            create_database: row.get("create_database"),
            create_role: row.get("create_role"),
            replication: row.get("replication"),
            bypass_rls: row.get("bypass_rls"),
            connection_limit: Some(row.get("connection_limit")),
            password: Password::Unknown,
        };
        for setting in row.get::<_, Vec<String>>("settings") {
            if let Some((parameter, value)) = setting.split_once('=') {
                // Parameters have no case, but the catalog keeps the server's spelling (`TimeZone`).
                let parameter = &parameter.to_ascii_lowercase();
                let address = Address::RoleSetting {
                    role: name.clone(),
                    name: parameter.as_str().into(),
                };
                objects.push((address, Object::RoleSetting(RoleSetting::new(parameter, value))));
            }
        }
        let address = Address::Role { name };
        oids.push((address.clone(), row.get("oid")));
        objects.push((address, Object::Role(role)));
    }
    catalogs.oids.extend(oids);
    catalogs.world.extend(objects);
}

fn membership(row: &Row) -> MembershipRow {
    MembershipRow {
        role: name(row, "role"),
        member: name(row, "member"),
        grantor: name(row, "grantor"),
        admin_option: row.get("admin_option"),
        inherit_option: row.get("inherit_option"),
        set_option: row.get("set_option"),
    }
}

/// Folds the rows per grantor; the one a creator gets of its own role is not a membership anybody asked for.
fn add_memberships(catalogs: &mut Catalogs) {
    let admin = &catalogs.server.power.admin;
    let mut folded: BTreeMap<(String, String), Membership> = BTreeMap::new();
    for row in catalogs.memberships.iter().filter(|row| !row.is_creators(admin)) {
        let membership = folded
            .entry((row.role.to_string(), row.member.to_string()))
            .or_default();
        membership.admin_option |= row.admin_option;
        membership.grantors.insert(row.grantor.clone());
    }
    let objects = folded.into_iter().map(|((role, member), membership)| {
        let address = Address::Membership {
            role: role.into(),
            member: member.into(),
        };
        (address, Object::Membership(membership))
    });
    catalogs.world.extend(objects);
}

fn add_databases(rows: Vec<Row>, catalogs: &mut Catalogs) {
    let (mut objects, mut oids) = (Vec::new(), Vec::new());
    for row in rows {
        let name = name(&row, "name");
        let state = match (
            row.get::<_, i32>("connection_limit"),
            row.get("allow_connections"),
        ) {
            (-2, _) => DatabaseState::Invalid,
            (_, true) => DatabaseState::Open,
            (_, false) => DatabaseState::Closed,
        };
        let (encoding, collation, character_type): (&str, Option<&str>, Option<&str>) = (
            row.get("encoding"),
            row.get("collation"),
            row.get("character_type"),
        );
        let locale = format!(
            "{encoding} {}/{}",
            collation.unwrap_or_default(),
            character_type.unwrap_or_default()
        );
        catalogs.locales.insert(name.clone(), locale.into());
        // PUBLIC is always said, also when it holds nothing.
        let public = Address::DatabaseGrant {
            database: name.clone(),
            grantee: Grantee::Public,
        };
        objects.push((public, Object::Grant(Grant::default())));
        let database = Database {
            owner: row.get::<_, &str>("owner").into(),
            state,
            deletion_policy: DeletionPolicy::default(),
        };
        let address = Address::Database { name };
        oids.push((address.clone(), row.get("oid")));
        objects.push((address, Object::Database(database)));
    }
    catalogs.oids.extend(oids);
    catalogs.world.extend(objects);
}

fn add_database_grants(rows: Vec<Row>, world: &mut World) {
    let mut grants: BTreeMap<Address, Grant> = BTreeMap::new();
    for row in rows {
        let (Some(grantee), Some(item)) = (grantee(&row), item(&row)) else {
            continue;
        };
        let address = Address::DatabaseGrant {
            database: name(&row, "database"),
            grantee,
        };
        grants.entry(address).or_default().items.extend([item]);
    }
    world.extend(
        grants
            .into_iter()
            .map(|(address, grant)| (address, Object::Grant(grant))),
    );
}

/// Reads what keeps these roles from being dropped.
///
/// # Errors
/// The query fails.
pub(super) async fn read_dependents(session: &Session, roles: &[Name]) -> Result<Vec<Dependents>, ReadError> {
    let names: Vec<&str> = roles.iter().map(Name::as_str).collect();
    let found = session
        .query(include_str!("sql/dependents.sql"), &[&names])
        .await
        .map_err(|error| ReadError::query(session, error))?;
    let one = |row: &Row| Dependents {
        role: name(row, "role"),
        database: row.get::<_, Option<&str>>("database").map(Name::from),
        inside: row.get("inside"),
        owned: row.get("owned"),
        privileges: row.get("privileges"),
        owners: row
            .get::<_, Vec<&str>>("owners")
            .into_iter()
            .map(Name::from)
            .collect(),
    };
    Ok(found.iter().map(one).collect())
}

/// Reads what is inside the database of a session.
///
/// # Errors
/// The query fails.
pub async fn read_inside(session: &Session) -> Result<Vec<(Address, Object)>, ReadError> {
    let database = &session.database;
    let mut objects = Vec::new();
    let mut grants: BTreeMap<Address, Grant> = BTreeMap::new();
    for row in rows(session, include_str!("sql/inside.sql")).await? {
        let name = name(&row, "name");
        match row.get("what") {
            "schema" => {
                let public = Address::SchemaGrant {
                    database: database.as_str().into(),
                    schema: name.clone(),
                    grantee: Grantee::Public,
                };
                grants.entry(public).or_default();
                let address = Address::Schema {
                    database: database.as_str().into(),
                    name,
                };
                objects.push((address, Object::Schema(Schema {})));
            }
            "grant" => {
                let (Some(grantee), Some(item)) = (grantee(&row), item(&row)) else {
                    continue;
                };
                let address = Address::SchemaGrant {
                    database: database.as_str().into(),
                    schema: name,
                    grantee,
                };
                grants.entry(address).or_default().items.extend([item]);
            }
            _ => {
                let address = Address::Extension {
                    database: database.as_str().into(),
                    name,
                };
                objects.push((address, Object::Extension(Extension {})));
            }
        }
    }
    objects.extend(
        grants
            .into_iter()
            .map(|(address, grant)| (address, Object::Grant(grant))),
    );
    Ok(objects)
}

/// Adds who else may look into the ledger.
pub(super) fn add_ledger_grants(rows: Vec<Row>, database: &str, world: &mut World) {
    let mut grants: BTreeMap<Address, Grant> = BTreeMap::new();
    for row in rows {
        let (Some(grantee), Some(item)) = (grantee(&row), item(&row)) else {
            continue;
        };
        let address = Address::SchemaGrant {
            database: database.into(),
            schema: LEDGER_SCHEMA.into(),
            grantee,
        };
        grants.entry(address).or_default().items.extend([item]);
    }
    for (address, grant) in grants {
        world.insert(address, Object::Grant(grant));
    }
}

/// A name in a row.
pub(super) fn name(row: &Row, column: &str) -> Name {
    row.get::<_, &str>(column).into()
}

/// `None` for a grantee that was dropped since: its ACL items are about to go too.
pub(super) fn grantee(row: &Row) -> Option<Grantee> {
    if row.get("public") {
        Some(Grantee::Public)
    } else {
        row.get::<_, Option<&str>>("grantee")
            .map(|name| Grantee::Role(name.into()))
    }
}

fn item(row: &Row) -> Option<GrantItem> {
    let privilege = Privilege::parse(row.get("privilege"))?;
    let grantor = if row.get("by_owner") {
        Grantor::Owner
    } else {
        Grantor::Role(row.get::<_, Option<&str>>("grantor").unwrap_or_default().into())
    };
    Some(GrantItem {
        privilege,
        grantor,
        grantable: row.get("grantable"),
    })
}
