//! What an expression evaluates to: every part keeps its place.

use std::rc::Rc;

use hcl::edit::Number;

use crate::diag::Span;

/// A value and where its expression stands.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub kind: Kind,
    pub span: Span,
    /// The number of values in it and, for text, its length in units of 16 bytes: what a copy costs.
    pub size: usize,
}

/// The parts are shared, so that copying a value is cheap at any size.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// An error that was reported already; whoever meets it stays silent.
    Invalid,
    Null,
    Bool(bool),
    Number(Number),
    String(Rc<str>),
    List(Rc<[Value]>),
    Object(Rc<[Entry]>),
}

/// One item of an object.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: Rc<str>,
    pub key_span: Span,
    pub value: Value,
}

impl Value {
    pub fn new(kind: Kind, span: Span) -> Self {
        let size = match &kind {
            Kind::Invalid | Kind::Null | Kind::Bool(_) | Kind::Number(_) => 1,
            Kind::String(text) => text_size(text.len()),
            Kind::List(items) => total(items.iter().map(|item| item.size)),
            Kind::Object(entries) => total(
                entries
                    .iter()
                    .map(|entry| entry.value.size.saturating_add(text_size(entry.key.len()))),
            ),
        };
        Self { kind, span, size }
    }

    pub fn invalid(span: Span) -> Self {
        Self::new(Kind::Invalid, span)
    }

    pub fn string(text: &str, span: Span) -> Self {
        Self::new(Kind::String(text.into()), span)
    }

    pub fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid)
    }

    /// For `expected .., found ..`.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Invalid => "an invalid value",
            Kind::Null => "null",
            Kind::Bool(_) => "a bool",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Object(_) => "an object",
        }
    }

    /// The text of a string, number or bool, as a template shows it.
    pub fn to_text(&self) -> Option<Rc<str>> {
        match &self.kind {
            Kind::String(text) => Some(Rc::clone(text)),
            Kind::Number(number) => Some(number.to_string().into()),
            Kind::Bool(value) => Some(value.to_string().into()),
            Kind::Invalid | Kind::Null | Kind::List(_) | Kind::Object(_) => None,
        }
    }
}

impl PartialEq for Value {
    /// The place is no part of the meaning, nor is the order of an object's items.
    fn eq(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Number(a), Kind::Number(b)) => a == b,
            (Kind::String(a), Kind::String(b)) => a == b,
            (Kind::List(a), Kind::List(b)) => a == b,
            (Kind::Object(a), Kind::Object(b)) => {
                let sorted = |entries: &[Entry]| {
                    let mut entries: Vec<_> = entries
                        .iter()
                        .map(|entry| (Rc::clone(&entry.key), entry.value.clone()))
                        .collect();
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                    entries
                };
                a.len() == b.len() && sorted(a) == sorted(b)
            }
            _ => false,
        }
    }
}

pub(super) fn text_size(bytes: usize) -> usize {
    1 + bytes / 16
}

fn total(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(1, usize::saturating_add)
}
