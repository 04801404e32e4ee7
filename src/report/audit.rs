//! Audits for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::Style;
use super::{printable, several};
use crate::audit::probe::Probed;
use crate::audit::{Audit, Checked, Finding, Severity, Why};

/// The version of `audit --json`.
pub const FORMAT: u32 = 1;

/// A whole audit: the worst first, by rule, and what was checked at the end.
pub fn text(audit: &Audit, style: Style) -> String {
    let mut text = findings(audit, style);
    if !audit.notes.is_empty() {
        let _ = writeln!(text, "{}", style.paint("1", "to know"));
    }
    for note in &audit.notes {
        let _ = writeln!(text, "  - {}", printable(note));
    }
    if style.verbose || !audit.only.is_empty() {
        credentials(&mut text, audit, style);
    }
    if let Some(probed) = &audit.probed {
        let _ = writeln!(text, "\n{}", probe(probed));
    }
    let _ = writeln!(text, "\n{}", summary(audit));
    text
}

/// Who can come as each tenant, by IAM.
fn credentials(text: &mut String, audit: &Audit, style: Style) {
    if audit.credentials.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{}", style.paint("1", "who gets in by IAM"));
    for (tenant, holders) in &audit.credentials {
        let _ = writeln!(text, "  {}", printable(tenant.as_str()));
        for assumer in &holders.may_assume {
            let line = format!("{} from {}", assumer.who, assumer.from.join(", "));
            let _ = writeln!(text, "    may assume its role: {}", printable(&line));
        }
        for arn in &holders.may_connect {
            let _ = writeln!(text, "    may connect as it:   {}", printable(arn));
        }
    }
}

/// What was really tried, counted.
fn probe(probed: &Probed) -> String {
    let Probed {
        seed,
        pairs,
        chosen,
        tried,
        own_entered,
        own_refused,
        foreign_refused,
        foreign_entered,
        shared_entered,
        unclear,
        disagreements,
        tenants,
        tenants_not_probed,
        tenants_without_login,
        stopped,
    } = probed;
    let end = if *stopped {
        "Probe, stopped before its end"
    } else {
        "Probe"
    };
    format!(
        "{end}: tried {tried} of {pairs} pairs of a tenant and a database, {chosen} of them chosen (seed {seed}), as \
         {tenants} tenants. Own databases: {own_entered} entered, {own_refused} refused. Others: {foreign_refused} \
         refused; entered, {foreign_entered} of tenants and {shared_entered} of nobody. {unclear} attempts showed \
         nothing; {disagreements} answers differ from the static proof. Tenants that were not probed: \
         {tenants_not_probed}; without a login to try: {tenants_without_login}."
    )
}

/// The findings alone.
pub fn findings(audit: &Audit, style: Style) -> String {
    let mut text = String::new();
    let mut rule = "";
    for finding in &audit.findings {
        if finding.rule.id != rule {
            rule = finding.rule.id;
            let head = format!("{rule}: {}", finding.rule.title);
            let _ = writeln!(
                text,
                "{} {}",
                severity(finding.severity, style),
                style.paint("1", &head)
            );
        }
        one(&mut text, finding);
    }
    text
}

fn severity(severity: Severity, style: Style) -> String {
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Note => "2",
    };
    style.paint(code, severity.as_str())
}

fn one(text: &mut String, finding: &Finding) {
    let of = match &finding.tenant {
        Some(tenant) => format!(" (tenant {tenant})"),
        None => String::new(),
    };
    let _ = writeln!(text, "  {}{}", printable(&finding.subject), printable(&of));
    let _ = writeln!(text, "    {}", printable(&finding.message));
    if !finding.path.is_empty() {
        let _ = writeln!(text, "    path:   {}", printable(&finding.path.join(" -> ")));
    }
    let _ = writeln!(text, "    remedy: {}\n", printable(&finding.remedy));
}

/// The counts, and what they were found in.
pub fn summary(audit: &Audit) -> String {
    let counts = counts(audit);
    let found: usize = audit.at_least(Severity::Low);
    let by_severity: Vec<_> = (Severity::ALL
        .iter()
        .filter(|severity| **severity != Severity::Note))
    .filter_map(|severity| Some((counts.get(severity)?, severity)))
    .map(|(count, severity)| format!("{count} {}", severity.as_str()))
    .collect();
    let findings = match found {
        0 => "No findings.".to_owned(),
        1 => format!("1 finding ({}).", by_severity.join(", ")),
        many => format!("{many} findings ({}).", by_severity.join(", ")),
    };
    let notes = match counts.get(&Severity::Note) {
        None => String::new(),
        Some(1) => " 1 note.".to_owned(),
        Some(many) => format!(" {many} notes."),
    };
    let Checked {
        tenants,
        login_roles,
        databases,
        opened,
        memberships,
        database_grants,
        pairs,
        identities,
        steps: _,
    } = &audit.checked;
    let identities = identities.map_or_else(
        || "; IAM was not read".to_owned(),
        |count| format!(", {count} IAM identities"),
    );
    format!(
        "{findings}{notes} Checked: {tenants} tenants, {login_roles} login roles, {databases} databases ({opened} \
         looked into), {memberships} memberships, {database_grants} grants on databases, {pairs} pairs of a tenant and \
         another's database{identities}. Postgres {} at {}, digest {}.",
        audit.server_version,
        audit.read_at,
        audit.digest.to_string().chars().take(12).collect::<String>()
    )
}

