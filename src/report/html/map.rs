//! The map of tenants: a row for each, as the one in danger, and a column for each, as the one who reaches.
//!
//! It is drawn in units of one tenant, so that numbers are short; neighbours with the same finding are one mark, and an
//! empty cell is nothing.

mod draw;

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{NOT_PROVED, badge, names};
use crate::audit::{Audit, Reach, Reachers, Severity};

/// Marks with a text of their own, which bounds the page. Rows beyond it are one mark each.
const MARKS: usize = 4_000;

/// The map, and the same as a table.
pub(super) fn section(audit: &Audit, reach: &Reach) -> Markup {
    let map = Map::new(audit, reach);
    let rows = by_danger(audit, reach);
    html! {
        section aria-labelledby="map" {
            h2 #map { "Which tenant reaches which" }
            @if reach.tenants.is_empty() { p { "There are no tenants." } }
            @else {
                figure { figcaption #map-caption { (caption(reach, map.summed_up)) } (legend()) div.scroll { (draw::svg(&map)) } }
                @if !rows.is_empty() { (table(audit, reach, &rows)) }
            }
        }
    }
}

fn caption(reach: &Reach, summed_up: usize) -> Markup {
    html! {
        "Rows are tenants in danger, columns are tenants who reach them, both in the order of their names; the line across is \
         each tenant's own. "
        @match (reach.rows.len(), reach.tenants.len()) {
            (0, 1) => "There is one tenant, and no other to reach it.",
            (0, all) => { "Nothing was found that lets one of the " (all) " tenants reach another." },
            (some, all) => { (some) " of " (all) " tenants can be reached, or it is not proved that they cannot. Each mark says who, whom and why when it is pointed at, and leads to its finding." },
        }
        @if summed_up > 0 { " To keep the page small, " (summed_up) " rows are drawn as one mark each; the table names their findings." }
    }
}

fn legend() -> Markup {
    html! {
        p.legend aria-hidden="true" {
            @for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low] {
                span { span class={ "key " (severity.as_str()) } {} (severity.as_str()) }
            }
            span { span class="key gap" {} "not proved" }
            span { span class="key own" {} "its own" }
        }
    }
}

/// Tenants in danger, the worst first.
fn by_danger(audit: &Audit, reach: &Reach) -> Vec<(Severity, usize)> {
    let worst = |findings: &[usize]| findings.iter().map(|index| audit.findings[*index].severity).min();
    let rows = reach.rows.iter();
    let mut rows: Vec<_> = rows
        .filter_map(|(tenant, findings)| Some((worst(findings)?, *tenant)))
        .collect();
    rows.sort_unstable();
    rows
}

/// A row for all tenants about whom the same was found.
fn table(audit: &Audit, reach: &Reach, rows: &[(Severity, usize)]) -> Markup {
    let mut alike: BTreeMap<(Severity, &[usize]), Vec<usize>> = BTreeMap::new();
    for (severity, tenant) in rows {
        let findings = reach.rows.get(tenant).map_or(&[][..], Vec::as_slice);
        alike.entry((*severity, findings)).or_default().push(*tenant);
    }
    let name = |tenant: &usize| reach.tenants[*tenant].as_str();
    html! {
        table.reach {
            caption { "The same as text: tenants in danger, the worst first" }
            thead { tr {
                th scope="col" { "In danger" }
                th scope="col" { "Worst" }
                th scope="col" { "Reached by (itself aside)" }
                th scope="col" { "Findings" }
            } }
            tbody { @for ((severity, findings), tenants) in &alike { tr {
                th scope="row" { (names(tenants.iter().map(name), SHOWN)) }
                td { (badge(*severity)) }
                td { (reached_by(audit, reach, findings)) }
                td {
                    @for finding in findings.iter().take(SHOWN) { a href={ "#f" (finding + 1) } { (finding + 1) } " " }
                    @if findings.len() > SHOWN { "and " (findings.len() - SHOWN) " more" }
                }
            } } }
        }
    }
}

/// Names and findings shown in a cell of the table.
const SHOWN: usize = 12;

fn reached_by(audit: &Audit, reach: &Reach, findings: &[usize]) -> Markup {
    let gap = |finding: &usize| audit.findings[*finding].rule.id == NOT_PROVED;
    let found = || findings.iter().filter(|finding| !gap(finding));
    let mut everybody = false;
    let mut by: BTreeSet<&usize> = BTreeSet::new();
    for reachers in found().filter_map(|finding| reach.reachers.get(finding)) {
        match reachers {
            Reachers::All => everybody = true,
            Reachers::These(these) => by.extend(these),
        }
    }
    let by: Vec<&str> = by.into_iter().map(|at| reach.tenants[*at].as_str()).collect();
    html! {
        @if everybody || by.len() == reach.tenants.len() { "every tenant" }
        @else { (names(by.iter().copied(), SHOWN)) }
        @if findings.iter().any(gap) {
            @if found().next().is_some() { "; " }
            "not all of it is proved"
        }
    }
}

/// Neighbours in a row with the same worst finding.
struct Mark {
    from: usize,
    to: usize,
    finding: usize,
    /// There are others, about some of them at least.
    more: bool,
    /// Different marks that this one stands for.
    summed_up: bool,
}

/// What is drawn, and how large.
struct Map<'a> {
    audit: &'a Audit,
    reach: &'a Reach,
    /// By the number of the tenant in danger.
    rows: Vec<Vec<Mark>>,
    /// Rows of which only one mark is drawn.
    summed_up: usize,
    /// Pixels of a tenant.
    cell: f64,
}

impl<'a> Map<'a> {
    #[expect(clippy::cast_precision_loss, reason = "numbers of tenants are small")]
    fn new(audit: &'a Audit, reach: &'a Reach) -> Self {
        let count = reach.tenants.len();
        let mut map = Self {
            audit,
            reach,
            rows: Vec::new(),
            summed_up: 0,
            cell: (1000.0 / count.max(1) as f64).clamp(1.5, 22.0),
        };
        map.rows.resize_with(count, Vec::new);
        let mut left = MARKS;
        // The worst rows are drawn in full first.
        for (_, tenant) in by_danger(audit, reach) {
            let mut marks = map.marks(tenant);
            if let (true, Some(first)) = (marks.len() > left.max(1), marks.first()) {
                map.summed_up += 1;
                let worst = marks.iter().min_by_key(|mark| mark.finding).unwrap_or(first);
                let to = marks.last().map_or(first.to, |last| last.to);
                marks = vec![Mark {
                    from: first.from,
                    to,
                    summed_up: true,
                    ..*worst
                }];
            }
            left = left.saturating_sub(marks.len());
            map.rows[tenant] = marks;
        }
        map
    }

    /// A row's marks. One that everybody reaches is a single one, from end to end: the tenant itself parts none.
    fn marks(&self, tenant: usize) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        for (at, cell) in self.reach.row(tenant).into_iter().enumerate() {
            let Some((finding, more)) = cell else { continue };
            let next_to = |to: usize| to + 1 == at || (to + 2 == at && to + 1 == tenant);
            match marks.last_mut() {
                Some(last) if last.finding == finding && next_to(last.to) => {
                    last.to = at;
                    last.more |= more > 0;
                }
                _ => marks.push(Mark {
                    from: at,
                    to: at,
                    finding,
                    more: more > 0,
                    summed_up: false,
                }),
            }
        }
        marks
    }
}
