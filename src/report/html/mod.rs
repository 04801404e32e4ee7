//! Audits as one HTML page that needs nothing else: no script, no network, no other file.
//!
//! What a page may load is held by its own policy as well: <https://www.w3.org/TR/CSP3/#meta-element>.

mod findings;
mod map;

use maud::{DOCTYPE, Escaper, Markup, PreEscaped, Render, html};

use super::audit::counts;
use super::printable;
use crate::audit::{Audit, Severity};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded, sent or run; the styles are the page's own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// The rule of what could not be looked at.
const NOT_PROVED: &str = "not-proved";

/// The whole page.
pub fn page(audit: &Audit) -> String {
    let title = format!("Isolation audit of {}", audit.workspace);
    let reach = audit.reach();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                meta name="generator" content={ "tenantctl " (env!("CARGO_PKG_VERSION")) };
                title { (Text(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (Text(&title)) }
                    p.facts {
                        "Read at " time datetime=(Text(&audit.read_at)) { (Text(&audit.read_at)) }
                        " from Postgres " (Text(&audit.server_version))
                        " by tenantctl " (env!("CARGO_PKG_VERSION"))
                    }
                    (verdict(audit))
                    (totals(audit))
                }
                main {
                    (checked(audit))
                    (map::section(audit, &reach))
                    (findings::section(audit))
                    (credentials(audit))
                }
                footer { "Digest of the file's meaning and of all that was read: " code { (Text(&audit.digest.to_string())) } }
            }
        }
    };
    page.into_string() + "\n"
}

/// What others named: escaped, and what is invisible or moves the rest of the line is spelled out.
struct Text<'a>(&'a str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        use std::fmt::Write as _;
        let _ = Escaper::new(buffer).write_str(&printable(self.0));
    }
}

/// The word for a severity, in its colour.
fn badge(severity: Severity) -> Markup {
    html! { span class={ "badge " (severity.as_str()) } { (severity.as_str()) } }
}

fn gaps(audit: &Audit) -> impl Iterator<Item = usize> {
    let findings = audit.findings.iter().enumerate();
    findings
        .filter(|(_, finding)| finding.rule.id == NOT_PROVED)
        .map(|(index, _)| index)
}

fn verdict(audit: &Audit) -> Markup {
    let found = audit.at_least(Severity::Low);
    let critical = audit.at_least(Severity::Critical);
    let gaps = gaps(audit).count();
    let (class, text) = match (critical, found) {
        (0, 0) => ("good", "No findings.".to_owned()),
        (0, 1) => ("fair", "1 finding, not a critical one.".to_owned()),
        (0, many) => ("fair", format!("{many} findings, none of them critical.")),
        (1, _) => ("bad", "Isolation is broken: 1 critical finding.".to_owned()),
        (many, _) => ("bad", format!("Isolation is broken: {many} critical findings.")),
    };
    html! {
        p class={ "verdict " (class) } {
            strong { (text) }
            @if gaps > 0 { " Not everything could be looked at: see " a href="#not-checked" { "what was not checked" } "." }
        }
    }
}

fn totals(audit: &Audit) -> Markup {
    let counts = counts(audit);
    html! {
        table.totals {
            caption { "Findings by severity" }
            thead { tr { @for severity in Severity::ALL { th scope="col" { (badge(severity)) } } } }
            tbody { tr { @for severity in Severity::ALL {
                @let count = counts.get(&severity).copied().unwrap_or(0);
                td class=(if count == 0 { "none" } else { severity.as_str() }) { (count) }
            } } }
        }
    }
}

fn checked(audit: &Audit) -> Markup {
    let checked = &audit.checked;
    let rows = [
        ("Tenants", checked.tenants.to_string()),
        ("Roles that may log in", checked.login_roles.to_string()),
        ("Databases", checked.databases.to_string()),
        ("Databases that were looked into", checked.opened.to_string()),
        ("Memberships", checked.memberships.to_string()),
        ("Grants on databases", checked.database_grants.to_string()),
        (
            "Pairs of a tenant and another's database, all decided",
            checked.pairs.to_string(),
        ),
        (
            "IAM users and roles",
            checked
                .identities
                .map_or_else(|| "not read".to_owned(), |count| count.to_string()),
        ),
    ];
    html! {
        div.columns {
            section aria-labelledby="checked" {
                h2 #checked { "What was checked" }
                table.checked {
                    caption { "What the audit looked at, counted" }
                    tbody { @for (what, count) in &rows { tr { th scope="row" { (what) } td { (count) } } } }
                }
            }
            section aria-labelledby="not-checked" {
                h2 #not-checked { "What was not, and what to know" }
                ul {
                    @if !audit.only.is_empty() {
                        li { "Only what concerns " (names(audit.only.iter().map(|tenant| tenant.as_str()), FEW)) " is shown, as asked." }
                    }
                    @for index in gaps(audit) {
                        @let finding = &audit.findings[index];
                        li.gap { (badge(finding.severity)) " " a href={ "#f" (index + 1) } { (Text(&finding.message)) } }
                    }
                    @for note in &audit.notes { li { (Text(note)) } }
                }
            }
        }
    }
}

/// Who can come as each tenant, by IAM.
fn credentials(audit: &Audit) -> Markup {
    html! {
        @if !audit.credentials.is_empty() {
            section aria-labelledby="credentials" {
                h2 #credentials { "Who gets in by IAM" }
                details {
                    summary { (audit.credentials.len()) " tenants" }
                    table.holders {
                        caption { "Whom each tenant's role trusts and from where, and who may connect as the tenant" }
                        thead { tr { th scope="col" { "Tenant" } th scope="col" { "May assume its role" } th scope="col" { "May connect as it" } } }
                        tbody { @for (tenant, holders) in &audit.credentials { tr {
                            th scope="row" { (Text(tenant.as_str())) }
                            td { @for assumer in &holders.may_assume {
                                div { code { (Text(&assumer.who)) } " from " (names(assumer.from.iter().map(String::as_str), FEW)) }
                            } }
                            td { (names(holders.may_connect.iter().map(String::as_str), FEW)) }
                        } } }
                    }
                }
            }
        }
    }
}

/// Names shown of a list before the rest is counted.
const FEW: usize = 30;

/// The first names of a list, and how many there are besides.
fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>, few: usize) -> Markup {
    let more = names.len().saturating_sub(few);
    html! {
        @for (index, name) in names.take(few).enumerate() {
            @if index > 0 { ", " }
            code { (Text(name)) }
        }
        @if more > 0 { " and " (more) " more" }
    }
}
