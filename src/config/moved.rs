//! The `moved` block: a tenant that has another name now.

use super::arguments::Arguments;
use super::context::Context;
use super::types::Moved;
use crate::address::TenantId;
use crate::diag::{Diagnostic, quote};

/// What may be moved.
const TENANT: &str = "tenant.";

/// Decodes the block; none where an argument is missing or names something else than a tenant, which is reported.
pub(super) fn decode(context: &mut Context<'_>, mut arguments: Arguments) -> Option<Moved> {
    let from = tenant(context, &mut arguments, "from");
    let to = tenant(context, &mut arguments, "to");
    arguments.finish(context);
    Some(Moved {
        from: from?,
        to: to?,
        span: arguments.span,
    })
}

fn tenant(context: &mut Context<'_>, arguments: &mut Arguments, name: &'static str) -> Option<TenantId> {
    let Some((text, span)) = arguments.string(context, name) else {
        arguments.missing(context, name);
        return None;
    };
    match text.strip_prefix(TENANT) {
        Some(tenant) if !tenant.is_empty() => Some(TenantId::new(tenant)),
        _ => {
            let message = format!("`{name}` cannot be {}: only tenants are moved", quote(&text));
            let refusal = Diagnostic::error("invalid_value", message).at(span);
            arguments.refuse(context, name, refusal.help("such as \"tenant.client01\""))
        }
    }
}
