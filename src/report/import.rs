//! What an imported file will mean, in a few lines.

use std::collections::BTreeMap;

use super::printable;
use crate::diff::{Action, Change, Diff, HeldKind};

/// Differences of one kind, counted: a line each.
pub fn differences(diff: &Diff) -> Vec<String> {
    let mut groups: BTreeMap<(&str, String), (usize, String)> = BTreeMap::new();
    for change in &diff.changes {
        let entry = groups.entry((change.address.kind(), what(change)));
        let (count, _) = entry.or_insert_with(|| (0, change.address.name()));
        *count += 1;
    }
    let held = diff.held.iter();
    for held in held.filter(|held| !matches!(held.kind, HeldKind::Waits | HeldKind::Retained)) {
        let entry = groups.entry((held.address.kind(), "held".to_owned()));
        let (count, _) = entry.or_insert_with(|| (0, format!("{}: {}", held.address.name(), held.because)));
        *count += 1;
    }
    let line = |((kind, what), (count, first)): ((&str, String), (usize, String))| {
        let first = printable(&first);
        match count {
            1 => format!("{kind} {what}: {first}"),
            _ => format!("{count} × {kind} {what}, such as {first}"),
        }
    };
    groups.into_iter().map(line).collect()
}

fn what(change: &Change) -> String {
    let fields: Vec<_> = (change.fields.iter())
        .map(
            |field| match field.before.contains('\n') || field.after.contains('\n') {
                true => printable(&field.name),
                false => printable(&format!("{}: {} -> {}", field.name, field.before, field.after)),
            },
        )
        .collect();
    let word = match change.action {
        Action::Create(_) => "created",
        Action::Update { .. } => "changed",
        Action::Delete(_) => "deleted",
        Action::Adopt(_) => "adopted",
    };
    if fields.is_empty() {
        word.to_owned()
    } else {
        format!("{word} ({})", fields.join("; "))
    }
}
