//! `for_each`: one tenant block that stands for many.
//!
//! The name of a tenant is `each.key` unless `name` says otherwise, and the block's label is part of nothing: moving a
//! tenant from a block of its own into such a block, or from one to another, changes no plan.

use std::collections::HashMap;
use std::rc::Rc;

use hcl::edit::Span as _;
use hcl::edit::structure::{Attribute, Block};

use super::arguments::Arguments;
use super::context::{Context, expression_span, span_in};
use super::eval::Evaluator;
use super::table::TENANT;
use super::value::{Entry, Kind, Value};
use crate::diag::{Diagnostic, Span, quote};

/// Distinct mistakes of one block that are gathered by element; more are reported as they come.
const GATHERED: usize = 1000;

/// What `each` stands for.
struct Element {
    key: Rc<str>,
    key_span: Span,
    value: Value,
}

/// Mistakes in a block, each once, with the elements that it was made for.
#[derive(Default)]
struct Mistakes {
    order: Vec<(Diagnostic, Vec<Rc<str>>)>,
    known: HashMap<(&'static str, Option<Span>, String), usize>,
}

/// Gives each tenant of a block to `add`, with its name and its arguments.
pub(super) fn tenants(
    context: &mut Context<'_>,
    file: usize,
    block: &Block,
    (label, label_span): (&str, Span),
    add: &mut dyn FnMut(&mut Context<'_>, Arguments, String),
) {
    let for_each = block
        .body
        .attributes()
        .find(|attribute| attribute.has_key("for_each"));
    let Some(for_each) = for_each else {
        let owner = format!("tenant {}", quote(label));
        let mut arguments = Arguments::of_block(context, (file, block), &TENANT, owner, label_span);
        arguments.besides = &["for_each"];
        add(context, arguments, label.to_owned());
        return;
    };
    let block_span = span_in(file, block.span());
    let mut mistakes = Mistakes::default();
    for element in elements(context, file, for_each) {
        let before = context.begin_attempt();
        one(context, file, block, label, &element, add);
        let during = context.take_diagnostics(before);
        for mut diagnostic in during {
            let is_inside = |span: Span| {
                span.file == file && block_span.start <= span.start && span.end <= block_span.end
            };
            if diagnostic.span.is_some_and(is_inside) {
                if diagnostic.related.is_none() && !is_inside(element.key_span) {
                    diagnostic = diagnostic.related(element.key_span, "the element");
                }
                mistakes.add(context, diagnostic, &element.key);
            } else {
                context.push(diagnostic);
            }
        }
    }
    mistakes.report(context);
}

fn one(
    context: &mut Context<'_>,
    file: usize,
    block: &Block,
    label: &str,
    element: &Element,
    add: &mut dyn FnMut(&mut Context<'_>, Arguments, String),
) {
    let item = |key: &str, value| Entry {
        key: key.into(),
        key_span: element.key_span,
        value,
    };
    let key = Value::string(&element.key, element.key_span);
    let entries = vec![item("key", key), item("value", element.value.clone())];
    let each = ("each".into(), Value::object(entries, element.key_span));
    let owner = format!("a tenant of {}", quote(label));
    let mut arguments = Arguments::of_each(context, (file, block), owner, element.key_span, &[each]);
    arguments.besides = &["for_each", "name"];
    let name = match arguments.string(context, "name") {
        Some((name, span)) => {
            arguments.span = span;
            name
        }
        None if arguments.invalid.contains("name") => return,
        None => element.key.to_string(),
    };
    add(context, arguments, name);
}

/// The elements, sorted by key.
fn elements(context: &mut Context<'_>, file: usize, for_each: &Attribute) -> Vec<Element> {
    let value = Evaluator::new(context, file).eval(&for_each.value);
    let place = expression_span(file, &for_each.value);
    let mut refuse = |message: String, help: &str| {
        context.push(
            Diagnostic::error("wrong_type", message)
                .at(place)
                .from_elsewhere(value.span)
                .help(help),
        );
        Vec::new()
    };
    let items = match &value.kind {
        Kind::Invalid => return Vec::new(),
        Kind::Object(entries) => {
            let element = |entry: &Entry| Element {
                key: Rc::clone(&entry.key),
                key_span: entry.key_span,
                value: entry.value.clone(),
            };
            return entries.iter().map(element).collect();
        }
        Kind::Set(items) => items,
        Kind::List(_) => {
            return refuse(
                "`for_each` needs a set of strings or an object, found a list".to_owned(),
                "for a list of names: toset(..); for a list of objects: { for item in list : item.name => item }",
            );
        }
        _ => {
            return refuse(
                format!(
                    "`for_each` needs a set of strings or an object, found {}",
                    value.type_name()
                ),
                "for one tenant alone, write a block without `for_each`",
            );
        }
    };
    let mut elements = Vec::with_capacity(items.len());
    for item in items.iter() {
        let Kind::String(key) = &item.kind else {
            return refuse(
                format!(
                    "`for_each` needs a set of strings, found {} in it",
                    item.type_name()
                ),
                "the strings are the tenants' names: for objects, { for item in list : item.name => item }",
            );
        };
        elements.push(Element {
            key: Rc::clone(key),
            key_span: item.span,
            value: item.clone(),
        });
    }
    elements
}

impl Mistakes {
    fn add(&mut self, context: &mut Context<'_>, diagnostic: Diagnostic, key: &Rc<str>) {
        let identity = (diagnostic.code, diagnostic.span, diagnostic.message.clone());
        if let Some((_, keys)) = self
            .known
            .get(&identity)
            .and_then(|index| self.order.get_mut(*index))
        {
            keys.push(Rc::clone(key));
        } else if self.order.len() < GATHERED {
            self.known.insert(identity, self.order.len());
            self.order.push((diagnostic, vec![Rc::clone(key)]));
        } else {
            context.push(diagnostic);
        }
    }

    /// Says for which elements.
    fn report(self, context: &mut Context<'_>) {
        for (mut diagnostic, keys) in self.order {
            let shown: Vec<String> = keys.iter().take(3).map(|key| quote(key)).collect();
            let more = match keys.len() - shown.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            diagnostic
                .message
                .push_str(&format!(", where `each.key` is {}{more}", shown.join(", ")));
            context.push(diagnostic);
        }
    }
}
