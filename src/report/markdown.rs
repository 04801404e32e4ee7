//! Plans as Markdown, for a comment on a pull request.

use std::fmt::Write as _;

use super::{printable, text};
use crate::diff::HeldKind;
use crate::plan::{Plan, Summary};

/// The effect lines in front, everything else folded away.
pub fn plan(plan: &Plan) -> String {
    let mut markdown = String::from("### tenantctl plan\n\n");
    let Summary { add, change, destroy } = plan.summary;
    if plan.is_empty() {
        let _ = writeln!(
            markdown,
            "No changes. {} objects are as the file asks.\n",
            plan.unchanged
        );
    } else {
        let _ = writeln!(
            markdown,
            "**{add} to add, {change} to change, {destroy} to destroy.**\n"
        );
    }
    for guard in &plan.guards {
        let _ = writeln!(markdown, "> **Refused:** {}\n", escaped(&guard.message));
    }
    for effect in plan.effects.values() {
        let _ = writeln!(markdown, "- {}", escaped(effect));
    }
    for held in plan.held.iter().filter(|held| held.kind != HeldKind::Waits) {
        let _ = writeln!(
            markdown,
            "- **held** {}: {}",
            escaped(&held.address.to_string()),
            escaped(&held.because)
        );
    }
    for warning in &plan.warnings {
        let _ = writeln!(markdown, "- **warning** {}", escaped(&warning.message));
    }
    if !plan.is_empty() {
        let style = text::Style {
            color: false,
            verbose: true,
        };
        let details = text::plan(plan, style);
        let fence = "`".repeat(longest_run(&details, '`').max(2) + 1);
        let _ = write!(
            markdown,
            "\n<details><summary>Every object, with its SQL and API calls</summary>\n\n{fence}text\n{details}{fence}\n\n\
             </details>\n"
        );
    }
    markdown
}

/// Names are whatever somebody made them, so none of their characters may mean anything to Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            other => safe.push(other),
        }
    }
    safe
}

fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_nothing_to_markdown() {
        assert_eq!(escaped("a_b <b>@all"), "a\\_b &lt;b&gt;&#64;all");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(longest_run("a ``` b ` c", '`'), 3);
        assert_eq!(longest_run("", '`'), 0);
    }
}
