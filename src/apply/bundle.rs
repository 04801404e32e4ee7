//! Steps of many tenants in the admin database, in one transaction: one by one, each costs four round trips and a commit.

use crate::model::quote::quote_identifier;
use crate::plan::{Command, Expectation, Phase, SqlCommand, Step};

/// Tenants of one transaction: more would hold locks and memory for no gain that shows.
pub(super) const LANES: usize = 100;

/// A bundle does not wait longer for somebody else's lock: it is taken apart, and only who is concerned waits on.
const PATIENCE: &str = "SET LOCAL lock_timeout = '1s'";

/// Whether a step is nothing but statements in the admin database and rows of the ledger there. A database that is renamed
/// lets nobody in before the commit, and Postgres waits five seconds for whoever is inside: that concerns its tenant alone.
pub(super) fn takes(step: &Step) -> bool {
    let command = &step.command;
    let admin = matches!(
        command,
        Command::Admin(_) | Command::Record | Command::GrantMembership { .. }
    );
    admin && step.phase != Phase::MoveDatabase
}

/// What steps of many tenants do.
pub(super) fn sql(steps: &[&Step]) -> SqlCommand {
    let mut all = merged(steps);
    all.statements.insert(0, PATIENCE.into());
    all
}

/// What such steps do, in their order. Neighbours that grant the same role are one statement: from Postgres 16 on a
/// CREATEROLE admin pays for each with a walk over every role it made.
pub(super) fn merged(steps: &[&Step]) -> SqlCommand {
    let mut all = SqlCommand::default();
    let mut expect = Vec::new();
    let alike = |one: &&Step, other: &&Step| granted(one).is_some() && granted(one) == granted(other);
    for chunk in steps.chunk_by(alike) {
        if let Some(role) = chunk.first().and_then(|step| granted(step)) {
            let members: Vec<_> = chunk.iter().filter_map(|step| member(step)).collect();
            let names: Vec<_> = members.iter().map(|member| quote_identifier(member)).collect();
            let statement = format!("GRANT {} TO {}", quote_identifier(role), names.join(", "));
            all.statements.push(statement.into());
            expect.extend(members.into_iter().map(|member| Expectation::Membership {
                role: role.into(),
                member: member.into(),
                present: true,
            }));
        }
        for step in chunk {
            if let Command::Admin(sql) = &step.command {
                all.statements.extend(sql.statements.iter().cloned());
                expect.extend(sql.expect.iter().cloned());
            }
        }
    }
    all.expect = expect.into();
    all
}

/// The role that a step grants, whoever receives it.
fn granted(step: &Step) -> Option<&str> {
    match &step.command {
        Command::GrantMembership { role, .. } => Some(role.as_str()),
        _ => None,
    }
}

fn member(step: &Step) -> Option<&str> {
    match &step.command {
        Command::GrantMembership { member, .. } => Some(member.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn step(phase: Phase, command: Command) -> Step {
        Step {
            id: 0,
            phase,
            address: Address::Role { name: "r".into() }.into(),
            tenant: None,
            command,
            records: Vec::new().into(),
        }
    }

    fn grant(role: &str, member: &str) -> Step {
        let (role, member) = (role.into(), member.into());
        step(Phase::Membership, Command::GrantMembership { role, member })
    }

    fn statement(sql: &str) -> Step {
        step(
            Phase::Membership,
            Command::Admin(SqlCommand::new([sql.to_owned()], [])),
        )
    }

    #[test]
    fn neighbours_that_grant_one_role_are_one_statement_and_order_stays() {
        let steps = [
            statement("REVOKE \"rds_iam\" FROM \"t1\""),
            grant("rds_iam", "t1"),
            grant("rds_iam", "T\"2"),
            step(Phase::Membership, Command::Record),
            grant("rds_iam", "t3"),
            grant("other", "t3"),
        ];
        let merged = merged(&steps.each_ref());
        let statements: Vec<&str> = merged.statements.iter().map(AsRef::as_ref).collect();
        assert_eq!(
            statements,
            [
                r#"REVOKE "rds_iam" FROM "t1""#,
                r#"GRANT "rds_iam" TO "t1", "T""2""#,
                r#"GRANT "rds_iam" TO "t3""#,
                r#"GRANT "other" TO "t3""#,
            ]
        );
        let read_back = merged
            .expect
            .iter()
            .filter(|expected| matches!(expected, Expectation::Membership { present: true, .. }));
        assert_eq!(read_back.count(), 4, "each membership is read back");
    }

    #[test]
    fn a_bundle_waits_for_nobody_and_renames_no_database() {
        let first = sql(&[&grant("rds_iam", "t1")]).statements.first().cloned();
        assert_eq!(first.as_deref(), Some("SET LOCAL lock_timeout = '1s'"));
        let rename = |phase| step(phase, Command::Admin(SqlCommand::default()));
        assert!(takes(&rename(Phase::MoveRole)) && !takes(&rename(Phase::MoveDatabase)));
    }
}
