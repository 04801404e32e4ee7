//! Plans as Markdown, for a comment on a pull request: a table first, a folded section a tenant, and never more than a
//! comment holds.

use std::fmt::Write as _;

use super::text::Totals;
use super::{printable, several, text};
use crate::diag::LocatedDiagnostic;
use crate::diff::HeldKind;
use crate::plan::{ActionWord, ClusterPlan, Plan, Summary};

/// Bytes of a comment, at most. GitHub refuses a body of more than 65,536 characters, and nothing has more characters
/// than bytes. (GitLab takes 1,000,000.)
pub const COMMENT_LIMIT: usize = 65_536;
/// Bytes that are left to whoever posts it: a marker by which the comment is found again, a line with the commit.
pub const RESERVED: usize = 1_024;
/// Bytes of the table, at most: a thousand tenants with names of fifteen characters.
const TABLE: usize = 40_000;
/// Bytes of all warnings, at most, and of all guards.
const MESSAGES: usize = 6_000;
/// Bytes of one message: a guard names every tenant that it is about.
const MESSAGE: usize = 1_500;
/// Bytes for what is said at the end about what is not shown.
const CLOSING: usize = 512;

/// A plan, most important tenants first: who loses something, then who has something held, then the others.
///
/// What does not fit is left out whole, the SQL and API calls of all tenants before any section, and the text says so.
pub fn plan(plan: &Plan, notices: &[LocatedDiagnostic]) -> String {
    plans(&[ClusterPlan::only(plan.clone())], notices)
}

/// The same for the plans of several clusters, which are named with each tenant.
pub fn plans(plans: &[ClusterPlan], notices: &[LocatedDiagnostic]) -> String {
    let several = several::only(plans).is_none();
    let mut tenants: Vec<Entry<'_>> = (plans.iter())
        .flat_map(|of| {
            let groups = text::groups(&of.plan).into_iter();
            groups.map(move |group| Entry::new(of, group))
        })
        .collect();
    tenants.sort_by_key(|entry| entry.rank());
    let mut markdown = head(plans, &tenants);
    warnings(&mut markdown, plans, notices);
    let without_row = table(&mut markdown, &tenants, several);
    let room = (COMMENT_LIMIT - RESERVED - CLOSING).saturating_sub(markdown.len());
    let mut sections = String::new();
    let mut without_section = fill(&mut sections, &tenants, room, |entry| section(entry, true));
    let verbose = without_section.is_empty();
    if !verbose {
        sections.clear();
        without_section = fill(&mut sections, &tenants, room, |entry| section(entry, false));
    }
    markdown.push_str(&sections);
    let left_out = [
        hidden(&without_row, &tenants, "row"),
        hidden(&without_section, &tenants, "section"),
        (!verbose).then(|| "SQL and API calls are not shown".to_owned()),
    ];
    let left_out: Vec<String> = left_out.into_iter().flatten().collect();
    if !left_out.is_empty() {
        let _ = writeln!(
            markdown,
            "\n**Left out**, because a comment has an end: {}. The least important go first. All of it: the job's log, or \
             `tenantctl plan -v`.",
            left_out.join("; ")
        );
    }
    markdown
}

/// One tenant, with its counts.
struct Entry<'a> {
    of: &'a ClusterPlan,
    group: text::Group<'a>,
    summary: Summary,
    held: usize,
}

impl<'a> Entry<'a> {
    fn new(of: &'a ClusterPlan, group: text::Group<'a>) -> Self {
        let count = |wanted: &[ActionWord]| {
            let changes = group.changes.iter();
            changes.filter(|change| wanted.contains(&change.action)).count()
        };
        let summary = Summary {
            add: count(&[ActionWord::Create]),
            change: count(&[ActionWord::Update, ActionWord::Adopt]),
            destroy: count(&[ActionWord::Delete]),
        };
        let held = group.held.iter();
        let held = held.filter(|held| held.kind != HeldKind::Retained).count();
        Self {
            of,
            group,
            summary,
            held,
        }
    }

    /// The lower, the more important.
    fn rank(&self) -> u8 {
        match self.summary {
            Summary { destroy: 1.., .. } => 0,
            _ if self.held > 0 => 1,
            Summary { change: 1.., .. } => 2,
            Summary { add: 1.., .. } => 3,
            // What is kept of those who left stands in every plan.
            Summary { .. } => 4,
        }
    }
}

