//! The map as an SVG image inside the page: bands, grid, marks and labels.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::{NOT_PROVED, Text};
use super::{Map, Mark};
use crate::report::printable;

/// Pixels from one label to the next.
const LABEL: f64 = 12.0;
/// Pixels of a character of a label, and the characters that there is room for.
const CHARACTER: f64 = 6.7;
const LONGEST: usize = 24;
/// Pixels that a mark takes at least, so that one is seen among many tenants.
const SMALLEST: f64 = 4.0;
/// Pixels between what is drawn and the edge, or its label.
const GAP: f64 = 8.0;

/// Which way is which, and the pixels that the line takes.
const AXIS_NAMES: &str = "in danger \u{2193}  who reaches \u{2192}";
const AXES: f64 = 16.0;

/// The whole image.
pub(super) fn svg(map: &Map<'_>) -> Markup {
    let side = number(map.reach.tenants.len()) * map.cell;
    let (rows, columns) = (row_labels(map), column_labels(map));
    let (left, top) = (room(map, &rows), AXES + room(map, &columns));
    let width = (left + side + 2.0 * GAP).max(number(AXIS_NAMES.chars().count()) * CHARACTER + 2.0 * GAP);
    let height = top + side + 2.0 * GAP;
    html! {
        svg.map width=(short(width)) height=(short(height)) viewBox={ "0 0 " (short(width)) " " (short(height)) }
            role="group" aria-labelledby="map-caption" {
            text.label x=(short(GAP)) y=(short(LABEL)) { (AXIS_NAMES) }
            g transform={ "translate(" (short(left)) " " (short(top)) ")" } {
                g transform={ "scale(" (short(map.cell)) ")" } {
                    (bands(map))
                    path.grid d=(grid(map)) {}
                    path.own d=(own(map)) {}
                    (marks(map))
                }
                @for at in rows { (label(map, at, false)) }
                @for at in columns { (label(map, at, true)) }
            }
        }
    }
}

/// A row of each tenant, which says whose it is where there is no mark.
fn bands(map: &Map<'_>) -> Markup {
    let count = map.reach.tenants.len();
    html! {
        @for (at, tenant) in map.reach.tenants.iter().enumerate() {
            g.row { title { (Text(tenant.as_str())) } rect y=(at) width=(count) height="1" {} }
        }
    }
}

/// How many tenants there are between two lines.
fn step(map: &Map<'_>) -> usize {
    match map.cell {
        cell if cell >= LABEL => 1,
        cell if cell >= SMALLEST => 10,
        _ => 50,
    }
}

fn grid(map: &Map<'_>) -> String {
    let count = map.reach.tenants.len();
    let mut path = String::new();
    for at in (0..count).step_by(step(map)).chain([count]) {
        let _ = write!(path, "M0 {at}H{count}M{at} 0V{count}");
    }
    path
}

/// The cells of each tenant with itself.
fn own(map: &Map<'_>) -> String {
    "M0 0".to_owned() + &"h1v1h-1zm1 1".repeat(map.reach.tenants.len())
}

fn marks(map: &Map<'_>) -> Markup {
    let height = (SMALLEST / map.cell).max(1.0);
    let rows = map.rows.iter().enumerate();
    html! {
        @for (tenant, marks) in rows.filter(|(_, marks)| !marks.is_empty()) {
            g.marks {
                @for mark in marks {
                    @let wide = number(mark.to + 1 - mark.from);
                    @let width = wide.max(height);
                    @let x = number(mark.from) - (width - wide) / 2.0;
                    @let y = number(tenant) - (height - 1.0) / 2.0;
                    // Who goes by keyboard has the table, which has fewer stops.
                    a href={ "#f" (mark.finding + 1) } tabindex="-1" {
                        title { (Text(&what(map, tenant, mark))) }
                        rect class=(class(map, mark)) x=(short(x)) y=(short(y)) width=(short(width)) height=(short(height)) {}
                    }
                }
            }
        }
    }
}

fn class(map: &Map<'_>, mark: &Mark) -> String {
    let finding = &map.audit.findings[mark.finding];
    let class = match finding.rule.id {
        NOT_PROVED => "gap",
        _ => finding.severity.as_str(),
    };
    if mark.summed_up {
        format!("{class} many")
    } else {
        class.to_owned()
    }
}

