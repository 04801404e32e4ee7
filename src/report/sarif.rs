//! Audits for code scanning: SARIF 2.1.0.
//!
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; what code scanning asks for beyond it:
//! <https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::audit::ClusterAudit;
use crate::address::TenantId;
use crate::audit::{Audit, Finding, RULES, Rule, Severity};
use crate::model::Digest;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Where in the tenants files a tenant is asked for. Paths are relative to the current directory, where they can be:
/// code scanning takes that for the root of the repository.
#[derive(Clone, Debug)]
pub struct Places {
    /// The first file, for what is nobody's.
    pub file: String,
    /// File, line and column of each tenant, counted from 1.
    pub tenants: BTreeMap<TenantId, (String, usize, usize)>,
}

/// One run with every rule and a result for each finding.
pub fn sarif(audit: &Audit, places: &Places) -> Value {
    let rules: Vec<_> = RULES.iter().map(|rule| describe(rule)).collect();
    let results: Vec<_> = audit
        .findings
        .iter()
        .map(|finding| result(finding, places))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tenantctl",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "automationDetails": { "id": format!("tenantctl-audit/{}/", audit.workspace) },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// The audits of several clusters, a run each. Code scanning keeps runs apart by what identifies them.
pub fn several(audits: &[ClusterAudit], places: &Places) -> Value {
    let mut all = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [] });
    let runs = audits.iter().map(|ClusterAudit { cluster, audit }| {
        let mut run = sarif(audit, places)["runs"][0].take();
        if let Some(cluster) = cluster {
            let id = format!("tenantctl-audit/{}/{cluster}/", audit.workspace);
            run["automationDetails"]["id"] = json!(id);
        }
        run
    });
    all["runs"] = runs.collect();
    all
}

fn describe(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": format!("{} {}", rule.meaning, rule.risk) },
        "help": { "text": rule.remedy },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": { "tags": ["security"], "security-severity": score(rule.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Note => "note",
    }
}

/// The middle of what code scanning takes for critical, high, medium and low.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Note => "0.0",
    }
}

fn result(finding: &Finding, places: &Places) -> Value {
    let place = finding
        .tenant
        .as_ref()
        .or(finding.reachers.first())
        .and_then(|tenant| places.tenants.get(tenant));
    let (file, line, column) = place.map_or((places.file.as_str(), 1, 1), |(file, line, column)| {
        (file.as_str(), *line, *column)
    });
    let path = match finding.path.as_slice() {
        [] => String::new(),
        path => format!("\nPath: {}", path.join(" -> ")),
    };
    let text = format!("{}.{path}\nRemedy: {}", finding.message, finding.remedy);
    // The message may count tenants; what it is about does not change with them.
    let fingerprint = Digest::of(&(finding.rule.id, &finding.subject, &finding.database));
    let index = RULES.iter().position(|rule| rule.id == finding.rule.id);
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": line, "startColumn": column },
            },
            "logicalLocations": [{ "fullyQualifiedName": finding.subject }],
        }],
        "partialFingerprints": { "tenantctlFinding/v1": fingerprint },
    })
}

/// A path as a relative reference, or an absolute one as a `file` URI: what has a meaning in a URI is encoded.
fn uri(path: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const PATH: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b':')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    let encoded = utf8_percent_encode(path.trim_start_matches("./"), PATH).to_string();
    if encoded.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded
    }
}
