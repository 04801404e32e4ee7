//! Statements as data, and what has to be true after them.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::address::{Grantee, Name};
use crate::model::Grant;

/// Statements that run in one transaction, and what has to be true before it commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlCommand {
    /// Complete statements without secrets; nearly always one.
    pub statements: SmallVec<[Box<str>; 1]>,
    /// What is read back.
    pub expect: Box<[Expectation]>,
}

impl SqlCommand {
    /// Statements, and what is true after them.
    pub fn new(statements: impl IntoIterator<Item = String>, expect: impl Into<Box<[Expectation]>>) -> Self {
        Self {
            statements: statements.into_iter().map(Into::into).collect(),
            expect: expect.into(),
        }
    }
}

/// What has to be read back after a statement, because Postgres answers some that did nothing with success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Exactly these items for this grantee on this database.
    DatabaseGrant {
        /// The database.
        database: Name,
        /// Who.
        grantee: Grantee,
        /// What it holds.
        grant: Grant,
    },
    /// Exactly these items for this grantee in this schema of the database the statements ran in.
    SchemaGrant {
        /// The schema.
        schema: Name,
        /// Who.
        grantee: Grantee,
        /// What it holds.
        grant: Grant,
    },
    /// The membership is there, or is not.
    Membership {
        /// The role that is granted.
        role: Name,
        /// The role that receives it.
        member: Name,
        /// Whether it has to be there.
        present: bool,
    },
}
