//! `plan --status-file`: how a run ended, for a script to branch on. Described in `docs/ci.md`.

use serde_json::{Value, json};

use crate::diff::HeldKind;
use crate::plan::{FORMAT, Plan};

/// A plan that was made: `empty`, `changes`, or `refused` where a guard forbids to apply it.
pub fn plan(plan: &Plan, notices: usize) -> Value {
    let status = if !plan.guards.is_empty() {
        "refused"
    } else if plan.is_empty() {
        "empty"
    } else {
        "changes"
    };
    let mut held = [0_usize; 3];
    for object in &plan.held {
        held[match object.kind {
            HeldKind::Retained => 0,
            HeldKind::Gap => 1,
            HeldKind::NotOurs | HeldKind::NotAllowed | HeldKind::Waits | HeldKind::Mode => 2,
        }] += 1;
    }
    let [kept, gaps, others] = held;
    json!({
        "format_version": FORMAT,
        "tool_version": plan.tool_version,
        "status": status,
        "error": null,
        "workspace": plan.workspace,
        "cluster": plan.cluster,
        "summary": plan.summary,
        "tenants": plan.effects.len(),
        "unchanged": plan.unchanged,
        "held": gaps + others,
        "gaps": gaps,
        "kept": kept,
        "warnings": notices + plan.warnings.len(),
        "guards": plan.guards,
        "config_digest": plan.config_digest,
        "live_digest": plan.live_digest,
    })
}

/// No plan was made.
pub fn error(message: &str) -> Value {
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "status": "error",
        "error": message,
    })
}
