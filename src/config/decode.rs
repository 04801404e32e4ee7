//! From blocks to a [`Config`]: one pass over the top level of every file.

use std::collections::BTreeMap;

use hcl::edit::Span as _;
use hcl::edit::structure::{Attribute, Block, Structure};

use super::arguments::{Arguments, wrong_type};
use super::cluster;
use super::context::{Context, span_in};
use super::eval::Evaluator;
use super::for_each;
use super::json;
use super::moved;
use super::naming;
use super::scope::{File, only_label};
use super::table;
use super::tenant::{self, Partial};
use super::types::{Config, Moved, Naming};
use super::value::{Kind, Value};
use crate::address::TenantId;
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// What a tenant costs of the budget: at most 80,000 fit.
const TENANT_COST: usize = 100;

/// What the top level says, before defaults are filled in.
#[derive(Default)]
struct Draft {
    workspace: Option<String>,
    clusters: BTreeMap<String, super::types::Cluster>,
    /// The first place of each cluster's name.
    cluster_names: BTreeMap<String, Span>,
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
    let tenants: BTreeMap<_, _> = (draft.tenants.into_iter())
        .map(|(id, (span, partial))| (id.clone(), partial.complete(id, span, &defaults)))
        .collect();
    for tenant in tenants.values() {
        cluster::check_place(context, &draft.cluster_names, tenant);
    }
    Config {
        workspace: draft.workspace.unwrap_or_else(|| "default".to_owned()),
        clusters: draft.clusters,
        naming: draft.naming.unwrap_or_default(),
        tenants,
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
                let owner = "the tenantctl block".to_owned();
                let arguments = Arguments::of_block(context, (file, block), &table::TENANTCTL, owner, span);
                draft.workspace = workspace(context, arguments);
            }
        }
        "cluster" => {
            if let Some((name, label)) = only_label(context, file, block) {
                let owner = format!("cluster {}", quote(&name));
                let arguments = Arguments::of_block(context, (file, block), &table::CLUSTER, owner, label);
                add_cluster(context, draft, arguments, name);
            }
        }
        "defaults" => {
            if is_first(context, draft, "defaults", span) && has_no_label(context, file, block) {
                let owner = "the defaults block".to_owned();
                let arguments = Arguments::of_block(context, (file, block), &table::DEFAULTS, owner, span);
                draft.defaults = tenant::decode(context, arguments);
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
                let arguments = Arguments::of_block(
                    context,
                    (file, block),
                    &table::MOVED,
                    "the moved block".to_owned(),
                    span,
                );
                draft.moves.extend(moved::decode(context, arguments));
            }
        }
        // Read before, with their references in order.
        "variable" | "locals" => {}
        name => {
            let mut refusal =
                Diagnostic::error("unknown_block", format!("there is no block {}", quote(name))).at(span);
            let known = || table::BLOCKS.iter().map(|block| block.name);
            refusal.help = Some(of_terraform(name).map_or_else(
                || {
                    suggestion(name, known()).unwrap_or_else(|| {
                        format!("the blocks are {}", known().collect::<Vec<_>>().join(", "))
                    })
                },
                str::to_owned,
            ));
            context.push(refusal);
        }
    }
}

/// What to do about blocks of Terraform.
fn of_terraform(name: &str) -> Option<&'static str> {
    Some(match name {
        "terraform" => "leave it away: a tenants file needs neither a version nor a backend",
        "provider" => "leave it away: the `cluster` block says where to connect, the AWS environment as whom",
        "module" => "for tenants that are alike, use `defaults`, or one tenant block with `for_each`",
        "resource" | "data" | "output" | "import" | "check" | "removed" => {
            "this is Terraform configuration: keep it in another directory"
        }
        _ => return None,
    })
}

