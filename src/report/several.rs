//! Plans and results of several clusters: the same as for one, by cluster. With one cluster they are what [`text`] and
//! [`json`] make of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::{self, Missing, Style, Totals};
use super::{Applied, json as of_one, printable};
use crate::address::TenantId;
use crate::apply::Report;
use crate::diag::LocatedDiagnostic;
use crate::plan::{ClusterPlan, FORMAT, Guard, Plan, Summary};

/// Plans for people.
pub fn plan(plans: &[ClusterPlan], style: Style) -> String {
    if let Some(only) = only(plans) {
        return text::plan(&only.plan, style);
    }
    let mut text = String::new();
    let mut totals = Totals::default();
    for ClusterPlan {
        cluster,
        unread,
        plan,
    } in plans
    {
        heading(&mut text, cluster.as_deref().unwrap_or_default(), style);
        let here = Totals::of(plan);
        add(&mut totals, &here);
        if let Some(because) = unread {
            let tenants = counted(plan.held.len(), "tenant is", "tenants are");
            let _ = writeln!(
                text,
                "  {} {tenants} held: it could not be read: {}\n",
                style.paint("35", "! held  "),
                printable(because)
            );
            continue;
        }
        text::tenants_and_warnings(&mut text, plan, style);
        if plan.is_empty() && here.held == 0 {
            let _ = writeln!(text, "{}", text::summary_line(&here));
        }
    }
    text::guards(&mut text, guards(plans), style);
    text.push_str(&text::summary_line(&totals));
    text
}

/// The one plan of a file with one cluster.
pub(super) fn only(plans: &[ClusterPlan]) -> Option<&ClusterPlan> {
    match plans {
        [only] if only.cluster.is_none() => Some(only),
        _ => None,
    }
}

pub(super) fn heading(text: &mut String, cluster: &str, style: Style) {
    let title = format!("cluster {}", printable(cluster));
    let _ = writeln!(text, "{}\n", style.paint("1;4", &title));
}

pub(super) fn add(totals: &mut Totals, more: &Totals) {
    totals.changes += more.changes;
    totals.unchanged += more.unchanged;
    totals.held += more.held;
    totals.summary = sum(totals.summary, more.summary);
}

fn sum(one: Summary, other: Summary) -> Summary {
    Summary {
        add: one.add + other.add,
        change: one.change + other.change,
        destroy: one.destroy + other.destroy,
    }
}

/// What forbids the plans; what forbids them together is in each of them.
pub(super) fn guards(plans: &[ClusterPlan]) -> Vec<&Guard> {
    let mut said = BTreeSet::new();
    let all = plans.iter().flat_map(|plan| &plan.plan.guards);
    all.filter(|guard| said.insert(&guard.message)).collect()
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `plan --json`: one document, with the cluster's name wherever something is one cluster's.
pub fn plan_json(plans: &[ClusterPlan], notices: &[LocatedDiagnostic]) -> Value {
    if let Some(only) = only(plans) {
        return of_one::plan(&only.plan, notices);
    }
    let (mut changes, mut held, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    let mut warnings = of_cluster(None, of_one::notices(notices));
    let mut effects: BTreeMap<&TenantId, &String> = BTreeMap::new();
    let mut totals = Totals::default();
    for ClusterPlan {
        cluster,
        unread,
        plan,
    } in plans
    {
        let cluster = cluster.as_deref();
        changes.extend(of_cluster(cluster, of_one::changes(plan)));
        held.extend(of_cluster(cluster, of_one::held(plan)));
        let live = plan.warnings.iter().map(|warning| json!(warning)).collect();
        warnings.extend(of_cluster(cluster, live));
        effects.extend(&plan.effects);
        add(&mut totals, &Totals::of(plan));
        clusters.push(json!({
            "name": cluster,
            "resource_id": plan.cluster,
            "error": unread,
            "summary": plan.summary,
            "unchanged": plan.unchanged,
        }));
    }
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "workspace": plans.first().map(|plan| &plan.plan.workspace),
        "summary": totals.summary,
        "unchanged": totals.unchanged,
        "clusters": clusters,
        "changes": changes,
        "held": held,
        "warnings": warnings,
        "guards": guards(plans),
        "effects": effects,
    })
}

