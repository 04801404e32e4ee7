//! `[for .. ]` and `{for .. }`.

use std::collections::HashMap;
use std::rc::Rc;

use hcl::edit::expr::ForExpr;

use super::{CONDITION, Evaluator};
use crate::config::context::expression_span;
use crate::config::value::{Entry, Kind, Value};
use crate::diag::{Diagnostic, Span, quote};

impl Evaluator<'_, '_> {
    /// A list, or an object where the loop names keys.
    pub(super) fn for_expression(&mut self, expression: &ForExpr, span: Span) -> Value {
        let collection = self.eval(&expression.intro.collection_expr);
        let place = expression_span(self.file, &expression.intro.collection_expr);
        let Some(items) = self.rounds(&collection, place) else {
            return Value::invalid(span);
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
                if let Some(key_expression) = &expression.key_expr {
                    let key = self.eval(key_expression);
                    let value = self.eval(&expression.value_expr);
                    let place = expression_span(self.file, key_expression);
                    if let Some(text) = self.key(&key, place) {
                        self.insert(expression, &mut entries, &mut places, (text, key.span), value);
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
            return Value::list(list, span);
        }
        Value::object(entries, span)
    }

    /// What a loop goes through: an index or a key, and the item of it.
    pub(super) fn rounds(&mut self, collection: &Value, place: Span) -> Option<Vec<(Value, Value)>> {
        match &collection.kind {
            Kind::List(items) => Some(
                (0_u64..)
                    .zip(items.iter())
                    .map(|(index, item)| (Value::new(Kind::Number(index.into()), item.span), item.clone()))
                    .collect(),
            ),
            // An item of a set is its own key.
            Kind::Set(items) => Some(items.iter().map(|item| (item.clone(), item.clone())).collect()),
            Kind::Object(entries) => Some(
                entries
                    .iter()
                    .map(|entry| (Value::string(&entry.key, entry.key_span), entry.value.clone()))
                    .collect(),
            ),
            _ => {
                self.expected("a list, a set or an object to loop over", collection, place);
                None
            }
        }
    }

    fn is_wanted(&mut self, expression: &ForExpr) -> bool {
        let Some(condition) = &expression.cond else {
            return true;
        };
        let value = self.eval(&condition.expr);
        match value.kind {
            Kind::Bool(wanted) => wanted,
            _ => {
                let place = expression_span(self.file, &condition.expr);
                self.expected(CONDITION, &value, place);
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
        entries.push(Entry { key, key_span, value });
    }
}