fn head(plans: &[ClusterPlan], tenants: &[Entry<'_>]) -> String {
    let workspace = plans.first().map_or("", |plan| &plan.plan.workspace);
    let mut markdown = format!("### tenantctl plan of workspace {}\n\n", code(workspace));
    let mut totals = Totals::default();
    for plan in plans {
        several::add(&mut totals, &Totals::of(&plan.plan));
    }
    let Summary { add, change, destroy } = totals.summary;
    if totals.changes == 0 {
        let unchanged = grouped(totals.unchanged);
        let _ = writeln!(
            markdown,
            "No changes. {unchanged} objects are as the file asks.\n"
        );
    } else {
        let changed = tenants
            .iter()
            .filter(|entry| !entry.group.changes.is_empty())
            .count();
        let _ = writeln!(
            markdown,
            "**{} to add, {} to change, {} to destroy**, for {}.\n",
            grouped(add),
            grouped(change),
            grouped(destroy),
            counted(changed, "tenant")
        );
    }
    let unread = plans.iter().filter_map(|plan| {
        let because = plan.unread.as_ref()?;
        let name = plan.cluster.as_deref().unwrap_or_default();
        Some(format!("cluster {name}: {because}"))
    });
    let unread: Vec<_> = unread.collect();
    if !unread.is_empty() {
        markdown.push_str("**Not read:** the tenants of these clusters are held.\n\n");
        list(&mut markdown, unread.into_iter());
    }
    let guards = several::guards(plans);
    if !guards.is_empty() {
        markdown.push_str("**Refused:** apply will not run this plan.\n\n");
        list(
            &mut markdown,
            guards.into_iter().map(|guard| guard.message.clone()),
        );
    }
    markdown
}

/// A line a message, as many as there is room for.
fn list(markdown: &mut String, messages: impl ExactSizeIterator<Item = String>) {
    let end = markdown.len() + MESSAGES;
    let all = messages.len();
    for (place, message) in messages.enumerate() {
        let line = format!("- {}\n", cut(&code(&message)));
        if markdown.len() + line.len() > end {
            let _ = writeln!(markdown, "- {} more not shown", grouped(all - place));
            break;
        }
        markdown.push_str(&line);
    }
    markdown.push('\n');
}

/// Of the file, then of what lives.
fn warnings(markdown: &mut String, plans: &[ClusterPlan], notices: &[LocatedDiagnostic]) {
    let of_file = notices.iter().map(|notice| {
        let place = match (&notice.file, notice.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            _ => String::new(),
        };
        format!("{place}{}", notice.message)
    });
    let of_live = plans.iter().flat_map(|of| {
        let cluster = of
            .cluster
            .as_ref()
            .map_or_else(String::new, |name| format!("cluster {name}: "));
        let warnings = of.plan.warnings.iter();
        warnings.map(move |warning| format!("{cluster}{}", warning.message))
    });
    let all: Vec<String> = of_file.chain(of_live).collect();
    if all.is_empty() {
        return;
    }
    let title = counted(all.len(), "warning");
    let _ = writeln!(markdown, "<details><summary>{title}</summary>\n");
    list(markdown, all.into_iter());
    markdown.push_str("</details>\n\n");
}

/// A row a tenant; who has none for want of room.
fn table<'t, 'a>(markdown: &mut String, tenants: &'t [Entry<'a>], several: bool) -> Vec<&'t Entry<'a>> {
    if tenants.is_empty() {
        return Vec::new();
    }
    markdown.push_str(match several {
        true => "| cluster | tenant | add | change | destroy | held |\n|---|---|---:|---:|---:|---:|\n",
        false => "| tenant | add | change | destroy | held |\n|---|---:|---:|---:|---:|\n",
    });
    let row = |entry: &Entry<'_>| {
        let Summary { add, change, destroy } = entry.summary;
        let title = match entry.group.tenant {
            Some(tenant) => code(tenant.as_str()),
            None => entry.group.title(),
        };
        let cluster = match &entry.of.cluster {
            Some(cluster) => format!("| {} ", code(cluster)),
            None => String::new(),
        };
        format!(
            "{cluster}| {title} | {add} | {change} | {destroy} | {} |\n",
            entry.held
        )
    };
    let left_out = fill(markdown, tenants, TABLE, row);
    markdown.push('\n');
    left_out
}

