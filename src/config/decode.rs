//! From blocks to a [`Config`]: one pass over the top level of every file.

use std::collections::BTreeMap;

use hcl::edit::Span as _;
use hcl::edit::structure::{Attribute, Block, Structure};

use super::arguments::{Arguments, wrong_type};
use super::cluster;
use super::context::{Context, span_in};
use super::eval::Evaluator;
use super::for_each;
use super::moved;
use super::naming;
use super::scope::{File, only_label};
use super::tenant::{self, Partial};
use super::types::{Config, Moved, Naming};
use super::value::{Kind, Value};
use crate::address::TenantId;
use crate::diag::{Diagnostic, Span, quote, suggestion};

const BLOCKS: [&str; 8] = [
    "tenantctl",
    "cluster",
    "defaults",
    "naming",
    "tenant",
    "moved",
    "variable",
    "locals",
];

/// What a tenant costs of the budget: at most 80,000 fit.
const TENANT_COST: usize = 100;

/// What the top level says, before defaults are filled in.
#[derive(Default)]
struct Draft {
    workspace: Option<String>,
    cluster: Option<super::types::Cluster>,
    naming: Option<Naming>,
    defaults: Partial,
    tenants: BTreeMap<TenantId, (Span, Partial)>,
    moves: Vec<Moved>,
    /// The first place of each block that may stand once.
    once: BTreeMap<&'static str, Span>,
}

/// Decodes all files.
pub(super) fn decode(context: &mut Context<'_>, files: &[File], variable_files: &[File]) -> Config {
    let mut draft = Draft::default();
    for file in files {
        for structure in &file.body {
            match structure {
                Structure::Block(block) => decode_block(context, &mut draft, file.index, block),
                Structure::Attribute(attribute) => {
                    decode_attribute(context, &mut draft, file.index, attribute);
                }
            }
        }
    }
    for file in variable_files {
        decode_variable_file(context, &mut draft, file);
    }
    let defaults = draft.defaults;
    let tenants = draft.tenants.into_iter().map(|(id, (span, partial))| {
        let tenant = partial.complete(id.clone(), span, &defaults);
        (id, tenant)
    });
    Config {
        workspace: draft.workspace.unwrap_or_else(|| "default".to_owned()),
        cluster: draft.cluster,
        naming: draft.naming.unwrap_or_default(),
        tenants: tenants.collect(),
        moves: draft.moves,
    }
}

/// A variable file may hold anything; a list of clients that is no variable is the list of tenants.
fn decode_variable_file(context: &mut Context<'_>, draft: &mut Draft, file: &File) {
    for attribute in file.body.attributes() {
        let span = span_in(file.index, attribute.key.span());
        let name = context.name_at(span);
        if name == "clients" && !context.variables.contains_key(name) {
            decode_attribute(context, draft, file.index, attribute);
        }
    }
    for block in file.body.blocks() {
        context.push(
            Diagnostic::error("unknown_block", "a variable file holds `NAME = VALUE` only")
                .at(span_in(file.index, block.ident.span()))
                .help("load a tenants file with --file, or put it in the directory"),
        );
    }
}

fn decode_block(context: &mut Context<'_>, draft: &mut Draft, file: usize, block: &Block) {
    let span = span_in(file, block.ident.span());
    match block.ident.as_str() {
        "tenantctl" => {
            if is_first(context, draft, "tenantctl", span) && has_no_label(context, file, block) {
                draft.workspace = decode_tool(context, file, block, span);
            }
        }
        "cluster" => {
            if is_first(context, draft, "cluster", span)
                && let Some((name, label)) = only_label(context, file, block)
            {
                let owner = format!("cluster {}", quote(&name));
                let arguments = Arguments::of_block(context, file, block, owner, label);
                draft.cluster = cluster::decode(context, arguments, name);
            }
        }
        "defaults" => {
            if is_first(context, draft, "defaults", span) && has_no_label(context, file, block) {
                let owner = "the defaults block".to_owned();
                let mut arguments = Arguments::of_block(context, file, block, owner, span);
                draft.defaults = tenant::decode(context, &mut arguments);
            }
        }
        "naming" => {
            if is_first(context, draft, "naming", span) && has_no_label(context, file, block) {
                draft.naming = Some(naming::decode(context, file, block));
            }
        }
        "tenant" => {
            if let Some((name, label)) = only_label(context, file, block) {
                for_each::tenants(
                    context,
                    file,
                    block,
                    (&name, label),
                    &mut |context, arguments, name| {
                        add_tenant(context, draft, arguments, name);
                    },
                );
            }
        }
        "moved" => {
            if has_no_label(context, file, block) {
                let arguments = Arguments::of_block(context, file, block, "the moved block".to_owned(), span);
                draft.moves.extend(moved::decode(context, arguments));
            }
        }
        // Read before, with their references in order.
        "variable" | "locals" => {}
        name => {
            let mut refusal =
                Diagnostic::error("unknown_block", format!("there is no block {}", quote(name))).at(span);
            refusal.help = Some(match name {
                "terraform" | "provider" | "resource" | "module" | "data" | "output" => {
                    "this is Terraform configuration: keep it in another directory".to_owned()
                }
                _ => suggestion(name, BLOCKS)
                    .unwrap_or_else(|| format!("the blocks are {}", BLOCKS.join(", "))),
            });
            context.push(refusal);
        }
    }
}