pub(super) fn counts(audit: &Audit) -> BTreeMap<Severity, usize> {
    let mut counts = BTreeMap::new();
    for finding in &audit.findings {
        *counts.entry(finding.severity).or_default() += 1;
    }
    counts
}

/// `audit --json`: one document. Fields are added, never renamed.
pub fn json(audit: &Audit) -> Value {
    let counts = counts(audit);
    let summary: serde_json::Map<String, Value> = (Severity::ALL.iter())
        .map(|severity| {
            let count = counts.get(severity).copied().unwrap_or(0);
            (severity.as_str().to_owned(), json!(count))
        })
        .collect();
    let findings: Vec<_> = audit.findings.iter().map(finding_json).collect();
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "workspace": audit.workspace,
        "read_at": audit.read_at,
        "server_version": audit.server_version,
        "digest": audit.digest,
        "summary": summary,
        "checked": audit.checked,
        "probe": audit.probed,
        "credentials": audit.credentials,
        "findings": findings,
        "notes": audit.notes,
    })
}

/// The audit of one of several clusters.
#[derive(Clone, Debug)]
pub struct ClusterAudit {
    /// The cluster's name, where the file has more than one.
    pub cluster: Option<String>,
    /// What came out.
    pub audit: Audit,
}

/// The audits of several clusters for people.
pub fn several(audits: &[ClusterAudit], style: Style) -> String {
    let mut all = String::new();
    for ClusterAudit { cluster, audit } in audits {
        if let Some(cluster) = cluster {
            several::heading(&mut all, cluster, style);
        }
        all.push_str(&text(audit, style));
        if cluster.is_some() {
            all.push('\n');
        }
    }
    all
}

/// The audits of several clusters as one document: that of one, with the cluster's name at each finding, and with what is a
/// cluster's own by cluster.
pub fn several_json(audits: &[ClusterAudit], unread: &BTreeMap<String, String>) -> Value {
    if let ([ClusterAudit { cluster: None, audit }], true) = (audits, unread.is_empty()) {
        return json(audit);
    }
    let mut summary: BTreeMap<&str, usize> = (Severity::ALL.iter())
        .map(|severity| (severity.as_str(), 0))
        .collect();
    let (mut findings, mut clusters) = (Vec::new(), Vec::new());
    for ClusterAudit { cluster, audit } in audits {
        for (severity, count) in counts(audit) {
            *summary.entry(severity.as_str()).or_default() += count;
        }
        let of_one = audit.findings.iter().map(finding_json).collect();
        findings.extend(several::of_cluster(cluster.as_deref(), of_one));
        let mut own = json(audit);
        if let Some(own) = own.as_object_mut() {
            for common in ["format_version", "tool_version", "workspace", "findings"] {
                own.remove(common);
            }
            own.insert("name".to_owned(), json!(cluster));
            own.insert("error".to_owned(), Value::Null);
        }
        clusters.push(own);
    }
    clusters.extend(
        unread
            .iter()
            .map(|(name, because)| json!({ "name": name, "error": because })),
    );
    json!({
        "format_version": FORMAT,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "workspace": audits.first().map(|audit| &audit.audit.workspace),
        "summary": summary,
        "findings": findings,
        "clusters": clusters,
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.id,
        "severity": finding.severity,
        "title": finding.rule.title,
        "subject": finding.subject,
        "tenant": finding.tenant,
        "tenants": finding.tenants,
        "database": finding.database,
        "everyone": finding.everyone,
        "reachers": finding.reachers,
        "databases": finding.databases,
        "path": finding.path,
        "message": finding.message,
        "risk": finding.rule.risk,
        "remedy": finding.remedy,
    })
}

/// `why TENANT DATABASE`.
pub fn why(role: &str, database: &str, why: &Why) -> String {
    let (role, database) = (printable(role), printable(database));
    let mut text = String::new();
    let can = if why.can { "can" } else { "cannot" };
    let _ = writeln!(text, "{role} {can} connect to {database}.");
    for reason in &why.reasons {
        let _ = writeln!(text, "  - {}", printable(reason));
    }
    let list = |text: &mut String, head: &str, paths: &[Vec<String>]| {
        if !paths.is_empty() {
            let _ = writeln!(text, "{head}");
        }
        for path in paths {
            let _ = writeln!(text, "  {}", printable(&path.join(" -> ")));
        }
    };
    list(&mut text, "It holds CONNECT:", &why.paths);
    list(&mut text, "It could let itself in:", &why.possible);
    text
}
