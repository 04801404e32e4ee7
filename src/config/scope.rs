//! Variables and locals: what `var.x` and `local.x` stand for.

use std::collections::{BTreeMap, HashMap, HashSet};

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::parser::parse_expr;
use hcl::edit::structure::{Block, Body, Structure};

use super::context::{Context, span_in};
use super::eval::{Evaluator, local_names};
use super::table::VARIABLE;
use super::value::{Kind, Value};
use crate::diag::{Diagnostic, SourceMap, Span, quote, suggestion};

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

/// What a variable accepts from the command line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    Expression,
}

/// Fills the context's variables, then its locals.
pub(super) fn build(
    context: &mut Context<'_>,
    files: &[File],
    variable_files: &[File],
    overrides: &[Override],
) {
    let wanted = declare(context, files);
    for file in variable_files {
        for attribute in file.body.attributes() {
            let name_span = span_in(file.index, attribute.key.span());
            let name = context.name_at(name_span).to_owned();
            if wanted.contains_key(&name) {
                let value = Evaluator::new(context, file.index).eval(&attribute.value);
                context.variables.insert(name, value);
            }
        }
    }
    for given in overrides {
        apply(context, &wanted, given);
    }
    for (name, (_, span)) in &wanted {
        if !context.variables.contains_key(name) {
            context.push(
                Diagnostic::error(
                    "variable_without_value",
                    format!("the variable {} has no value", quote(name)),
                )
                .at(*span)
                .help(format!("give it a `default`, or pass --var {name}=VALUE")),
            );
            context.variables.insert(name.clone(), Value::invalid(*span));
        }
    }
    locals(context, files);
}

fn declare(context: &mut Context<'_>, files: &[File]) -> BTreeMap<String, (Wanted, Span)> {
    let mut declared: BTreeMap<String, (Wanted, Span)> = BTreeMap::new();
    for file in files {
        for block in file.body.blocks().filter(|block| block.has_ident("variable")) {
            let Some((name, span)) = only_label(context, file.index, block) else {
                continue;
            };
            if let Some((_, first)) = declared.get(&name) {
                let first = *first;
                context.push(
                    Diagnostic::error(
                        "duplicate_variable",
                        format!("the variable {} is declared twice", quote(&name)),
                    )
                    .at(span)
                    .related(first, "first declared here"),
                );
                continue;
            }
            let wanted = variable(context, file.index, block, &name);
            declared.insert(name, (wanted, span));
        }
    }
    declared
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

/// Reads one `variable` block; its default, if any, goes to the context.
fn variable(context: &mut Context<'_>, file: usize, block: &Block, name: &str) -> Wanted {
    let mut by_type = None;
    for structure in &block.body {
        let (key, value) = match structure {
            Structure::Attribute(attribute) => (&attribute.key, Some(&attribute.value)),
            // Terraform's `validation` is for Terraform.
            Structure::Block(inner) if inner.has_ident("validation") => continue,
            Structure::Block(inner) => (&inner.ident, None),
        };
        let span = span_in(file, key.span());
        let key = context.name_at(span).to_owned();
        match (key.as_str(), value) {
            ("default", Some(expression)) => {
                let value = Evaluator::new(context, file).eval(expression);
                context.variables.insert(name.to_owned(), value);
            }
            ("type", Some(expression)) => by_type = Some(wanted_by_type(expression)),
            ("description" | "sensitive" | "nullable", Some(_)) => {}
            _ => {
                let mut refusal =
                    Diagnostic::error("unknown_argument", format!("a variable has no {}", quote(&key)))
                        .at(span);
                refusal.help = suggestion(&key, VARIABLE.names());
                context.push(refusal);
            }
        }
    }
    let default = context.variables.get(name).map(|value| &value.kind);
    by_type.unwrap_or(match default {
        None | Some(Kind::String(_) | Kind::Null | Kind::Invalid) => Wanted::Text,
        Some(_) => Wanted::Expression,
    })
}

/// `string` is taken as it stands; `number`, `bool`, `list(..)` and the like are read as an expression.
fn wanted_by_type(expression: &Expression) -> Wanted {
    match expression.as_variable().map(|name| name.as_str()) {
        Some("string") => Wanted::Text,
        _ => Wanted::Expression,
    }
}

fn apply(context: &mut Context<'_>, wanted: &BTreeMap<String, (Wanted, Span)>, given: &Override) {
    let text = context.sources.text(given.file).to_owned();
    let span = Span {
        file: given.file,
        start: 0,
        end: text.len(),
    };
    let value = match wanted.get(&given.name) {
        Some((Wanted::Text, _)) => Value::string(&text, span),
        Some((Wanted::Expression, _)) => match parse_expr(&text) {
            Ok(expression) => Evaluator::new(context, given.file).eval(&expression),
            Err(error) => context.refuse(Diagnostic::error("syntax", error.message().to_owned()).at(span)),
        },
        None if context.incomplete => return,
        None => {
            let help = suggestion(&given.name, wanted.keys().map(String::as_str))
                .unwrap_or_else(|| format!("declare it: variable \"{}\" {{}}", given.name));
            context.push(
                Diagnostic::error(
                    "unknown_variable",
                    format!("--var sets {}, which is not declared", quote(&given.name)),
                )
                .help(help),
            );
            return;
        }
    };
    context.variables.insert(given.name.clone(), value);
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