/// Who reaches whom and why, in a line.
fn what(map: &Map<'_>, tenant: usize, mark: &Mark) -> String {
    let tenants = &map.reach.tenants;
    let finding = &map.audit.findings[mark.finding];
    let own_between = usize::from((mark.from..=mark.to).contains(&tenant));
    let who = match mark.to + 1 - mark.from - own_between {
        _ if mark.summed_up => "many tenants".to_owned(),
        1 => tenants[mark.from].to_string(),
        all if all + 1 == tenants.len() => "every other tenant".to_owned(),
        some => format!("{} to {} ({some} tenants)", tenants[mark.from], tenants[mark.to]),
    };
    let more = if mark.more { " and others" } else { "" };
    format!(
        "{who} \u{2192} {}: {}, {} (finding {}{more})",
        tenants[tenant],
        finding.severity.as_str(),
        finding.rule.title,
        mark.finding + 1,
    )
}

/// Tenants in danger, by the worst finding about each.
fn row_labels(map: &Map<'_>) -> Vec<usize> {
    let worst = map.rows.iter().enumerate().filter_map(|(tenant, marks)| {
        let worst = marks.iter().map(|mark| mark.finding).min()?;
        Some((tenant, worst))
    });
    labels(map, &worst.collect())
}

/// Tenants that reach others, by the worst finding by which they do. Marks of many tell nothing of one.
fn column_labels(map: &Map<'_>) -> Vec<usize> {
    let mut worst: BTreeMap<usize, usize> = BTreeMap::new();
    for mark in map.rows.iter().flatten().filter(|mark| mark.from == mark.to) {
        let entry = worst.entry(mark.from).or_insert(mark.finding);
        *entry = mark.finding.min(*entry);
    }
    labels(map, &worst)
}

/// The tenants that are named: those that matter first, the worst before the others, then those at the lines, each where
/// there is room.
fn labels(map: &Map<'_>, worst: &BTreeMap<usize, usize>) -> Vec<usize> {
    let apart = (LABEL / map.cell).ceil();
    // What is true of few tenants is worth a name before what is true of all.
    let mut spread: BTreeMap<usize, usize> = BTreeMap::new();
    for finding in worst.values() {
        *spread.entry(*finding).or_default() += 1;
    }
    let rank = |finding: usize| {
        (
            map.audit.findings[finding].severity,
            spread.get(&finding).copied(),
        )
    };
    let mut wanted: Vec<_> = (worst.iter())
        .map(|(tenant, finding)| (rank(*finding), *tenant))
        .collect();
    wanted.sort_unstable();
    let lines = (0..map.reach.tenants.len()).step_by(step(map));
    let mut named: std::collections::BTreeSet<usize> = Default::default();
    for at in wanted.into_iter().map(|(_, tenant)| tenant).chain(lines) {
        let near = |other: &usize| number(at.abs_diff(*other)) < apart;
        let before = named.range(..=at).next_back().is_some_and(near);
        if !before && !named.range(at..).next().is_some_and(near) {
            named.insert(at);
        }
    }
    named.into_iter().collect()
}

fn shown(map: &Map<'_>, at: usize) -> String {
    let name = printable(map.reach.tenants[at].as_str());
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}\u{2026}", &name[..end]),
        None => name,
    }
}

/// Pixels that the longest label takes.
fn room(map: &Map<'_>, labels: &[usize]) -> f64 {
    let longest = labels.iter().map(|at| shown(map, *at).chars().count()).max();
    number(longest.unwrap_or_default()) * CHARACTER + 2.0 * GAP
}

fn label(map: &Map<'_>, at: usize, column: bool) -> Markup {
    let middle = (number(at) + 0.5) * map.cell;
    let matters = if column {
        map.rows
            .iter()
            .flatten()
            .any(|mark| mark.from == at && mark.to == at)
    } else {
        !map.rows[at].is_empty()
    };
    let class = if matters { "label" } else { "label quiet" };
    let place = match column {
        true => format!("translate({} {}) rotate(-90)", short(middle), short(-GAP)),
        false => format!("translate({} {})", short(-GAP), short(middle)),
    };
    html! {
        text class={ (class) @if !column { " end" } } transform=(place) dy=".35em" {
            title { (Text(map.reach.tenants[at].as_str())) }
            (Text(&shown(map, at)))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are fewer tenants than 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

/// Two digits after the point, if it needs them.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
