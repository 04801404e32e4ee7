//! Moves: each from a name that is free to a tenant of the file, and none in a circle.

use std::collections::BTreeMap;

use crate::address::TenantId;
use crate::config::{Config, Moved};
use crate::desired::naming::final_names;
use crate::diag::{Diagnostic, quote, suggestion};

/// Checks every `moved` block.
pub(super) fn check(config: &Config, findings: &mut Vec<Diagnostic>) {
    let mut from: BTreeMap<&TenantId, &Moved> = BTreeMap::new();
    let mut to: BTreeMap<&TenantId, &Moved> = BTreeMap::new();
    let names = final_names(config);
    for moved in &config.moves {
        let (was, is) = (quote(moved.from.as_str()), quote(moved.to.as_str()));
        let twice = [(&mut from, &moved.from, "from"), (&mut to, &moved.to, "to")];
        for (seen, tenant, word) in twice {
            if let Some(first) = seen.insert(tenant, moved) {
                let message = format!("two moved blocks are {word} tenant {}", quote(tenant.as_str()));
                let finding = Diagnostic::error("duplicate_moved", message).at(moved.span);
                findings.push(finding.related(first.span, "the other one is here"));
            }
        }
        if let Some(still) = config.tenants.get(&moved.from) {
            findings.push(
                Diagnostic::error(
                    "moved_and_there",
                    format!("tenant {was} is moved to {is}, and is still there"),
                )
                .at(moved.span)
                .related(still.span, "here")
                .help("a moved tenant has its block under the new name alone"),
            );
            continue;
        }
        match names.get(&moved.from) {
            None => findings.push(
                Diagnostic::error("moved_in_a_circle", format!("tenant {was} is moved in a circle"))
                    .at(moved.span),
            ),
            Some(end) if !config.tenants.contains_key(end) => {
                let message = format!(
                    "tenant {was} is moved to {}, and there is no such tenant",
                    quote(end.as_str())
                );
                let mut finding = Diagnostic::error("moved_to_nobody", message).at(moved.span);
                finding.help = suggestion(end.as_str(), config.tenants.keys().map(TenantId::as_str));
                findings.push(finding);
            }
            Some(_) => {}
        }
    }
}
