//! Plans and results for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use similar::{ChangeTag, TextDiff};

use super::{printable, steps};
use crate::address::TenantId;
use crate::apply::{Outcome, Report};
use crate::diff::{FieldChange, HeldKind};
use crate::plan::{ActionWord, Guard, HeldObject, Plan, PlannedChange, Summary};

/// How to write for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// With the exact SQL and API calls.
    pub verbose: bool,
}

impl Style {
    pub(super) fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn action(self, action: ActionWord) -> String {
        match action {
            ActionWord::Create => self.paint("32", "+ create"),
            ActionWord::Update => self.paint("33", "~ change"),
            ActionWord::Delete => self.paint("31", "- delete"),
            ActionWord::Adopt => self.paint("36", "@ adopt "),
        }
    }
}

/// Columns of the kind, so that names stand below each other.
const KIND_WIDTH: usize = 16;

/// What a plan says of one tenant, or of what is nobody's.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub tenant: Option<&'a TenantId>,
    pub changes: Vec<&'a PlannedChange>,
    pub held: Vec<&'a HeldObject>,
}

impl Group<'_> {
    /// Whose it is, for a title.
    pub fn title(&self) -> String {
        self.tenant.map_or_else(
            || "databases that are nobody's".to_owned(),
            |tenant| printable(tenant.as_str()),
        )
    }
}

/// A plan by tenant; what is nobody's comes last.
pub(super) fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Option<&TenantId>, Group<'_>> = BTreeMap::new();
    for change in &plan.changes {
        let group = groups.entry(change.tenant.as_ref()).or_default();
        group.changes.push(change);
    }
    for held in &plan.held {
        groups.entry(held.tenant.as_ref()).or_default().held.push(held);
    }
    let nobodys = groups.remove(&None);
    let named = groups
        .into_iter()
        .map(|(tenant, group)| Group { tenant, ..group });
    named.chain(nobodys).collect()
}

/// A whole plan.
pub fn plan(plan: &Plan, style: Style) -> String {
    let mut text = String::new();
    tenants_and_warnings(&mut text, plan, style);
    guards(&mut text, &plan.guards, style);
    text.push_str(&summary_line(&Totals::of(plan)));
    text
}

pub(super) fn tenants_and_warnings(text: &mut String, plan: &Plan, style: Style) {
    for group in groups(plan) {
        one_group(text, plan, &group, style);
        text.push('\n');
    }
    for warning in &plan.warnings {
        let _ = writeln!(
            text,
            "{} {}",
            style.paint("33", "warning:"),
            printable(&warning.message)
        );
    }
    if !plan.warnings.is_empty() {
        text.push('\n');
    }
}

pub(super) fn guards<'g>(text: &mut String, guards: impl IntoIterator<Item = &'g Guard>, style: Style) {
    for guard in guards {
        let _ = writeln!(
            text,
            "{} {}\n",
            style.paint("31", "refused:"),
            printable(&guard.message)
        );
    }
}

/// What a plan comes to.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub changes: usize,
    pub unchanged: usize,
    pub held: usize,
    pub summary: Summary,
}

impl Totals {
    pub fn of(plan: &Plan) -> Self {
        let held = plan.held.iter();
        Self {
            changes: plan.changes.len(),
            unchanged: plan.unchanged,
            held: held.filter(|held| held.kind != HeldKind::Retained).count(),
            summary: plan.summary,
        }
    }
}

pub(super) fn summary_line(totals: &Totals) -> String {
    let held = match totals.held {
        0 => String::new(),
        1 => " 1 object is held, see above.".to_owned(),
        many => format!(" {many} objects are held, see above."),
    };
    if totals.changes == 0 {
        return format!(
            "No changes. {} objects are as the file asks.{held}\n",
            totals.unchanged
        );
    }
    let Summary { add, change, destroy } = totals.summary;
    let held = if held.is_empty() {
        held
    } else {
        format!("{}\n", held.trim_start())
    };
    format!("{held}Plan: {add} to add, {change} to change, {destroy} to destroy.\n")
}

/// One tenant: its name, what it will be able to do, and each object.
pub(super) fn one_group(text: &mut String, plan: &Plan, group: &Group<'_>, style: Style) {
    let _ = writeln!(text, "{}", style.paint("1", &group.title()));
    if let Some(effect) = group.tenant.and_then(|tenant| plan.effects.get(tenant)) {
        let _ = writeln!(text, "  {}", printable(effect));
    }
    objects(text, plan, group, style);
}

/// Each object of one tenant.
pub(super) fn objects(text: &mut String, plan: &Plan, group: &Group<'_>, style: Style) {
    for change in &group.changes {
        one_change(text, plan, change, style);
    }
    let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
    for held in &group.held {
        if held.kind == HeldKind::Waits {
            *waiting.entry(&held.because).or_default() += 1;
        } else {
            one_held(text, held, style);
        }
    }
    for (because, count) in waiting {
        let objects = if count == 1 { "object" } else { "objects" };
        let _ = writeln!(
            text,
            "  {} {count} {objects}: {}",
            style.paint("35", "! held  "),
            printable(because)
        );
    }
}

