//! Memberships, many in one statement: from Postgres 16 on a CREATEROLE admin pays for each statement with a walk over
//! every role it made.

use crate::model::quote::quote_identifier;
use crate::plan::{Expectation, SqlCommand};

/// Members of one statement.
pub(super) const BATCH: usize = 500;

/// The statement, and what has to be true after it.
pub(super) fn grant(role: &str, members: &[&str]) -> SqlCommand {
    let names: Vec<_> = members.iter().map(|member| quote_identifier(member)).collect();
    let statement = format!("GRANT {} TO {}", quote_identifier(role), names.join(", "));
    let expect = members.iter().map(|member| Expectation::Membership {
        role: role.into(),
        member: (*member).into(),
        present: true,
    });
    SqlCommand::new([statement], expect.collect::<Vec<_>>())
}
