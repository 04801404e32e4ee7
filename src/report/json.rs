//! Plans and results for machines.

use serde_json::{Value, json};

use super::steps;
use crate::apply::{Outcome, Report};
use crate::diag::LocatedDiagnostic;
use crate::plan::{FORMAT, Plan};

/// `plan --json`: one document.
pub fn plan(plan: &Plan, notices: &[LocatedDiagnostic]) -> Value {
    let mut warnings = self::notices(notices);
    warnings.extend(plan.warnings.iter().map(|warning| json!(warning)));
    json!({
        "format_version": FORMAT,
        "tool_version": plan.tool_version,
        "workspace": plan.workspace,
        "summary": plan.summary,
        "unchanged": plan.unchanged,
        "changes": changes(plan),
        "held": held(plan),
        "warnings": warnings,
        "guards": plan.guards,
        "effects": plan.effects,
    })
}

pub(super) fn changes(plan: &Plan) -> Vec<Value> {
    let change = |change: &crate::plan::PlannedChange| {
        let steps: Vec<_> = (change.steps.iter())
            .flat_map(|&id| steps::lines(&plan.steps[id]))
            .collect();
        json!({
            "address": change.address.to_string(),
            "tenant": change.tenant,
            "kind": change.address.kind(),
            "name": change.address.name(),
            "action": change.action,
            "before": change.told.before,
            "after": change.told.after,
            "fields": change.told.fields,
            "reason": change.told.reason,
            "steps": steps,
        })
    };
    plan.changes.iter().map(change).collect()
}

pub(super) fn held(plan: &Plan) -> Vec<Value> {
    let held = |held: &crate::plan::HeldObject| {
        json!({
            "address": held.address.to_string(),
            "tenant": held.tenant,
            "kind": held.kind,
            "because": held.because,
        })
    };
    plan.held.iter().map(held).collect()
}

/// What was said about the file.
pub(super) fn notices(notices: &[LocatedDiagnostic]) -> Vec<Value> {
    let notice = |notice: &LocatedDiagnostic| json!({ "code": notice.code, "message": notice.message });
    notices.iter().map(notice).collect()
}

/// `apply --json`: one document.
pub fn applied(plan: &Plan, report: &Report) -> Value {
    json!({
        "format_version": FORMAT,
        "tool_version": plan.tool_version,
        "workspace": plan.workspace,
        "complete": report.is_complete(),
        "summary": super::text::applied_counts(plan, report),
        "handed_over": report.handed_over,
        "elapsed_seconds": report.elapsed.as_secs_f64(),
        "results": results(report),
    })
}

pub(super) fn results(report: &Report) -> Vec<Value> {
    let result = |result: &crate::apply::StepResult| {
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
    };
    report.results.iter().map(result).collect()
}