/// A text for each tenant, as many as there is room for, in bytes; the tenants that it is too little for.
fn fill<'t, 'a>(
    markdown: &mut String,
    tenants: &'t [Entry<'a>],
    room: usize,
    write: impl Fn(&Entry<'a>) -> String,
) -> Vec<&'t Entry<'a>> {
    let end = markdown.len() + room;
    let mut left_out = Vec::new();
    for entry in tenants {
        let text = write(entry);
        if markdown.len() + text.len() <= end {
            markdown.push_str(&text);
        } else {
            left_out.push(entry);
        }
    }
    left_out
}

/// What is said of those that are left out of something.
fn hidden(left_out: &[&Entry<'_>], tenants: &[Entry<'_>], of: &str) -> Option<String> {
    let all = tenants
        .iter()
        .filter(|entry| entry.group.tenant.is_some())
        .count();
    let named = left_out
        .iter()
        .filter(|entry| entry.group.tenant.is_some())
        .count();
    let mut words = format!("{} of {} have no {of}", grouped(named), counted(all, "tenant"));
    if named < left_out.len() {
        words.push_str(", nor have the databases that are nobody's");
    }
    (!left_out.is_empty()).then_some(words)
}

fn section(entry: &Entry<'_>, verbose: bool) -> String {
    let plan = &entry.of.plan;
    let effect = entry.group.tenant.and_then(|tenant| plan.effects.get(tenant));
    let summary = match effect {
        // It begins with the tenant's name.
        Some(effect) => effect.clone(),
        None => entry.group.title(),
    };
    let summary = match &entry.of.cluster {
        Some(cluster) => format!("cluster {cluster}: {summary}"),
        None => summary,
    };
    let mut objects = String::new();
    let style = text::Style {
        color: false,
        verbose,
    };
    text::objects(&mut objects, plan, &entry.group, style);
    let fence = "`".repeat(longest_run(&objects, '`').max(2) + 1);
    format!(
        "<details><summary><code>{}</code></summary>\n\n{fence}text\n{objects}{fence}\n\n</details>\n",
        html(&summary)
    )
}

/// A text in Markdown, as code: inside it nothing means anything to Markdown, and GitHub and GitLab look for no
/// @mention, #reference or link there. Escaping would not do: a mention is looked for after entities were resolved.
///
/// The two characters that could end the code or, in a table, the cell are spelled out.
fn code(text: &str) -> String {
    match text {
        // Two backticks without anything between them begin something else.
        "" => "`(empty)`".to_owned(),
        text => {
            let text = printable(text).replace('`', "\\u{60}").replace('|', "\\u{7c}");
            format!("`{text}`")
        }
    }
}

/// A text in HTML. Line ends, which could end the HTML block, are spelled out by `printable`.
fn html(text: &str) -> String {
    let text = printable(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The beginning of a code span that is too long.
fn cut(code: &str) -> String {
    if code.len() <= MESSAGE {
        return code.to_owned();
    }
    let end = (0..=MESSAGE)
        .rev()
        .find(|&end| code.is_char_boundary(end))
        .unwrap_or(0);
    format!("{}` ... (cut: see the job's log)", &code[..end])
}

/// `1 tenant`, `1,000 tenants`.
fn counted(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(count))
}

/// `1,000`
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn longest_run(text: &str, wanted: char) -> usize {
    let runs = text.split(|character| character != wanted);
    runs.map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(longest_run("a ``` b ` c", '`'), 3);
        assert_eq!(longest_run("", '`'), 0);
    }

    #[test]
    fn counts_are_grouped() {
        let texts: Vec<_> = [0, 12, 999, 1_000, 65_536, 1_234_567].map(grouped).into();
        assert_eq!(texts, ["0", "12", "999", "1,000", "65,536", "1,234,567"]);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let text = cut(&code(&"ä".repeat(MESSAGE)));
        assert!(
            text.starts_with("`ää") && text.ends_with("ää` ... (cut: see the job's log)"),
            "{text}"
        );
        assert_eq!(cut(&code("short")), "`short`");
    }
}
