//! Every finding, the worst first, under an anchor of its own.

use maud::{Markup, html};

use super::{FEW, NOT_PROVED, Text, badge, names};
use crate::audit::{Audit, Finding};

/// All findings: those of one rule and severity under one heading, which explains the rule once.
pub(super) fn section(audit: &Audit) -> Markup {
    let numbered: Vec<(usize, &Finding)> = audit.findings.iter().enumerate().collect();
    let groups = numbered
        .chunk_by(|(_, left), (_, right)| (left.severity, left.rule.id) == (right.severity, right.rule.id));
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings" }
            @if audit.findings.is_empty() { p { "None." } }
            @for group in groups { (one_rule(group)) }
        }
    }
}

fn one_rule(group: &[(usize, &Finding)]) -> Markup {
    let Some((_, first)) = group.first() else {
        return html! {};
    };
    html! {
        section.rule {
            h3 { (badge(first.severity)) " " (first.rule.title) " " code { (first.rule.id) } }
            p.meaning { (first.rule.meaning) " " strong { "Risk: " } (first.rule.risk) }
            @for (index, finding) in group { (one(*index, finding)) }
        }
    }
}

fn one(index: usize, finding: &Finding) -> Markup {
    let number = index + 1;
    let tenants = || finding.tenants.iter().map(|tenant| tenant.as_str());
    let reachers = || finding.reachers.iter().map(|tenant| tenant.as_str());
    html! {
        article class=(finding.severity.as_str()) #{ "f" (number) } {
            h4 { a href={ "#f" (number) } { "Finding " (number) } ": " code { (Text(&finding.subject)) } }
            p { (Text(&finding.message)) "." }
            dl {
                @if !finding.path.is_empty() {
                    dt { "Path" }
                    dd { ol.path { @for link in &finding.path { li { code { (Text(link)) } } } } }
                }
                @if tenants().len() > 0 { dt { "Tenants it is about" } dd { (names(tenants(), FEW)) } }
                @if finding.everyone && finding.rule.id != NOT_PROVED { dt { "Reached by" } dd { "everybody" } }
                @else if reachers().len() > 0 { dt { "Reached by" } dd { (names(reachers(), FEW)) } }
                @if !finding.databases.is_empty() {
                    dt { "Databases" }
                    dd { (names(finding.databases.iter().map(String::as_str), FEW)) }
                }
                dt { "Remedy" }
                dd.remedy { (Text(&finding.remedy)) }
            }
        }
    }
}
