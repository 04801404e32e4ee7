//! What was applied, for people and machines.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::printable;
use crate::model::{AppliedRun, AppliedStep};
use crate::plan::FORMAT;

/// `history --json`: one document.
pub fn json(workspace: &str, runs: &[AppliedRun]) -> Value {
    let runs: Vec<_> = runs
        .iter()
        .map(|run| {
            let steps: Vec<_> = run.steps.iter().map(step).collect();
            json!({
                "id": run.id,
                "actor": run.actor,
                "tool_version": run.tool_version,
                "started_at": run.started_at,
                "finished_at": run.finished_at,
                "complete": run.is_complete(),
                "summary": run.summary,
                "planned_steps": run.planned,
                "done_steps": run.done,
                "failed_steps": run.failed,
                "tenants": run.tenants,
                "steps": steps,
            })
        })
        .collect();
    json!({ "format_version": FORMAT, "workspace": workspace, "runs": runs })
}

fn step(step: &AppliedStep) -> Value {
    json!({
        "address": step.address.to_string(),
        "tenant": step.tenant,
        "kind": step.address.kind(),
        "name": step.address.name(),
        "action": step.action,
        "outcome": step.outcome,
    })
}

/// A table, the latest run first; with what was done in each, if that is asked for.
pub fn text(runs: &[AppliedRun], steps: bool) -> String {
    if runs.is_empty() {
        return "Nothing was applied yet.\n".to_owned();
    }
    let mut rows = vec![["WHEN (UTC)", "WHO", "CHANGES", "RESULT", "VERSION", "RUN"].map(str::to_owned)];
    rows.extend(runs.iter().map(|run| {
        [
            run.started_at.replace('T', " ").replace('Z', ""),
            printable(&run.actor),
            changes(run),
            result(run),
            printable(&run.tool_version),
            printable(&run.id),
        ]
    }));
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
        if let Some(run) = index.checked_sub(1).map(|index| &runs[index]).filter(|_| steps) {
            let mut said = BTreeSet::new();
            // A database takes two steps: one that makes it, and one that opens it.
            let lines = run.steps.iter().map(line_of);
            text.extend(lines.filter(|line| said.insert(line.clone())));
        }
    }
    text
}

fn changes(run: &AppliedRun) -> String {
    let Some(summary) = &run.summary else {
        return format!("{} steps", run.done + run.failed);
    };
    let words = [("create", "+"), ("update", "~"), ("delete", "-"), ("adopt", "@")];
    let counts = words.iter().filter_map(|(word, sign)| {
        let count = summary.get(*word).filter(|count| **count > 0)?;
        Some(format!("{sign}{count}"))
    });
    let counts: Vec<_> = counts.collect();
    match run.tenants {
        0 => counts.join(" "),
        1 => format!("{} of 1 tenant", counts.join(" ")),
        many => format!("{} of {many} tenants", counts.join(" ")),
    }
}

fn result(run: &AppliedRun) -> String {
    let of = run
        .planned
        .map_or_else(String::new, |planned| format!(" of {planned}"));
    match (&run.finished_at, run.is_complete()) {
        (_, true) => "complete".to_owned(),
        (None, _) => format!("did not end; {}{of} steps done", run.done),
        (Some(_), false) => format!("incomplete: {}{of} steps done, {} failed", run.done, run.failed),
    }
}

fn line_of(step: &AppliedStep) -> String {
    let sign = match step.action.as_deref() {
        Some("create") => "+ create",
        Some("update") => "~ change",
        Some("delete") => "- delete",
        Some("adopt") => "@ adopt",
        _ => "",
    };
    let outcome = match step.outcome.as_deref() {
        Some("done") => String::new(),
        Some(other) => format!("  {}", printable(other)),
        None => "  nobody knows: begun, and no end written down".to_owned(),
    };
    let name = printable(&step.address.name());
    format!("    {sign:<8} {:<15}  {name}{outcome}\n", step.address.kind())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, TenantId};

    fn run(id: &str, planned: Option<i64>, done: i64, failed: i64, ended: bool) -> AppliedRun {
        let summary = planned.map(|_| [("create".to_owned(), 3), ("delete".to_owned(), 1)].into());
        let step = |name: &str, action: Option<&str>, outcome: Option<&str>| AppliedStep {
            address: Address::Role { name: name.into() },
            tenant: Some(TenantId::new(name)),
            action: action.map(str::to_owned),
            outcome: outcome.map(str::to_owned),
        };
        AppliedRun {
            id: id.into(),
            actor: "eva@office\u{1b}[31m".into(),
            tool_version: "0.1.0".into(),
            started_at: "2026-01-31T09:00:00Z".into(),
            finished_at: ended.then(|| "2026-01-31T09:00:07Z".into()),
            summary,
            planned,
            done,
            failed,
            tenants: 2,
            steps: vec![
                step("client01", Some("create"), Some("done")),
                step("client02", Some("delete"), Some("failed: no")),
                step("client03", None, None),
            ],
        }
    }

    #[test]
    fn a_table_of_runs() {
        let runs = [
            run("e3", Some(4), 2, 0, false),
            run("d2", Some(4), 3, 1, true),
            run("c1", Some(4), 4, 0, true),
            run("b0", None, 17, 0, true),
        ];
        insta::assert_snapshot!("a_table_of_runs", text(&runs, false));
        insta::assert_snapshot!("a_run_with_its_steps", text(&runs[..1], true));
        assert_eq!(text(&[], true), "Nothing was applied yet.\n");
    }
}
