//! What names stand for: `var.x`, by way of [`variables`], and `local.x`.

use std::collections::{HashMap, HashSet};

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::structure::{Block, Body, Structure};

use super::context::{Context, span_in};
use super::eval::{Evaluator, local_names};
use super::value::Value;
use super::variables;
use crate::diag::{Diagnostic, SourceMap, Span, quote};

/// One loaded file.
pub(super) struct File {
    pub index: usize,
    pub body: Body,
}

/// A `--var NAME=VALUE`; the value is a source of its own.
pub(super) struct Override {
    pub name: String,
    pub file: usize,
}

struct Definition<'a> {
    file: usize,
    name_span: Span,
    expression: &'a Expression,
}

/// Fills the context's variables, then its locals.
pub(super) fn build(
    context: &mut Context<'_>,
    files: &[File],
    variable_files: &[File],
    overrides: &[Override],
) {
    variables::fill(context, files, variable_files, overrides);
    locals(context, files);
}

/// The label of a block that has exactly one.
pub(super) fn only_label(context: &mut Context<'_>, file: usize, block: &Block) -> Option<(String, Span)> {
    let kind = block.ident.as_str();
    if let [label] = block.labels.as_slice() {
        return Some((label.as_str().to_owned(), span_in(file, label.span())));
    }
    let found = match block.labels.len() {
        0 => "none".to_owned(),
        count => count.to_string(),
    };
    let message = format!("a {} block has one label, its name; found {found}", quote(kind));
    context.push(
        Diagnostic::error("wrong_labels", message)
            .at(span_in(file, block.ident.span()))
            .help(format!("write: {kind} \"NAME\" {{ ... }}")),
    );
    None
}

/// Evaluates the locals, each after those it takes from. No recursion: a chain of them may be long.
fn locals(context: &mut Context<'_>, files: &[File]) {
    let definitions = definitions(context, files);
    let mut names: Vec<&String> = definitions.keys().collect();
    names.sort();
    let mut done: HashSet<String> = HashSet::new();
    for name in names {
        visit(context, &definitions, &mut done, name);
    }
}

fn visit(
    context: &mut Context<'_>,
    definitions: &HashMap<String, Definition<'_>>,
    done: &mut HashSet<String>,
    root: &str,
) {
    // The path from the root, each name with what is left to look at before it can be evaluated.
    let mut path: Vec<(String, Vec<String>)> = Vec::new();
    let mut on_path: HashSet<String> = HashSet::new();
    let mut next = Some(root.to_owned());
    loop {
        if let Some(name) = next.take()
            && !done.contains(&name)
            && let Some(definition) = definitions.get(&name)
        {
            if on_path.contains(&name) {
                report_cycle(context, definitions, done, &path, &name);
            } else {
                on_path.insert(name.clone());
                path.push((name, local_names(definition.expression)));
            }
        }
        let Some((name, rest)) = path.last_mut() else {
            return;
        };
        next = rest.pop();
        if next.is_some() {
            continue;
        }
        let name = name.clone();
        path.pop();
        on_path.remove(&name);
        if done.insert(name.clone()) {
            let definition = &definitions[&name];
            let value = Evaluator::new(context, definition.file).eval(definition.expression);
            context.locals.insert(name, value);
        }
    }
}

fn report_cycle(
    context: &mut Context<'_>,
    definitions: &HashMap<String, Definition<'_>>,
    done: &mut HashSet<String>,
    path: &[(String, Vec<String>)],
    name: &str,
) {
    let begin = path
        .iter()
        .position(|(on_path, _)| on_path == name)
        .unwrap_or_default();
    let cycle = || path[begin..].iter().map(|(name, _)| name.as_str());
    let shown: Vec<String> = cycle()
        .take(10)
        .chain([name])
        .map(|name| format!("local.{name}"))
        .collect();
    let span = definitions[name].name_span;
    context.push(
        Diagnostic::error(
            "cyclic_locals",
            format!(
                "{} is defined by itself: {}",
                quote(&shown[0]),
                shown.join(" -> ")
            ),
        )
        .at(span)
        .help("give one of them a value that does not refer to the others"),
    );
    for name in cycle() {
        done.insert(name.to_owned());
        context.locals.insert(name.to_owned(), Value::invalid(span));
    }
}

fn definitions<'a>(context: &mut Context<'_>, files: &'a [File]) -> HashMap<String, Definition<'a>> {
    let mut definitions: HashMap<String, Definition<'a>> = HashMap::new();
    for file in files {
        for block in file.body.blocks().filter(|block| block.has_ident("locals")) {
            for structure in &block.body {
                let attribute = match structure {
                    Structure::Attribute(attribute) => attribute,
                    Structure::Block(inner) => {
                        context.push(
                            Diagnostic::error("unknown_block", "a `locals` block holds `NAME = VALUE` only")
                                .at(span_in(file.index, inner.ident.span())),
                        );
                        continue;
                    }
                };
                let name_span = span_in(file.index, attribute.key.span());
                let name = context.name_at(name_span).to_owned();
                if let Some(first) = definitions.get(&name) {
                    let message = format!("{} is defined twice", quote(&format!("local.{name}")));
                    context.push(
                        Diagnostic::error("duplicate_local", message)
                            .at(name_span)
                            .related(first.name_span, "first defined here"),
                    );
                    continue;
                }
                let definition = Definition {
                    file: file.index,
                    name_span,
                    expression: &attribute.value,
                };
                definitions.insert(name, definition);
            }
        }
    }
    definitions
}

/// Adds a source for each `--var`, so that what is wrong with its value has a place.
pub(super) fn add_overrides(sources: &mut SourceMap, vars: &[(String, String)]) -> Vec<Override> {
    vars.iter()
        .map(|(name, value)| Override {
            name: name.clone(),
            file: sources.add(format!("--var {name}"), value.clone()),
        })
        .collect()
}
