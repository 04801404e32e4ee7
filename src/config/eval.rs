//! Evaluates expressions. The language is data: nothing here reads anything but the loaded files.
//!
//! `hcl::eval` does the same without places and without a bound on what it makes, hence this one.

mod calls;
mod loops;
mod references;
mod templates;

use std::collections::HashMap;
use std::rc::Rc;

use hcl::edit::expr::{
    Array, BinaryOperator, Conditional, Expression, Object, ObjectKey, Traversal, TraversalOperator,
};
use hcl::edit::template::Element;

use super::context::{Context, expression_span, key_span};
use super::operators;
use super::value::{Entry, Kind, Value, text_size};
use crate::diag::{Diagnostic, Span, quote};

/// What `expected` says about conditions.
const CONDITION: &str = "a bool as a condition";

/// Evaluates the expressions of one file.
pub(super) struct Evaluator<'a, 'b> {
    context: &'a mut Context<'b>,
    file: usize,
    /// Variables of the loops around, innermost last.
    bindings: Vec<(Rc<str>, Value)>,
}

impl<'a, 'b> Evaluator<'a, 'b> {
    pub fn new(context: &'a mut Context<'b>, file: usize) -> Self {
        Self {
            context,
            file,
            bindings: Vec::new(),
        }
    }

    /// The same, with names that stand for values.
    pub fn with(context: &'a mut Context<'b>, file: usize, bindings: &[(Rc<str>, Value)]) -> Self {
        Self {
            bindings: bindings.to_vec(),
            ..Self::new(context, file)
        }
    }

    /// The value of an expression; [`Kind::Invalid`] after an error, which is reported here.
    pub fn eval(&mut self, expression: &Expression) -> Value {
        let span = expression_span(self.file, expression);
        if !self.context.charge(1, span) {
            return Value::invalid(span);
        }
        match expression {
            Expression::Null(_) => Value::new(Kind::Null, span),
            Expression::Bool(value) => Value::new(Kind::Bool(*value.value()), span),
            Expression::Number(value) => Value::new(Kind::Number(*value.value()), span),
            Expression::String(value) => {
                self.context.charge(text_size(value.len()), span);
                Value::string(value.as_str(), span)
            }
            Expression::Array(array) => self.array(array, span),
            Expression::Object(object) => self.object(object, span),
            Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => {
                self.template_value(expression, span)
            }
            Expression::Parenthesis(inner) => self.eval(inner.inner()),
            Expression::Variable(name) => self.variable(name.as_str(), span),
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::FuncCall(call) => self.call(call, span),
            Expression::Traversal(traversal) => self.traversal(traversal, span),
            Expression::UnaryOp(operation) => {
                let value = self.eval(&operation.expr);
                operators::unary(self.context, *operation.operator.value(), &value, span)
            }
            Expression::BinaryOp(operation) => {
                let operator = *operation.operator.value();
                let left = self.eval(&operation.lhs_expr);
                // What decides alone: the other side may well have no value, as in `x != null && x.y`.
                if let (Kind::Bool(true), BinaryOperator::Or) | (Kind::Bool(false), BinaryOperator::And) =
                    (&left.kind, operator)
                {
                    return Value::new(left.kind, span);
                }
                let right = self.eval(&operation.rhs_expr);
                operators::binary(self.context, &left, operator, &right, span)
            }
            Expression::ForExpr(expression) => self.for_expression(expression, span),
        }
    }

    fn array(&mut self, array: &Array, span: Span) -> Value {
        let items: Vec<Value> = array.iter().map(|item| self.eval(item)).collect();
        Value::list(items, span)
    }

    fn object(&mut self, object: &Object, span: Span) -> Value {
        let mut entries = Vec::with_capacity(object.len());
        for (key, value) in object {
            let place = key_span(self.file, key);
            let key = match key {
                ObjectKey::Ident(_) | ObjectKey::Expression(Expression::String(_)) => {
                    Some(self.literal_key(key, place))
                }
                ObjectKey::Expression(expression) => {
                    let value = self.eval(expression);
                    self.key(&value, place)
                }
            };
            let value = self.eval(value.expr());
            let Some(key) = key else {
                return Value::invalid(span);
            };
            entries.push(Entry {
                key,
                key_span: place,
                value,
            });
        }
        self.unique_keys(entries, span)
    }

    /// The text of a key without parts to evaluate.
    fn literal_key(&self, key: &ObjectKey, place: Span) -> Rc<str> {
        let parsed = match key {
            ObjectKey::Expression(Expression::String(text)) => text.as_str(),
            ObjectKey::Ident(name) => name.as_str(),
            ObjectKey::Expression(_) => "",
        };
        let written = self.context.name_at(place);
        let is_plain = !written.is_empty() && !written.contains(['\\', '"', '$', '%']);
        (if is_plain { written } else { parsed }).into()
    }

    fn unique_keys(&mut self, entries: Vec<Entry>, span: Span) -> Value {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for entry in &entries {
            if let Some(first) = seen.insert(&entry.key, entry.key_span) {
                self.context.push(
                    Diagnostic::error("duplicate_key", format!("{} is given twice", quote(&entry.key)))
                        .at(entry.key_span)
                        .related(first, "first given here"),
                );
                seen.insert(&entry.key, first);
            }
        }
        Value::object(entries, span)
    }

    /// A computed key: text, or what a template shows as text.
    fn key(&mut self, value: &Value, place: Span) -> Option<Rc<str>> {
        let text = value.to_text();
        if text.is_none() {
            self.expected("a string as a key", value, place);
        }
        text
    }

    fn conditional(&mut self, conditional: &Conditional) -> Value {
        let condition = self.eval(&conditional.cond_expr);
        match condition.kind {
            Kind::Bool(true) => self.eval(&conditional.true_expr),
            Kind::Bool(false) => self.eval(&conditional.false_expr),
            _ => {
                let place = expression_span(self.file, &conditional.cond_expr);
                self.expected(CONDITION, &condition, place)
            }
        }
    }

    /// Reports a value of the wrong type at the expression that gave it.
    fn expected(&mut self, expected: &str, found: &Value, place: Span) -> Value {
        if found.is_invalid() {
            return found.clone();
        }
        let message = format!("expected {expected}, found {}", found.type_name());
        let mut refusal = Diagnostic::error("wrong_type", message)
            .at(place)
            .from_elsewhere(found.span);
        if expected == CONDITION {
            let written = self.context.sources.slice(place);
            refusal.help = matches!(found.kind, Kind::String(_))
                .then(|| format!("compare it: {} == \"..\"", quote(written).trim_matches('`')));
        }
        self.context.refuse(refusal)
    }
}

/// The names an expression takes from the locals, for ordering them.
pub(super) fn local_names(expression: &Expression) -> Vec<String> {
    use hcl::edit::visit::{Visit, visit_traversal};

    struct Names(Vec<String>);
    impl Visit for Names {
        fn visit_traversal(&mut self, node: &Traversal) {
            let root = node.expr.as_variable().map(|name| name.as_str());
            if let (Some("local"), Some(first)) = (root, node.operators.first())
                && let TraversalOperator::GetAttr(name) = first.value()
            {
                self.0.push(name.as_str().to_owned());
            }
            visit_traversal(self, node);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_expr(expression);
    names.0
}

/// The parts of a template; a plain string is no template.
pub(super) fn elements(expression: &Expression) -> Option<Vec<&Element>> {
    match expression {
        Expression::StringTemplate(template) => Some(template.iter().collect()),
        Expression::HeredocTemplate(heredoc) => Some(heredoc.template.iter().collect()),
        _ => None,
    }
}
