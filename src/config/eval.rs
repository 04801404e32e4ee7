//! Evaluates expressions. The language is data: nothing here reads anything but the loaded files.
//!
//! `hcl::eval` does the same without places and without a bound on what it makes, hence this one.

use std::collections::HashMap;
use std::rc::Rc;

use hcl::edit::Span as _;
use hcl::edit::expr::{
    Array, Conditional, Expression, ForExpr, Object, ObjectKey, Traversal, TraversalOperator,
};
use hcl::edit::template::Element;

use super::context::{Context, expression_span, key_span, span_in};
use super::operators;
use super::value::{Entry, Kind, Value, text_size};
use crate::diag::{Diagnostic, Span, quote, suggestion};

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
                self.template(&elements(expression).unwrap_or_default(), span)
            }
            Expression::Parenthesis(inner) => self.eval(inner.inner()),
            Expression::Variable(name) => self.variable(name.as_str(), span),
            Expression::Conditional(conditional) => self.conditional(conditional),
            Expression::FuncCall(call) => self.context.refuse(
                Diagnostic::error(
                    "function_call",
                    format!(
                        "functions are not available in a tenants file: {}",
                        quote(call.name.name.as_str())
                    ),
                )
                .at(span)
                .help("a tenants file is data: write the value, or use a conditional or a for-expression"),
            ),
            Expression::Traversal(traversal) => self.traversal(traversal, span),
            Expression::UnaryOp(operation) => {
                let value = self.eval(&operation.expr);
                operators::unary(self.context, *operation.operator.value(), &value, span)
            }
            Expression::BinaryOp(operation) => {
                let left = self.eval(&operation.lhs_expr);
                let right = self.eval(&operation.rhs_expr);
                operators::binary(self.context, &left, *operation.operator.value(), &right, span)
            }
            Expression::ForExpr(expression) => self.for_expression(expression, span),
        }
    }

    fn array(&mut self, array: &Array, span: Span) -> Value {
        let items: Vec<Value> = array.iter().map(|item| self.eval(item)).collect();
        Value::new(Kind::List(items.into()), span)
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
                    self.key(&value)
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
        self.unique_keys(&entries, span)
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

    fn unique_keys(&mut self, entries: &[Entry], span: Span) -> Value {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for entry in entries {
            if let Some(first) = seen.insert(&entry.key, entry.key_span) {
                self.context.push(
                    Diagnostic::error(
                        "duplicate_key",
                        format!("{} is given twice", quote(&entry.key)),
                    )
                    .at(entry.key_span)
                    .related(first, "first given here"),
                );
                seen.insert(&entry.key, first);
            }
        }
        Value::new(Kind::Object(entries.into()), span)
    }

    /// A computed key: text, or what a template shows as text.
    fn key(&mut self, value: &Value) -> Option<Rc<str>> {
        let text = value.to_text();
        if text.is_none() && !value.is_invalid() {
            self.context.push(
                Diagnostic::error(
                    "wrong_type",
                    format!("expected a string as a key, found {}", value.type_name()),
                )
                .at(value.span),
            );
        }
        text
    }

    fn template(&mut self, elements: &[&Element], span: Span) -> Value {
        let is_single = elements.len() == 1;
        let mut text = String::new();
        let mut trim_next = false;
        for element in elements {
            let part: Rc<str> = match *element {
                Element::Literal(literal) => literal.as_str().into(),
                Element::Interpolation(interpolation) => {
                    let value = self.eval(&interpolation.expr);
                    if is_single || value.is_invalid() {
                        return value;
                    }
                    if interpolation.strip.strip_start() {
                        text.truncate(text.trim_end().len());
                    }
                    let Some(shown) = value.to_text() else {
                        return self.context.refuse(
                            Diagnostic::error(
                                "wrong_type",
                                format!("expected text in a template, found {}", value.type_name()),
                            )
                            .at(expression_span(self.file, &interpolation.expr)),
                        );
                    };
                    shown
                }
                Element::Directive(directive) => {
                    return self.context.refuse(
                        Diagnostic::error(
                            "template_directive",
                            "`%{ .. }` is not available in a tenants file",
                        )
                        .at(span_in(self.file, directive.span()))
                        .help("use a conditional `a ? b : c` or a for-expression"),
                    );
                }
            };
            if !self.context.charge(text_size(part.len()), span) {
                return Value::invalid(span);
            }
            let part = if trim_next { part.trim_start() } else { &part };
            text.push_str(part);
            trim_next = matches!(*element, Element::Interpolation(i) if i.strip.strip_end());
        }
        Value::string(&text, span)
    }

    fn variable(&mut self, name: &str, span: Span) -> Value {
        if let Some((_, value)) = self
            .bindings
            .iter()
            .rev()
            .find(|(bound, _)| **bound == *name)
        {
            let value = value.clone();
            self.context.charge(value.size, span);
            return value;
        }
        let bound: Vec<Rc<str>> = self
            .bindings
            .iter()
            .map(|(name, _)| Rc::clone(name))
            .collect();
        let help = match name {
            "var" | "local" => format!("write `{name}.NAME`"),
            _ => suggestion(name, bound.iter().map(|name| &**name)).unwrap_or_else(|| {
                format!("put text in quotes: \"{}\"", quote(name).trim_matches('`'))
            }),
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

    fn conditional(&mut self, conditional: &Conditional) -> Value {
        let condition = self.eval(&conditional.cond_expr);
        match condition.kind {
            Kind::Bool(true) => self.eval(&conditional.true_expr),
            Kind::Bool(false) => self.eval(&conditional.false_expr),
            _ => self.expected("a bool", &condition),
        }
    }

    fn expected(&mut self, expected: &str, found: &Value) -> Value {
        if found.is_invalid() {
            return found.clone();
        }
        self.context.refuse(
            Diagnostic::error(
                "wrong_type",
                format!("expected {expected}, found {}", found.type_name()),
            )
            .at(found.span),
        )
    }

    fn traversal(&mut self, traversal: &Traversal, span: Span) -> Value {
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
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    self.context.refuse(
                        Diagnostic::error("splat", "`*` is not available in a tenants file")
                            .at(place)
                            .help("write `[for item in LIST : item.NAME]`"),
                    )
                }
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
        let help =
            suggestion(name, scope.keys().map(String::as_str)).unwrap_or_else(|| match root {
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

    fn for_expression(&mut self, expression: &ForExpr, span: Span) -> Value {
        let collection = self.eval(&expression.intro.collection_expr);
        let items: Vec<(Value, Value)> = match &collection.kind {
            Kind::List(items) => (0_u64..)
                .zip(items.iter())
                .map(|(index, item)| {
                    (
                        Value::new(Kind::Number(index.into()), item.span),
                        item.clone(),
                    )
                })
                .collect(),
            Kind::Object(entries) => entries
                .iter()
                .map(|entry| {
                    (
                        Value::string(&entry.key, entry.key_span),
                        entry.value.clone(),
                    )
                })
                .collect(),
            _ => return self.expected("a list or an object to loop over", &collection),
        };
        let depth = self.bindings.len();
        let errors = self.context.diagnostics.error_count();
        let mut list = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<Rc<str>, usize> = HashMap::new();
        for (key, item) in items {
            if let Some(name) = &expression.intro.key_var {
                self.bindings.push((name.as_str().into(), key));
            }
            self.bindings
                .push((expression.intro.value_var.as_str().into(), item));
            if self.is_wanted(expression) {
                if let Some(key) = &expression.key_expr {
                    let key = self.eval(key);
                    let value = self.eval(&expression.value_expr);
                    if let Some(text) = self.key(&key) {
                        self.insert(
                            expression,
                            &mut entries,
                            &mut places,
                            (text, key.span),
                            value,
                        );
                    }
                } else {
                    list.push(self.eval(&expression.value_expr));
                }
            }
            self.bindings.truncate(depth);
            // One round's mistake is every round's.
            if self.context.diagnostics.error_count() > errors {
                return Value::invalid(span);
            }
        }
        if expression.key_expr.is_none() {
            return Value::new(Kind::List(list.into()), span);
        }
        Value::new(Kind::Object(entries.into()), span)
    }

    fn is_wanted(&mut self, expression: &ForExpr) -> bool {
        let Some(condition) = &expression.cond else {
            return true;
        };
        let value = self.eval(&condition.expr);
        match value.kind {
            Kind::Bool(wanted) => wanted,
            _ => {
                self.expected("a bool", &value);
                false
            }
        }
    }

    fn insert(
        &mut self,
        expression: &ForExpr,
        entries: &mut Vec<Entry>,
        places: &mut HashMap<Rc<str>, usize>,
        (key, key_span): (Rc<str>, Span),
        value: Value,
    ) {
        if let Some(&index) = places.get(&key) {
            if !expression.grouping {
                self.context.push(
                    Diagnostic::error(
                        "duplicate_key",
                        format!("the loop makes the key {} twice", quote(&key)),
                    )
                    .at(key_span)
                    .help("`...` after the value groups the values of one key in a list"),
                );
                return;
            }
            let entry = &mut entries[index];
            if let Kind::List(items) = &entry.value.kind {
                self.context.charge(items.len(), key_span);
                let items: Vec<Value> = items.iter().cloned().chain([value]).collect();
                entry.value = Value::new(Kind::List(items.into()), entry.value.span);
            }
            return;
        }
        places.insert(Rc::clone(&key), entries.len());
        let span = value.span;
        let value = if expression.grouping {
            Value::new(Kind::List([value].into()), span)
        } else {
            value
        };
        entries.push(Entry {
            key,
            key_span,
            value,
        });
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