fn one_change(text: &mut String, plan: &Plan, change: &PlannedChange, style: Style) {
    let kind = change.address.kind();
    let name = printable(&change.address.name());
    let _ = write!(
        text,
        "  {} {kind:KIND_WIDTH$} {name}",
        style.action(change.action)
    );
    let (long, short): (Vec<_>, Vec<_>) = change
        .told
        .fields
        .iter()
        .partition(|field| field.before.contains('\n') || field.after.contains('\n'));
    if !short.is_empty() {
        let words: Vec<_> = short.into_iter().map(field_words).collect();
        let _ = write!(text, "  {}", words.join("; "));
    }
    if let (ActionWord::Create, Some(words)) = (change.action, created_words(change)) {
        let _ = write!(text, "  {words}");
    }
    if let Some(reason) = &change.told.reason {
        let _ = write!(text, " ({})", printable(reason));
    }
    text.push('\n');
    for field in long {
        line_diff(text, field, style);
    }
    if style.verbose {
        for line in change.steps.iter().flat_map(|&id| steps::lines(&plan.steps[id])) {
            let _ = writeln!(text, "      {}", style.paint("2", &printable(&line)));
        }
    }
}

fn field_words(field: &FieldChange) -> String {
    format!(
        "{}: {} -> {}",
        printable(&field.name),
        printable(&field.before),
        printable(&field.after)
    )
}

/// For what is new, what it holds, where that is not in its name.
fn created_words(change: &PlannedChange) -> Option<String> {
    let after = change.told.after.as_ref()?.value();
    let items = after.as_array()?;
    let privileges: Vec<_> = items
        .iter()
        .filter_map(|item| item.get("privilege")?.as_str())
        .collect();
    if privileges.is_empty() {
        None
    } else {
        Some(printable(&privileges.join(", ")))
    }
}

/// Only the lines that differ, with one around them to tell where they are.
fn line_diff(text: &mut String, field: &FieldChange, style: Style) {
    let diff = TextDiff::from_lines(&field.before, &field.after);
    for group in diff.grouped_ops(1) {
        for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let line = printable(change.value().trim_end_matches(['\n', '\r']));
            let _ = match change.tag() {
                ChangeTag::Delete => writeln!(text, "      {}", style.paint("31", &format!("- {line}"))),
                ChangeTag::Insert => writeln!(text, "      {}", style.paint("32", &format!("+ {line}"))),
                ChangeTag::Equal => writeln!(text, "        {line}"),
            };
        }
    }
}

fn one_held(text: &mut String, held: &HeldObject, style: Style) {
    let kind = held.address.kind();
    let name = printable(&held.address.name());
    let mark = if held.kind == HeldKind::Retained {
        "! keep  "
    } else {
        "! held  "
    };
    let _ = writeln!(
        text,
        "  {} {kind:KIND_WIDTH$} {name}  {}",
        style.paint("35", mark),
        printable(&held.because)
    );
}

/// What was done, by change: a change counts when all of its steps were.
pub fn applied_counts(plan: &Plan, report: &Report) -> Summary {
    let done: BTreeMap<usize, bool> = report
        .results
        .iter()
        .map(|result| (result.id, result.outcome == Outcome::Done))
        .collect();
    let count = |wanted: &[ActionWord]| {
        plan.changes
            .iter()
            .filter(|change| wanted.contains(&change.action))
            .filter(|change| {
                change
                    .steps
                    .iter()
                    .all(|id| done.get(id).copied().unwrap_or(false))
            })
            .count()
    };
    Summary {
        add: count(&[ActionWord::Create]),
        change: count(&[ActionWord::Update, ActionWord::Adopt]),
        destroy: count(&[ActionWord::Delete]),
    }
}

/// What an apply did.
pub fn applied(plan: &Plan, report: &Report, style: Style) -> String {
    let mut text = String::new();
    let end = what_went_on(&mut text, report, style);
    text.push_str(&end_line(applied_counts(plan, report), end));
    text
}

/// How many steps did not end well.
#[derive(Clone, Copy, Default)]
pub(super) struct Missing {
    pub failed: usize,
    pub unfinished: usize,
}

/// What was handed over and what failed.
pub(super) fn what_went_on(text: &mut String, report: &Report, style: Style) -> Missing {
    for path in &report.handed_over {
        let _ = writeln!(text, "handed over: {}", printable(&path.display().to_string()));
    }
    let mut missing = Missing::default();
    let mut said = BTreeSet::new();
    for result in &report.results {
        match &result.outcome {
            Outcome::Done => {}
            Outcome::Failed(problem) => {
                missing.failed += 1;
                let of = result
                    .tenant
                    .as_ref()
                    .map_or_else(String::new, |tenant| format!("{tenant}: "));
                let what = printable(&format!("{of}{}: {}", result.address, problem.message));
                let _ = writeln!(text, "{} {what}", style.paint("31", "failed:"));
                // Of a hundred steps that fail alike, the first one says what to do.
                let known = !said.insert((problem.code, &problem.help));
                for (word, more) in [("cause", &problem.cause), ("help", &problem.help)] {
                    if let Some(more) = more.as_ref().filter(|_| !known) {
                        let _ = writeln!(text, "  = {word}: {}", printable(more));
                    }
                }
            }
            Outcome::Skipped | Outcome::Interrupted => missing.unfinished += 1,
        }
    }
    missing
}

pub(super) fn end_line(done: Summary, missing: Missing) -> String {
    let Summary { add, change, destroy } = done;
    let Missing { failed, unfinished } = missing;
    if failed + unfinished == 0 {
        return format!("Apply complete! {add} added, {change} changed, {destroy} destroyed.\n");
    }
    format!(
        "Apply incomplete: {failed} steps failed, {unfinished} were not started; {add} added, {change} changed, {destroy} \
         destroyed. Apply again: what is done stays done.\n"
    )
}
