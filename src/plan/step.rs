//! Steps: the final SQL or API call as data. Whoever runs them has nothing left to decide.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::sql::SqlCommand;
use crate::address::{Address, Name, SharedAddress, TenantId};
use crate::model::{DeletionPolicy, Digest, KeyStatus, Mark, Password, PolicyDocument};

/// The order of an apply. Within a phase, tenants run concurrently, and the phases of IAM up to `IamPolicy` run beside those
/// of Postgres up to `Inside`.
///
/// A role gets its membership in `rds_iam`, and with it its login, once its gate stands in IAM; a database is closed
/// before it opens, and opens to its tenant last. Deletes come afterwards: access first, then identity, then data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Login roles of moved tenants get their new names, by which nobody asks for them yet.
    MoveRole,
    /// Sessions end in what is about to be renamed.
    MoveSessions,
    /// Databases of moved tenants.
    MoveDatabase,
    /// IAM users of moved tenants.
    MoveUser,
    /// Login is cut and sessions end, before anything else.
    CutAccess,
    /// IAM users.
    IamUser,
    /// IAM roles and their trust.
    IamRole,
    /// Inline policies.
    IamPolicy,
    /// Login roles and their settings.
    Role,
    /// Databases, created closed.
    Database,
    /// PUBLIC goes, and whoever else shall hold nothing.
    Close,
    /// Databases open.
    Open,
    /// Schemas, their grants, extensions.
    Inside,
    /// Memberships.
    Membership,
    /// Grants to tenants on databases.
    Grant,
    /// PUBLIC goes from databases that are not ours.
    SharedDatabase,
    /// Sessions end that are where they may no longer be.
    EndSessions,
    /// Access keys, passwords and their hand-over.
    HandOver,
    /// Access keys and IAM policies of what leaves.
    DeleteIamPolicy,
    /// IAM roles that leave.
    DeleteIamRole,
    /// IAM users that leave.
    DeleteIamUser,
    /// Databases that leave.
    DropDatabase,
    /// What roles that leave hold elsewhere.
    DropOwned,
    /// Roles that leave.
    DropRole,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the plan, from 0.
    pub id: usize,
    /// When it runs.
    pub phase: Phase,
    /// What it changes.
    pub address: SharedAddress,
    /// Whose it is; `None` for databases that are nobody's.
    pub tenant: Option<TenantId>,
    /// What it does.
    pub command: Command,
    /// What the ledger remembers once it is done.
    pub records: Records,
}

impl Step {
    /// What it means: all of it but its number, which depends on what else is planned.
    pub fn meaning(&self) -> Digest {
        let what = (&self.command, &self.records[..]);
        meaning(self.phase, &self.address, self.tenant.as_ref(), what)
    }
}

/// What a step means that is to do and to write down something about an object.
pub(super) fn meaning(
    phase: Phase,
    address: &Address,
    tenant: Option<&TenantId>,
    (command, records): (&Command, &[Record]),
) -> Digest {
    Digest::of(&(phase, address, tenant, command, records))
}

/// What a step does. What few steps carry is boxed, since each takes the place of the largest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// SQL in the admin database, in one transaction with the ledger rows.
    Admin(SqlCommand),
    /// SQL in a tenant's database, in one transaction there; the ledger's rows are written around it.
    Inside {
        /// The database.
        database: Name,
        /// The statements.
        sql: SqlCommand,
    },
    /// `CREATE DATABASE` or `DROP DATABASE`, which Postgres allows in no transaction.
    Alone {
        /// The statement.
        statement: Box<str>,
    },
    /// `GRANT role TO member`; many of one phase become one statement.
    GrantMembership {
        /// The role that is granted.
        role: Name,
        /// The role that receives it.
        member: Name,
    },
    /// Makes a password, hands it over, and sets its SCRAM verifier on the role.
    HandOverPassword {
        /// The login role.
        role: Name,
        /// Where and to whom.
        handover: Box<HandOver>,
    },
    /// Ends the sessions of a role and checks that none is left.
    EndSessions {
        /// The role.
        role: Name,
        /// Only those in this database.
        database: Option<Name>,
    },
    /// Takes from a role what it was granted in a database, unless it owns something there; in one transaction.
    DropOwned {
        /// The role.
        role: Name,
        /// The database; `None` for the admin database, from which what all databases share is reached too.
        database: Option<Name>,
        /// The statements.
        statements: Box<[String]>,
    },
    /// A call to IAM.
    Iam(IamCommand),
    /// Only the ledger's rows.
    Record,
}

