//! What an expression evaluates to: every part keeps its place.

use std::cmp::Ordering;
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
    /// Sorted, each once: `toset` makes them.
    Set(Rc<[Value]>),
    /// Sorted by key, so that the order in which a file gives them is no part of what it means.
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
            Kind::List(items) | Kind::Set(items) => total(items.iter().map(|item| item.size)),
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

    pub fn list(items: Vec<Self>, span: Span) -> Self {
        Self::new(Kind::List(items.into()), span)
    }

    /// Sorts the items and drops what is there twice.
    pub fn set(mut items: Vec<Self>, span: Span) -> Self {
        items.sort();
        items.dedup();
        Self::new(Kind::Set(items.into()), span)
    }

    /// Sorts the entries by key.
    pub fn object(mut entries: Vec<Entry>, span: Span) -> Self {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Self::new(Kind::Object(entries.into()), span)
    }

    /// The items of a list or of a set.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::List(items) | Kind::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The entry of an object with this key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Object(entries) => find(entries, key),
            _ => None,
        }
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
            Kind::Set(_) => "a set",
            Kind::Object(_) => "an object",
        }
    }

    /// The text of a string, number or bool, as a template shows it.
    pub fn to_text(&self) -> Option<Rc<str>> {
        match &self.kind {
            Kind::String(text) => Some(Rc::clone(text)),
            Kind::Number(number) => Some(number.to_string().into()),
            Kind::Bool(value) => Some(value.to_string().into()),
            Kind::Invalid | Kind::Null | Kind::List(_) | Kind::Set(_) | Kind::Object(_) => None,
        }
    }
}

/// The entry with this key.
pub(super) fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    let index = entries.binary_search_by(|entry| (*entry.key).cmp(key)).ok()?;
    entries.get(index)
}

impl PartialEq for Value {
    /// The place is no part of the meaning.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    /// By type, then by what is in it: the order of sets.
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => compare_numbers(*a, *b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => a.cmp(b),
            (Kind::Object(a), Kind::Object(b)) => {
                let parts = |entry: &Entry| (Rc::clone(&entry.key), entry.value.clone());
                a.iter().map(parts).cmp(b.iter().map(parts))
            }
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }
}

fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Invalid => 0,
        Kind::Null => 1,
        Kind::Bool(_) => 2,
        Kind::Number(_) => 3,
        Kind::String(_) => 4,
        Kind::List(_) => 5,
        Kind::Set(_) => 6,
        Kind::Object(_) => 7,
    }
}

/// Integers that a float cannot tell apart are compared exactly.
pub(super) fn compare_numbers(a: Number, b: Number) -> Ordering {
    let float = |number: Number| number.as_f64().unwrap_or_default();
    let exact = |number: Number| (number.as_i64(), number.as_u64());
    float(a)
        .total_cmp(&float(b))
        .then_with(|| exact(a).cmp(&exact(b)))
}

pub(super) fn text_size(bytes: usize) -> usize {
    1 + bytes / 16
}

fn total(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.fold(1, usize::saturating_add)
}