/// The same objects, each with its cluster.
pub(super) fn of_cluster(cluster: Option<&str>, objects: Vec<Value>) -> Vec<Value> {
    let name = |mut object: Value| {
        object["cluster"] = json!(cluster);
        object
    };
    objects.into_iter().map(name).collect()
}

/// What was done on the only cluster of a file.
fn the_only_one<'a>(applied: &[Applied<'a>]) -> Option<(&'a Plan, &'a Report)> {
    match applied {
        [one] if one.cluster.is_none() => Some((one.plan, one.report?)),
        _ => None,
    }
}

/// What an apply did, for people.
pub fn applied(applied: &[Applied<'_>], style: Style) -> String {
    if let Some((plan, report)) = the_only_one(applied) {
        return text::applied(plan, report, style);
    }
    let mut text = String::new();
    let (mut done, mut missing) = (Summary::default(), Missing::default());
    for one in applied {
        let mut of_cluster = String::new();
        if let Some(report) = one.report {
            let here = text::what_went_on(&mut of_cluster, report, style);
            missing.failed += here.failed;
            missing.unfinished += here.unfinished;
            done = sum(done, text::applied_counts(one.plan, report));
        }
        if let Some(lost) = one.lost {
            missing.unfinished += one.report.map_or(one.plan.steps.len(), |_| 0);
            let _ = writeln!(
                of_cluster,
                "{} {}",
                style.paint("31", "not applied:"),
                printable(lost)
            );
        }
        if !of_cluster.is_empty() {
            heading(&mut text, one.cluster.unwrap_or_default(), style);
            let _ = writeln!(text, "{of_cluster}");
        }
    }
    let lost: Vec<&str> = (applied.iter().filter(|one| one.lost.is_some()))
        .filter_map(|one| one.cluster)
        .collect();
    let end = text::end_line(done, missing);
    match lost.is_empty() {
        true => text.push_str(&end),
        false => {
            let Summary { add, change, destroy } = done;
            let Missing { failed, unfinished } = missing;
            let _ = writeln!(
                text,
                "Apply incomplete: nothing was applied to {}, which could not be reached or locked; elsewhere {failed} steps \
                 failed, {unfinished} were not started; {add} added, {change} changed, {destroy} destroyed. Apply again: what is \
                 done stays done.",
                lost.join(", ")
            );
        }
    }
    text
}

/// `apply --json`: one document.
pub fn applied_json(applied: &[Applied<'_>]) -> Value {
    if let Some((plan, report)) = the_only_one(applied) {
        return of_one::applied(plan, report);
    }
    let (mut results, mut handed_over, mut clusters) = (Vec::new(), Vec::new(), Vec::new());
    let mut total = Summary::default();
    let mut elapsed: f64 = 0.0;
    for one in applied {
        let done = one
            .report
            .map_or_else(Summary::default, |report| text::applied_counts(one.plan, report));
        total = sum(total, done);
        if let Some(report) = one.report {
            results.extend(of_cluster(one.cluster, of_one::results(report)));
            handed_over.extend(&report.handed_over);
            elapsed = elapsed.max(report.elapsed.as_secs_f64());
        }
        clusters.push(json!({
            "name": one.cluster,
            "resource_id": one.plan.cluster,
            "complete": one.is_complete(),
            "error": one.lost,
            "summary": done,
        }));
    }
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "workspace": applied.first().map(|one| &one.plan.workspace),
        "complete": applied.iter().all(Applied::is_complete),
        "summary": total,
        "clusters": clusters,
        "handed_over": handed_over,
        "elapsed_seconds": elapsed,
        "results": results,
    })
}