fn workspace(context: &mut Context<'_>, mut arguments: Arguments) -> Option<String> {
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

/// A block that a file of JSON gives as an object; whether it is one.
fn decode_object(
    context: &mut Context<'_>,
    draft: &mut Draft,
    (file, attribute): (usize, &Attribute),
    name: &str,
    span: Span,
) -> bool {
    let (table, owner) = match name {
        "$schema" => return true,
        "tenantctl" => (&table::TENANTCTL, "the tenantctl block"),
        "defaults" => (&table::DEFAULTS, "the defaults block"),
        "cluster" => (&table::CLUSTER, "the cluster"),
        "tenant" => (&table::TENANT, "the tenant"),
        _ => return false,
    };
    let value = Evaluator::new(context, file).eval(&attribute.value);
    if !table.has_label {
        if is_first(context, draft, table.name, span)
            && let Some(arguments) = Arguments::of_value(context, &value, table, owner.to_owned(), span)
        {
            match name {
                "tenantctl" => draft.workspace = workspace(context, arguments),
                _ => draft.defaults = tenant::decode(context, arguments),
            }
        }
        return true;
    }
    let Kind::Object(entries) = &value.kind else {
        wrong_type(context, owner, "an object with its name as key", &value);
        return true;
    };
    for entry in entries.iter() {
        let owner = format!("{name} {}", quote(&entry.key));
        let arguments = Arguments::of_value(context, &entry.value, table, owner, entry.key_span);
        match arguments {
            Some(arguments) if name == "tenant" => {
                add_tenant(context, draft, arguments, entry.key.to_string());
            }
            Some(arguments) => add_cluster(context, draft, arguments, entry.key.to_string()),
            None => {}
        }
    }
    true
}

fn decode_attribute(context: &mut Context<'_>, draft: &mut Draft, file: usize, attribute: &Attribute) {
    let span = span_in(file, attribute.key.span());
    let name = context.name_at(span).to_owned();
    let is_json = json::is_json(context.sources.name(file));
    if is_json && decode_object(context, draft, (file, attribute), &name, span) {
        return;
    }
    if name != "clients" {
        let mut refusal = Diagnostic::error(
            "unknown_argument",
            format!("there is no top-level argument {}", quote(&name)),
        )
        .at(span);
        let is_block = table::BLOCKS.iter().any(|block| block.name == name);
        refusal.help = Some(match suggestion(&name, ["clients"]) {
            _ if is_json && is_block => format!("write the {name} block in a file of HCL"),
            _ if is_block => format!("{name} is a block: write it without `=`"),
            _ if name == "workspace" => {
                "it belongs into a block: tenantctl { workspace = \"..\" }".to_owned()
            }
            _ if table::CLUSTER.argument(&name).is_some() => {
                format!("it belongs into a block: cluster \"main\" {{ {name} = .. }}")
            }
            _ if name == "tenants" => "the list of tenants is named `clients`".to_owned(),
            Some(near) => near,
            None => "a value that is used more than once is a local: locals { .. }; \
                     a file of Terraform variables is passed with --var-file"
                .to_owned(),
        });
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
    let Some(mut arguments) = Arguments::of_value(context, client, &table::TENANT, owner, span) else {
        return;
    };
    arguments.besides = &["name"];
    if let Some((name, _)) = arguments.string(context, "name") {
        add_tenant(context, draft, arguments, name);
    } else {
        arguments.missing(context, "name");
        tenant::decode(context, arguments);
    }
}

fn add_tenant(context: &mut Context<'_>, draft: &mut Draft, arguments: Arguments, name: String) {
    let span = arguments.span;
    // A loop may make more tenants than anybody could write down.
    if !context.charge(TENANT_COST, span) {
        return;
    }
    let partial = tenant::decode(context, arguments);
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

fn add_cluster(context: &mut Context<'_>, draft: &mut Draft, arguments: Arguments, name: String) {
    let span = arguments.span;
    let first = *draft.cluster_names.entry(name.clone()).or_insert(span);
    if first != span {
        let message = format!("cluster {} is defined twice", quote(&name));
        context.push(
            Diagnostic::error("duplicate_cluster", message)
                .at(span)
                .related(first, "first defined here")
                .help("give each cluster a name of its own, or put the arguments of both into one block"),
        );
        return;
    }
    if let Some(cluster) = cluster::decode(context, arguments, name.clone()) {
        draft.clusters.insert(name, cluster);
    }
}

/// Whether a block that may stand once stands here for the first time.
fn is_first(context: &mut Context<'_>, draft: &mut Draft, kind: &'static str, span: Span) -> bool {
    let Some(first) = draft.once.get(kind) else {
        draft.once.insert(kind, span);
        return true;
    };
    let message = format!("there is a second {} block", quote(kind));
    context.push(
        Diagnostic::error("duplicate_block", message)
            .at(span)
            .related(*first, "the first one is here")
            .help("put the arguments of both into one block"),
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
