//! Plans and results for people and machines. It decides nothing.

pub mod audit;
pub mod history;
pub mod html;
pub mod import;
pub mod json;
pub mod markdown;
pub mod sarif;
pub mod several;
pub mod status;
mod steps;
pub mod text;

use std::fmt::Write as _;

use crate::apply::Report;
use crate::plan::{ClusterPlan, Plan};

/// What became of the plan of one cluster.
#[derive(Clone, Copy, Debug)]
pub struct Applied<'a> {
    /// The cluster's name, where the file has more than one.
    pub cluster: Option<&'a str>,
    /// What was to be done.
    pub plan: &'a Plan,
    /// What was done, if anything was tried.
    pub report: Option<&'a Report>,
    /// Why it took no part, or not to its end.
    pub lost: Option<&'a str>,
}

impl<'a> Applied<'a> {
    /// Plans with their reports and with the clusters that were lost on the way, in the order of the clusters.
    pub fn of(
        plans: &'a [ClusterPlan],
        reports: &'a [Option<Report>],
        lost: &'a [Option<String>],
    ) -> Vec<Self> {
        let each = plans.iter().zip(reports).zip(lost);
        each.map(|((plan, report), lost)| Self {
            cluster: plan.cluster.as_deref(),
            plan: &plan.plan,
            report: report.as_ref(),
            lost: lost.as_deref(),
        })
        .collect()
    }

    /// Whether every step was done.
    pub fn is_complete(&self) -> bool {
        self.lost.is_none() && self.report.is_some_and(Report::is_complete)
    }
}

/// A text for a terminal: what could move the cursor or end a line is spelled out, because names of live objects are
/// whatever somebody made them.
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            let _ = write!(clean, "{}", character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// Characters that change how others look or that nobody sees: with them one name can be made to look like another.
/// They are Unicode's format characters (`Cf`), its line and paragraph separators, and the fillers that are blank.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
