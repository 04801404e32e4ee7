//! Names and what is taken from their values.

use std::rc::Rc;

use hcl::edit::Span as _;
use hcl::edit::expr::{Expression, Traversal, TraversalOperator};

use super::Evaluator;
use crate::config::context::span_in;
use crate::config::value::{Kind, Value};
use crate::diag::{Diagnostic, Span, quote, suggestion};

impl Evaluator<'_, '_> {
    /// A name that stands alone.
    pub(super) fn variable(&mut self, name: &str, span: Span) -> Value {
        if let Some((_, value)) = self.bindings.iter().rev().find(|(bound, _)| **bound == *name) {
            let value = value.clone();
            self.context.charge(value.size, span);
            return value;
        }
        let bound: Vec<Rc<str>> = self.bindings.iter().map(|(name, _)| Rc::clone(name)).collect();
        let help = match name {
            "var" | "local" => format!("write `{name}.NAME`"),
            _ => suggestion(name, bound.iter().map(|name| &**name))
                .unwrap_or_else(|| format!("put text in quotes: \"{}\"", quote(name).trim_matches('`'))),
        };
        self.context.refuse(
            Diagnostic::error(
                "unknown_reference",
                format!("{} is neither a literal nor a known name", quote(name)),
            )
            .at(span)
            .help(help),
        )
    }

    /// A name with what is taken from it.
    pub(super) fn traversal(&mut self, traversal: &Traversal, span: Span) -> Value {
        let mut operators = traversal.operators.iter();
        let mut value = match (&traversal.expr, traversal.operators.first()) {
            (Expression::Variable(root), Some(first)) if self.is_scope(root.as_str()) => {
                operators.next();
                match first.value() {
                    TraversalOperator::GetAttr(name) => {
                        let place = span_in(self.file, name.span());
                        self.named(root.as_str(), name.as_str(), place)
                    }
                    _ => self.variable(root.as_str(), span),
                }
            }
            (base, _) => self.eval(base),
        };
        for operator in operators {
            if value.is_invalid() {
                return value;
            }
            let place = span_in(self.file, operator.span());
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => self.item(&value, name.as_str(), place),
                TraversalOperator::LegacyIndex(index) => self.element(&value, Some(**index), place),
                TraversalOperator::Index(index) => {
                    let index = self.eval(index);
                    match &index.kind {
                        Kind::String(name) => self.item(&value, name, place),
                        Kind::Number(number) => self.element(&value, number.as_u64(), place),
                        _ => self.expected("a number or a string as index", &index),
                    }
                }
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => self.context.refuse(
                    Diagnostic::error("splat", "`*` is not available in a tenants file")
                        .at(place)
                        .help("write `[for item in LIST : item.NAME]`"),
                ),
            };
        }
        self.context.charge(value.size, span);
        value
    }

    /// Whether a name stands for the variables or the locals rather than for a loop's item.
    fn is_scope(&self, name: &str) -> bool {
        matches!(name, "var" | "local") && !self.bindings.iter().any(|(bound, _)| **bound == *name)
    }

    fn named(&mut self, root: &str, name: &str, span: Span) -> Value {
        let scope = if root == "var" {
            &self.context.variables
        } else {
            &self.context.locals
        };
        if let Some(value) = scope.get(name) {
            return value.clone();
        }
        if self.context.incomplete {
            return Value::invalid(span);
        }
        let help = suggestion(name, scope.keys().map(String::as_str)).unwrap_or_else(|| match root {
            "var" => format!("declare it: variable \"{name}\" {{ default = ... }}"),
            _ => format!("define it: locals {{ {name} = ... }}"),
        });
        let message = format!("there is no {}", quote(&format!("{root}.{name}")));
        self.context.refuse(
            Diagnostic::error("unknown_reference", message)
                .at(span)
                .help(help),
        )
    }

    fn item(&mut self, value: &Value, name: &str, span: Span) -> Value {
        let Kind::Object(entries) = &value.kind else {
            return self.expected(&format!("an object with {}", quote(name)), value);
        };
        self.context.charge(1 + entries.len() / 32, span);
        if let Some(entry) = entries.iter().find(|entry| *entry.key == *name) {
            return entry.value.clone();
        }
        let mut refusal = Diagnostic::error(
            "unknown_reference",
            format!("the object has no item {}", quote(name)),
        )
        .at(span)
        .related(value.span, "the object");
        refusal.help = suggestion(name, entries.iter().map(|entry| &*entry.key));
        self.context.refuse(refusal)
    }

    fn element(&mut self, value: &Value, index: Option<u64>, span: Span) -> Value {
        let Kind::List(items) = &value.kind else {
            return self.expected("a list", value);
        };
        let index = index.and_then(|index| usize::try_from(index).ok());
        if let Some(item) = index.and_then(|index| items.get(index)) {
            return item.clone();
        }
        let message = format!("the list has {} items, counted from 0", items.len());
        self.context
            .refuse(Diagnostic::error("unknown_reference", message).at(span))
    }
}