/// A call to IAM, complete with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call")]
pub enum IamCommand {
    /// `CreateUser` with our tags.
    CreateUser {
        /// Name.
        user: Name,
        /// Path.
        path: Name,
        /// Tags.
        mark: Box<Mark>,
    },
    /// `TagUser`: our mark on a user that exists.
    TagUser {
        /// Name.
        user: Name,
        /// Tags.
        mark: Box<Mark>,
    },
    /// `UpdateUser`: another name, under which everything on it stays.
    RenameUser {
        /// Name.
        user: Name,
        /// Its new name, which is free.
        to: Name,
    },
    /// `PutUserPolicy`.
    PutUserPolicy {
        /// User.
        user: Name,
        /// Policy name.
        policy: Name,
        /// Document.
        document: PolicyDocument,
    },
    /// `CreateRole` with our tags.
    CreateRole {
        /// Name.
        role: Name,
        /// Path.
        path: Name,
        /// Trust policy.
        trust: PolicyDocument,
        /// Tags.
        mark: Box<Mark>,
    },
    /// `TagRole`: our mark on a role that exists.
    TagRole {
        /// Name.
        role: Name,
        /// Tags.
        mark: Box<Mark>,
    },
    /// `UpdateAssumeRolePolicy`.
    UpdateAssumeRolePolicy {
        /// Role.
        role: Name,
        /// Trust policy.
        trust: PolicyDocument,
    },
    /// `PutRolePolicy`.
    PutRolePolicy {
        /// Role.
        role: Name,
        /// Policy name.
        policy: Name,
        /// Document.
        document: PolicyDocument,
    },
    /// `CreateAccessKey`; the secret goes into the hand-over file.
    CreateAccessKey {
        /// User.
        user: Name,
        /// Where and to whom.
        handover: Box<HandOver>,
    },
    /// `UpdateAccessKey`.
    UpdateAccessKey {
        /// User.
        user: Name,
        /// `AKIA..`.
        id: Name,
        /// The status it gets.
        status: KeyStatus,
    },
    /// `DeleteAccessKey`.
    DeleteAccessKey {
        /// User.
        user: Name,
        /// `AKIA..`.
        id: Name,
    },
    /// `DeleteUserPolicy`.
    DeleteUserPolicy {
        /// User.
        user: Name,
        /// Policy name.
        policy: Name,
    },
    /// `DeleteRolePolicy`.
    DeleteRolePolicy {
        /// Role.
        role: Name,
        /// Policy name.
        policy: Name,
    },
    /// `DeleteRole`.
    DeleteRole {
        /// Role.
        role: Name,
    },
    /// `DeleteUser`.
    DeleteUser {
        /// User.
        user: Name,
    },
}

/// What a hand-over file says besides its secret, and to whom it is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The tenant.
    pub tenant: TenantId,
    /// An age recipient or an ssh public key.
    pub recipient: String,
    /// The login role.
    pub role: Name,
    /// The role to assume; `None` for a tenant that logs in by password.
    pub role_arn: Option<Name>,
    /// The region that tokens are signed for.
    pub region: String,
    /// The cluster endpoint's host name.
    pub endpoint: String,
    /// Its port.
    pub port: u16,
    /// The databases that the tenant may open.
    pub databases: Vec<Name>,
}

/// What a step leaves in the ledger: nearly always one record, which needs no heap.
pub type Records = SmallVec<[Record; 1]>;

/// A change of the ledger that a step brings with it. What few steps record is boxed, since each takes the place of the
/// largest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The object is ours, for a tenant.
    Own {
        /// The object.
        address: SharedAddress,
        /// The tenant; `None` for what belongs to the workspace itself.
        tenant: Option<TenantId>,
    },
    /// The object has another name, or its tenant has.
    Moved(Box<MovedRecord>),
    /// The object is no longer ours, or no longer there.
    Forget {
        /// The object.
        address: SharedAddress,
    },
    /// What happens to a database, or a role on its way out, when its tenant leaves.
    DeletionPolicy {
        /// The database or role.
        address: SharedAddress,
        /// The wish.
        policy: DeletionPolicy,
    },
    /// What is known of a role's password, and who got it.
    Password(Box<PasswordRecord>),
    /// A key that was there before us was switched off by us, and may be switched on again.
    KeySuspended(Box<AccessKeyRecord>),
    /// A key is as its holder left it, or gone.
    KeyForgotten(Box<AccessKeyRecord>),
}

/// An object that moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedRecord {
    /// As it was.
    pub from: SharedAddress,
    /// As it is.
    pub to: SharedAddress,
    /// Whose it is.
    pub tenant: TenantId,
}

/// A role's password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRecord {
    /// The role.
    pub role: Name,
    /// What is known.
    pub password: Password,
    /// To whom it was handed.
    pub recipient: Option<String>,
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyRecord {
    /// Its user.
    pub user: Name,
    /// `AKIA..`.
    pub id: Name,
}
