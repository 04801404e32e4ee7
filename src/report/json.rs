//! Plans and results for machines.

use serde_json::{Value, json};

use super::steps;
use crate::apply::{Outcome, Report};
use crate::diag::LocatedDiagnostic;
use crate::plan::{FORMAT, Plan};

/// `plan --json`: one document.
pub fn plan(plan: &Plan, notices: &[LocatedDiagnostic]) -> Value {
    let changes: Vec<_> = plan
        .changes
        .iter()
        .map(|change| {
            let steps: Vec<_> = change
                .steps
                .iter()
                .flat_map(|&id| steps::lines(&plan.steps[id]))
                .collect();
            json!({
                "address": change.address.to_string(),
                "tenant": change.tenant,
                "kind": change.address.kind(),
                "name": change.address.name(),
                "action": change.action,
                "before": change.before,
                "after": change.after,
                "fields": change.fields,
                "reason": change.reason,
                "steps": steps,
            })
        })
        .collect();
    let held: Vec<_> = plan
        .held
        .iter()
        .map(|held| {
            json!({
                "address": held.address.to_string(),
                "tenant": held.tenant,
                "kind": held.kind,
                "because": held.because,
            })
        })
        .collect();
    let mut warnings: Vec<_> = notices
        .iter()
        .map(|notice| json!({ "code": notice.code, "message": notice.message }))
        .collect();
    warnings.extend(plan.warnings.iter().map(|warning| json!(warning)));
    json!({
        "format_version": FORMAT,
        "tool_version": plan.tool_version,
        "workspace": plan.workspace,
        "summary": plan.summary,
        "unchanged": plan.unchanged,
        "changes": changes,
        "held": held,
        "warnings": warnings,
        "guards": plan.guards,
        "effects": plan.effects,
    })
}

/// `apply --json`: one document.
pub fn applied(plan: &Plan, report: &Report) -> Value {
    let results: Vec<_> = report
        .results
        .iter()
        .map(|result| {
            let (outcome, problem) = match &result.outcome {
                Outcome::Done => ("done", None),
                Outcome::Failed(problem) => ("failed", Some(problem)),
                Outcome::Skipped => ("skipped", None),
                Outcome::Interrupted => ("interrupted", None),
            };
            json!({
                "step": result.id,
                "address": result.address.to_string(),
                "tenant": result.tenant,
                "outcome": outcome,
                "error": problem.map(ToString::to_string),
                "problem": problem,
            })
        })
        .collect();
    json!({
        "format_version": FORMAT,
        "tool_version": plan.tool_version,
        "workspace": plan.workspace,
        "complete": report.is_complete(),
        "summary": super::text::applied_counts(plan, report),
        "handed_over": report.handed_over,
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "results": results,
    })
}
