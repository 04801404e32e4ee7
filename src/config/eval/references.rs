//! Names and what is taken from their values.

use std::rc::Rc;

use hcl::edit::expr::{Expression, Traversal, TraversalOperator};
use hcl::edit::{Decorated, Number, Span as _};

use super::Evaluator;
use crate::config::context::{expression_span, span_in};
use crate::config::value::{Kind, Value, find};
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
            _ => of_terraform(name)
                .map(str::to_owned)
                .or_else(|| suggestion(name, bound.iter().map(|name| &**name)))
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
        value = self.follow(value, operators.as_slice());
        self.context.charge(value.size, span);
        value
    }

    /// Takes one thing after the other out of a value.
    fn follow(&mut self, mut value: Value, operators: &[Decorated<TraversalOperator>]) -> Value {
        let mut rest = operators;
        while let Some((operator, behind)) = rest.split_first() {
            if value.is_invalid() {
                return value;
            }
            rest = behind;
            let place = span_in(self.file, operator.span());
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => self.item(&value, name.as_str(), place),
                TraversalOperator::LegacyIndex(index) => self.element(&value, (**index).into(), place),
                TraversalOperator::Index(expression) => {
                    let index = self.eval(expression);
                    match &index.kind {
                        Kind::String(name) => self.item(&value, name, place),
                        Kind::Number(number) => self.element(&value, *number, place),
                        _ => {
                            let place = expression_span(self.file, expression);
                            self.expected("a number or a string as index", &index, place)
                        }
                    }
                }
                // Attributes alone belong to `.*`, everything that follows to `[*]`.
                TraversalOperator::AttrSplat(_) => {
                    let is_name = |operator: &&Decorated<TraversalOperator>| {
                        matches!(operator.value(), TraversalOperator::GetAttr(_))
                    };
                    let (inner, behind) = rest.split_at(rest.iter().take_while(is_name).count());
                    rest = behind;
                    self.splat(&value, inner, place)
                }
                TraversalOperator::FullSplat(_) => self.splat(&value, std::mem::take(&mut rest), place),
            };
        }
        value
    }

    /// The same out of every item. What is no list counts as a list of itself, and null as an empty one.
    fn splat(&mut self, value: &Value, operators: &[Decorated<TraversalOperator>], place: Span) -> Value {
        let items = match (value.items(), &value.kind) {
            (Some(items), _) => items,
            (None, Kind::Null) => &[],
            (None, _) => std::slice::from_ref(value),
        };
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            if !self.context.charge(1, place) {
                return Value::invalid(place);
            }
            let item = self.follow(item.clone(), operators);
            if item.is_invalid() {
                // One item's mistake is every item's.
                return item;
            }
            found.push(item);
        }
        Value::list(found, value.span)
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
        let names = scope.len();
        let help = suggestion(name, scope.keys().map(String::as_str)).unwrap_or_else(|| match root {
            "var" => format!("declare it: variable \"{name}\" {{ default = ... }}"),
            _ => format!("define it: locals {{ {name} = ... }}"),
        });
        let message = format!("there is no {}", quote(&format!("{root}.{name}")));
        self.context.charge(names, span);
        self.context.refuse(
            Diagnostic::error("unknown_reference", message)
                .at(span)
                .help(help),
        )
    }

    fn item(&mut self, value: &Value, name: &str, span: Span) -> Value {
        let Kind::Object(entries) = &value.kind else {
            return self.expected(&format!("an object with {}", quote(name)), value, span);
        };
        if let Some(entry) = find(entries, name) {
            return entry.value.clone();
        }
        // The suggestion looks at every key, and `try` may ask for it many times over.
        self.context.charge(entries.len(), span);
        let mut refusal = Diagnostic::error(
            "unknown_reference",
            format!("the object has no item {}", quote(name)),
        )
        .at(span)
        .related(value.span, "the object");
        refusal.help = suggestion(name, entries.iter().map(|entry| &*entry.key));
        self.context.refuse(refusal)
    }

    fn element(&mut self, value: &Value, index: Number, span: Span) -> Value {
        let Kind::List(items) = &value.kind else {
            if matches!(value.kind, Kind::Set(_)) {
                return self.context.refuse(
                    Diagnostic::error(
                        "wrong_type",
                        "a set has no order, so there is no item of an index",
                    )
                    .at(span)
                    .from_elsewhere(value.span)
                    .help("make a list of it: tolist(..)"),
                );
            }
            if matches!(value.kind, Kind::Number(_)) {
                // `203.0.113.7/32` without quotes is a number with two indexes.
                return self.context.refuse(
                    Diagnostic::error("wrong_type", "a number has no items")
                        .at(span)
                        .help("put an address in quotes: \"203.0.113.7/32\""),
                );
            }
            return self.expected("a list", value, span);
        };
        let item = index.as_u64().and_then(|index| usize::try_from(index).ok());
        if let Some(item) = item.and_then(|index| items.get(index)) {
            return item.clone();
        }
        let message = match items.len() {
            0 => format!("there is no item {index}: the list is empty"),
            1 => format!("there is no item {index}: the list has one item, which is number 0"),
            count => format!(
                "there is no item {index}: the list has the items 0 to {}",
                count - 1
            ),
        };
        self.context.refuse(
            Diagnostic::error("unknown_reference", message)
                .at(span)
                .from_elsewhere(value.span),
        )
    }
}

/// What to do about names that stand for something in Terraform alone.
fn of_terraform(name: &str) -> Option<&'static str> {
    Some(match name {
        "each" => "`each.key` and `each.value` exist in a tenant block with `for_each`",
        "count" => "there is no `count`: use `for_each` in a tenant block, and `each.key`",
        "data" | "module" | "resource" => {
            "nothing of Terraform's state is read: declare a variable, and pass an output of Terraform with --var or --var-file"
        }
        _ if ["aws_", "postgresql_", "random_", "tls_"]
            .iter()
            .any(|kind| name.starts_with(kind)) =>
        {
            "nothing of Terraform's state is read: declare a variable, and pass an output of Terraform with --var or --var-file"
        }
        "path" | "terraform" | "self" => {
            "it exists in Terraform alone: declare a variable, and pass its value with --var"
        }
        "tenant" | "database" => "it exists in the templates of the `naming` block alone",
        _ => return None,
    })
}
