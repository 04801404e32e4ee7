//! `plan --status-file`: how a run ended, for a script to branch on. Described in `docs/ci.md`.

use serde_json::{Value, json};

use super::several;
use super::text::Totals;
use crate::diff::HeldKind;
use crate::plan::{ClusterPlan, FORMAT, Guard, Plan};

/// A plan that was made: `empty`, `changes`, or `refused` where a guard forbids to apply it.
pub fn plan(plan: &Plan, notices: usize) -> Value {
    let mut status = of(
        std::iter::once(plan),
        &plan.guards.iter().collect::<Vec<_>>(),
        notices,
    );
    status["cluster"] = json!(plan.cluster);
    status["config_digest"] = json!(plan.config_digest);
    status["live_digest"] = json!(plan.live_digest);
    status
}

/// The plans of several clusters. Where one of them could not be read, that is an error, whatever the others would do.
pub fn plans(plans: &[ClusterPlan], notices: usize) -> Value {
    if let Some(only) = several::only(plans) {
        return plan(&only.plan, notices);
    }
    let guards = several::guards(plans);
    let mut status = of(plans.iter().map(|plan| &plan.plan), &guards, notices);
    let unread: Vec<String> = (plans.iter())
        .filter_map(|plan| Some((plan.cluster.as_ref()?, plan.unread.as_ref()?)))
        .map(|(cluster, because)| format!("cluster {cluster}: {because}"))
        .collect();
    if !unread.is_empty() {
        status["status"] = json!("error");
        status["error"] = json!(unread.join("; "));
    }
    let clusters = plans.iter().map(|plan| {
        json!({
            "name": plan.cluster,
            "cluster": plan.plan.cluster,
            "error": plan.unread,
            "summary": plan.plan.summary,
            "config_digest": plan.plan.config_digest,
            "live_digest": plan.plan.live_digest,
        })
    });
    status["clusters"] = clusters.collect();
    status
}

fn of<'p>(plans: impl Iterator<Item = &'p Plan>, guards: &[&Guard], notices: usize) -> Value {
    let mut workspace = None;
    let mut totals = Totals::default();
    let mut held = [0_usize; 3];
    let (mut tenants, mut warnings) = (0, notices);
    for plan in plans {
        workspace = workspace.or(Some(&plan.workspace));
        several::add(&mut totals, &Totals::of(plan));
        tenants += plan.effects.len();
        warnings += plan.warnings.len();
        for object in &plan.held {
            held[match object.kind {
                HeldKind::Retained => 0,
                HeldKind::Gap => 1,
                HeldKind::NotOurs | HeldKind::NotAllowed | HeldKind::Waits | HeldKind::Mode => 2,
            }] += 1;
        }
    }
    let status = if !guards.is_empty() {
        "refused"
    } else if totals.changes == 0 {
        "empty"
    } else {
        "changes"
    };
    let [kept, gaps, others] = held;
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "status": status,
        "error": null,
        "workspace": workspace,
        "summary": totals.summary,
        "tenants": tenants,
        "unchanged": totals.unchanged,
        "held": gaps + others,
        "gaps": gaps,
        "kept": kept,
        "warnings": warnings,
        "guards": guards,
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
