//! The `naming` block: templates that stay templates.

use hcl::edit::Span as _;
use hcl::edit::expr::Expression;
use hcl::edit::structure::{Block, Structure};
use hcl::edit::template::Element;

use super::context::{Context, expression_span, span_in};
use super::eval::elements;
use super::table::NAMING;
use super::types::{NamePart, NameTemplate, Naming};
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// Decodes the block over the default names.
pub(super) fn decode(context: &mut Context<'_>, file: usize, block: &Block) -> Naming {
    let mut naming = Naming::default();
    let mut seen: Vec<(String, Span)> = Vec::new();
    for structure in &block.body {
        let key = match structure {
            Structure::Attribute(attribute) => &attribute.key,
            Structure::Block(inner) => &inner.ident,
        };
        let span = span_in(file, key.span());
        let name = context.name_at(span).to_owned();
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == name) {
            context.push(
                Diagnostic::error("duplicate_argument", format!("{} is given twice", quote(&name)))
                    .at(span)
                    .related(*first, "first given here"),
            );
            continue;
        }
        let target = match name.as_str() {
            "database" => Some(&mut naming.database),
            "role" => Some(&mut naming.role),
            "iam_user" => Some(&mut naming.iam_user),
            "iam_role" => Some(&mut naming.iam_role),
            _ => None,
        };
        match (target, structure) {
            (Some(target), Structure::Attribute(attribute)) => {
                if let Some(template) = template(context, file, &name, &attribute.value) {
                    *target = template;
                }
            }
            _ => {
                let mut refusal = Diagnostic::error(
                    "unknown_argument",
                    format!("the naming has no argument {}", quote(&name)),
                )
                .at(span);
                refusal.help = suggestion(&name, NAMING.names());
                context.push(refusal);
            }
        }
        seen.push((name, span));
    }
    naming
}

fn template(
    context: &mut Context<'_>,
    file: usize,
    name: &str,
    expression: &Expression,
) -> Option<NameTemplate> {
    let span = expression_span(file, expression);
    let mut parts = Vec::new();
    if let Expression::String(text) = expression {
        parts.push(NamePart::Literal(text.as_str().to_owned()));
    }
    for element in elements(expression).unwrap_or_default() {
        let part = match element {
            Element::Literal(text) => Some(NamePart::Literal(text.as_str().to_owned())),
            Element::Interpolation(inner) => match inner.expr.as_variable().map(|name| name.as_str()) {
                Some("tenant") => Some(NamePart::Tenant),
                Some("database") if name == "database" => Some(NamePart::Database),
                _ => None,
            },
            Element::Directive(_) => None,
        };
        let Some(part) = part else {
            let known = match name {
                "database" => "`${tenant}` and `${database}`",
                _ => "`${tenant}`",
            };
            context.push(
                Diagnostic::error("invalid_template", format!("`{name}` may refer to {known} only"))
                    .at(span_in(file, element.span()))
                    .help(example(name)),
            );
            return None;
        };
        parts.push(part);
    }
    if !parts.contains(&NamePart::Tenant) {
        let message = match expression {
            Expression::String(_) | Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => {
                format!("`{name}` has to contain `${{tenant}}`, or all tenants would share one name")
            }
            _ => format!("`{name}` has to be a template such as \"${{tenant}}\""),
        };
        context.push(
            Diagnostic::error("invalid_template", message)
                .at(span)
                .help(example(name)),
        );
        return None;
    }
    Some(NameTemplate(parts))
}

/// How a template is written.
fn example(name: &str) -> String {
    let example = NAMING.argument(name).map_or("..", |argument| argument.example);
    format!("such as: {name} = {example}")
}
