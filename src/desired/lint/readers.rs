//! Readers: login roles that exist, and are nobody else's.

use super::names::{postgres_name, reserved_role};
use crate::config::{Config, Spanned};
use crate::desired::naming::compose;
use crate::diag::{Diagnostic, quote};

/// Readers of one cluster, at most.
const MOST: usize = 16;

/// Checks that no reader is the admin, a tenant, or a role of the server.
pub(super) fn check(config: &Config, findings: &mut Vec<Diagnostic>) {
    let readers = config
        .cluster
        .as_ref()
        .map_or(&[][..], |cluster| &cluster.readers);
    let (Some(first), Some(last)) = (readers.first(), readers.get(MOST)) else {
        return each(config, readers, findings);
    };
    let message = format!("there are more than {MOST} readers");
    findings.push(
        Diagnostic::error("too_many", message)
            .at(last.span)
            .related(first.span, "the first one")
            .help("each gets a grant on every database: give those who plan a role together"),
    );
}

fn each(config: &Config, readers: &[Spanned<String>], findings: &mut Vec<Diagnostic>) {
    for reader in readers {
        let name = reader.value.as_str();
        let is_role = |tenant: &&crate::config::Tenant| compose(&config.naming, tenant).role == name;
        let finding = if name.is_empty() {
            Some(Diagnostic::error("invalid_name", "a reader has a name"))
        } else if let Some(why) = reserved_role(config, name) {
            let message = format!("{} cannot be a reader: {why}", quote(name));
            Some(Diagnostic::error("reserved_name", message))
        } else if let Some(tenant) = config.tenants.values().find(is_role) {
            let message = format!(
                "{} cannot be a reader: it is the login role of tenant {}",
                quote(name),
                quote(tenant.id.as_str())
            );
            Some(Diagnostic::error("name_collision", message))
        } else {
            postgres_name("reader", name)
        };
        findings.extend(finding.map(|finding| finding.at(reader.span)));
    }
}