fn decode_tool(context: &mut Context<'_>, file: usize, block: &Block, span: Span) -> Option<String> {
    let mut arguments = Arguments::of_block(context, file, block, "the tenantctl block".to_owned(), span);
    let workspace = arguments.string(context, "workspace").and_then(|(name, span)| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !name.is_empty() && name.len() <= 63 && name.chars().all(is_plain) {
            return Some(name);
        }
        let message = format!("{} is no name of a workspace", quote(&name));
        arguments.refuse(
            context,
            "workspace",
            Diagnostic::error("invalid_value", message)
                .at(span)
                .help("it has 1 to 63 letters, digits, `.`, `_` or `-`"),
        )
    });
    arguments.finish(context);
    workspace
}

fn decode_attribute(context: &mut Context<'_>, draft: &mut Draft, file: usize, attribute: &Attribute) {
    let span = span_in(file, attribute.key.span());
    let name = context.name_at(span).to_owned();
    if name != "clients" {
        let mut refusal = Diagnostic::error(
            "unknown_argument",
            format!("there is no top-level argument {}", quote(&name)),
        )
        .at(span);
        refusal.help = Some(
            suggestion(&name, ["clients"])
                .unwrap_or_else(|| "pass a file of Terraform variables with --var-file".to_owned()),
        );
        context.push(refusal);
        return;
    }
    let value = Evaluator::new(context, file).eval(&attribute.value);
    let Some(clients) = value.items() else {
        wrong_type(context, "`clients`", "a list of objects", &value);
        return;
    };
    for client in clients {
        decode_client(context, draft, client);
    }
}

fn decode_client(context: &mut Context<'_>, draft: &mut Draft, client: &Value) {
    // The name first: messages about the rest say whose it is.
    let name = client.entry("name");
    let owner = match name.map(|entry| &entry.value.kind) {
        Some(Kind::String(name)) => format!("tenant {}", quote(name)),
        _ => "a client".to_owned(),
    };
    let span = name.map_or(client.span, |entry| entry.value.span);
    let Some(mut arguments) = Arguments::of_value(context, client, owner, span) else {
        return;
    };
    if let Some((name, _)) = arguments.string(context, "name") {
        add_tenant(context, draft, arguments, name);
    } else {
        arguments.missing(context, "name", "\"client01\"");
        tenant::decode(context, &mut arguments);
    }
}

fn add_tenant(context: &mut Context<'_>, draft: &mut Draft, mut arguments: Arguments, name: String) {
    let span = arguments.span;
    // A loop may make more tenants than anybody could write down.
    if !context.charge(TENANT_COST, span) {
        return;
    }
    let partial = tenant::decode(context, &mut arguments);
    let id = TenantId::new(name);
    if let Some((first, _)) = draft.tenants.get(&id) {
        let message = format!("tenant {} is defined twice", quote(id.as_str()));
        let refusal = Diagnostic::error("duplicate_tenant", message).at(span);
        context.push(if *first == span {
            refusal.help("the name has to differ from element to element: use `each.key` in it")
        } else {
            refusal.related(*first, "first defined here")
        });
        return;
    }
    draft.tenants.insert(id, (span, partial));
}

/// Whether a block that may stand once stands here for the first time.
fn is_first(context: &mut Context<'_>, draft: &mut Draft, kind: &'static str, span: Span) -> bool {
    let Some(first) = draft.once.get(kind) else {
        draft.once.insert(kind, span);
        return true;
    };
    let (code, message) = match kind {
        "cluster" => (
            "second_cluster",
            "more than one cluster is not built yet".to_owned(),
        ),
        _ => (
            "duplicate_block",
            format!("there is a second {} block", quote(kind)),
        ),
    };
    context.push(
        Diagnostic::error(code, message)
            .at(span)
            .related(*first, "the first one is here"),
    );
    false
}

fn has_no_label(context: &mut Context<'_>, file: usize, block: &Block) -> bool {
    let Some(label) = block.labels.first() else {
        return true;
    };
    let message = format!("a {} block has no label", quote(block.ident.as_str()));
    context.push(Diagnostic::error("wrong_labels", message).at(span_in(file, label.span())));
    false
}
