//! Variables: where each gets its value from, and what its declaration asks of it.

use std::collections::BTreeMap;

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::parser::parse_expr;
use hcl::edit::structure::{Block, Structure};

use super::constraint::{self, Type};
use super::context::{Context, expression_span, span_in};
use super::eval::Evaluator;
use super::scope::{File, Override, only_label};
use super::table::VARIABLE;
use super::value::{Kind, Value};
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// Characters of an `error_message` that are shown.
const MESSAGE: usize = 1000;

/// A `variable` block.
struct Declared<'a> {
    file: usize,
    span: Span,
    constraint: Option<Type>,
    /// `nullable = false` refuses null.
    nullable: bool,
    validations: Vec<&'a Block>,
    /// Whether the text of `--var` is the value itself.
    as_text: bool,
}

/// Fills the context's variables.
pub(super) fn fill(
    context: &mut Context<'_>,
    files: &[File],
    variable_files: &[File],
    overrides: &[Override],
) {
    let declared = declare(context, files);
    for file in variable_files {
        for attribute in file.body.attributes() {
            let name_span = span_in(file.index, attribute.key.span());
            let name = context.name_at(name_span).to_owned();
            if declared.contains_key(&name) {
                let value = Evaluator::new(context, file.index).eval(&attribute.value);
                context.variables.insert(name, value);
            }
        }
    }
    for given in overrides {
        apply(context, &declared, given);
    }
    for (name, variable) in &declared {
        let value = match context.variables.get(name) {
            Some(value) => value.clone(),
            None => context.refuse(
                Diagnostic::error(
                    "variable_without_value",
                    format!("the variable {} has no value", quote(name)),
                )
                .at(variable.span)
                .help(format!("give it a `default`, or pass --var {name}=VALUE")),
            ),
        };
        let value = variable.converted(context, name, value);
        context.variables.insert(name.clone(), value);
    }
    // A condition may name other variables.
    for (name, variable) in &declared {
        for block in &variable.validations {
            validate(context, variable.file, block, name);
        }
    }
}

impl Declared<'_> {
    fn converted(&self, context: &mut Context<'_>, name: &str, value: Value) -> Value {
        if matches!(value.kind, Kind::Null) && !self.nullable {
            let message = format!(
                "the variable {} is null, and is declared `nullable = false`",
                quote(name)
            );
            return context.refuse(Diagnostic::error("wrong_type", message).at(value.span));
        }
        match &self.constraint {
            Some(constraint) => constraint::convert(context, value, constraint, &format!("var.{name}")),
            None => value,
        }
    }
}

fn declare<'a>(context: &mut Context<'_>, files: &'a [File]) -> BTreeMap<String, Declared<'a>> {
    let mut declared: BTreeMap<String, Declared<'a>> = BTreeMap::new();
    for file in files {
        for block in file.body.blocks().filter(|block| block.has_ident("variable")) {
            let Some((name, span)) = only_label(context, file.index, block) else {
                continue;
            };
            if let Some(first) = declared.get(&name) {
                let first = first.span;
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
            let variable = variable(context, file.index, block, (&name, span));
            declared.insert(name, variable);
        }
    }
    declared
}

/// Reads one `variable` block; its default, if any, goes to the context.
fn variable<'a>(
    context: &mut Context<'_>,
    file: usize,
    block: &'a Block,
    (name, span): (&str, Span),
) -> Declared<'a> {
    let mut declared = Declared {
        file,
        span,
        constraint: None,
        nullable: true,
        validations: Vec::new(),
        as_text: false,
    };
    let mut is_typed = false;
    for structure in &block.body {
        let (key, value) = match structure {
            Structure::Attribute(attribute) => (&attribute.key, Some(&attribute.value)),
            Structure::Block(inner) if inner.has_ident("validation") => {
                declared.validations.push(inner);
                continue;
            }
            Structure::Block(inner) => (&inner.ident, None),
        };
        let span = span_in(file, key.span());
        let key = context.name_at(span).to_owned();
        match (key.as_str(), value) {
            ("default", Some(expression)) => {
                let value = Evaluator::new(context, file).eval(expression);
                context.variables.insert(name.to_owned(), value);
            }
            ("type", Some(expression)) => {
                is_typed = true;
                declared.constraint = constraint::parse(context, file, expression);
            }
            ("nullable", Some(expression)) => {
                let value = Evaluator::new(context, file).eval(expression);
                declared.nullable = !matches!(value.kind, Kind::Bool(false));
            }
            ("description" | "sensitive", Some(_)) => {}
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
    declared.as_text = match (is_typed, default) {
        (true, _) => matches!(declared.constraint, Some(Type::String)),
        (false, None | Some(Kind::String(_) | Kind::Null | Kind::Invalid)) => true,
        (false, Some(_)) => false,
    };
    declared
}

fn apply(context: &mut Context<'_>, declared: &BTreeMap<String, Declared<'_>>, given: &Override) {
    let text = context.sources.text(given.file).to_owned();
    let span = Span {
        file: given.file,
        start: 0,
        end: text.len(),
    };
    let value = match declared.get(&given.name) {
        Some(variable) if variable.as_text => Value::string(&text, span),
        Some(_) => match parse_expr(&text) {
            Ok(expression) => Evaluator::new(context, given.file).eval(&expression),
            Err(error) => context.refuse(Diagnostic::error("syntax", error.message().to_owned()).at(span)),
        },
        None if context.incomplete => return,
        None => {
            let help = suggestion(&given.name, declared.keys().map(String::as_str))
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

/// One `validation` block, as in Terraform: `condition` has to be true, or `error_message` says why not.
///
/// <https://developer.hashicorp.com/terraform/language/block/variable#validation>
fn validate(context: &mut Context<'_>, file: usize, block: &Block, name: &str) {
    let find = |key: &str| {
        let mut attributes = block.body.attributes();
        attributes
            .find(|attribute| attribute.has_key(key))
            .map(|attribute| &attribute.value)
    };
    let Some(condition) = find("condition") else {
        context.push(
            Diagnostic::error("missing_argument", "a `validation` needs a `condition`")
                .at(span_in(file, block.ident.span())),
        );
        return;
    };
    let place = expression_span(file, condition);
    let outcome = Evaluator::new(context, file).eval(condition);
    match outcome.kind {
        Kind::Bool(true) | Kind::Invalid => {}
        Kind::Bool(false) => {
            let said = find("error_message").map(|expression| said(context, file, expression));
            let said = said
                .flatten()
                .unwrap_or_else(|| "its condition is not true".to_owned());
            let message = format!("the variable {} is refused: {said}", quote(name));
            let mut refusal = Diagnostic::error("invalid_value", message).at(place);
            if let Some(value) = context.variables.get(name).filter(|value| !value.is_invalid()) {
                refusal = refusal.related(value.span, "the value");
            }
            context.push(refusal);
        }
        _ => {
            let message = format!(
                "a condition is true or false, and this one is {}",
                outcome.type_name()
            );
            context.push(Diagnostic::error("wrong_type", message).at(place));
        }
    }
}

fn said(context: &mut Context<'_>, file: usize, expression: &Expression) -> Option<String> {
    let text = Evaluator::new(context, file).eval(expression).to_text()?;
    Some(text.chars().take(MESSAGE).collect())
}
