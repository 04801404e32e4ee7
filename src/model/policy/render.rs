//! From the canonical form to text, for the wire and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Folded, PolicyDocument, Principals, Statement};
use crate::address::Name;

/// A document as a tree whose keys have an order.
pub(super) enum Node<'a> {
    Text(&'a str),
    /// Strings; on the wire a list of one is a string.
    Strings(Strings<'a>),
    /// The values of a condition: a list over many lines even when there is one, so that a second adds one line.
    Values(Strings<'a>),
    List(Vec<Node<'a>>),
    Object(Fields<'a>),
    /// What this program does not know.
    Unknown(&'a Value),
}

/// Strings of either kind, as the document holds them.
#[derive(Clone, Copy)]
pub(super) enum Strings<'a> {
    Names(&'a [Name]),
    Words(&'a [Folded]),
}

impl<'a> Strings<'a> {
    fn iter(self) -> impl ExactSizeIterator<Item = &'a str> {
        let (names, words) = match self {
            Self::Names(names) => (names, &[][..]),
            Self::Words(words) => (&[][..], words),
        };
        (0..names.len() + words.len()).map(move |at| names.get(at).unwrap_or_else(|| &words[at].0).as_str())
    }

    /// The only one.
    fn single(self) -> Option<&'a str> {
        let mut all = self.iter();
        all.next().filter(|_| all.len() == 0)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Strings(items) | Self::Values(items) => match items.single() {
                Some(single) => serializer.serialize_str(single),
                None => serializer.collect_seq(items.iter()),
            },
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Unknown(value) => value.serialize(serializer),
        }
    }
}

impl Node<'_> {
    /// Over many lines, ending in a newline.
    pub(super) fn pretty(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Text(text) => out.push_str(&quoted(text)),
            Self::Strings(items) | Self::Values(items) => match (self, items.single()) {
                (Self::Strings(_), Some(single)) => out.push_str(&quoted(single)),
                _ => block(out, depth, '[', ']', items.iter(), |out, item| {
                    out.push_str(&quoted(item));
                }),
            },
            Self::List(items) => {
                block(out, depth, '[', ']', items, |out, item| {
                    item.write(out, depth + 1);
                });
            }
            Self::Object(fields) => block(out, depth, '{', '}', fields, |out, (key, value)| {
                out.push_str(&quoted(key));
                out.push_str(": ");
                value.write(out, depth + 1);
            }),
            Self::Unknown(value) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{value}");
            }
        }
    }
}

fn block<T>(
    out: &mut String,
    depth: usize,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    each: impl Fn(&mut String, T),
) {
    out.push(open);
    out.push('\n');
    for item in items {
        out.push_str(&"  ".repeat(depth + 1));
        each(out, item);
        out.push_str(",\n");
    }
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl PolicyDocument {
    pub(super) fn tree(&self) -> Node<'_> {
        let mut fields = Vec::with_capacity(3);
        push_text(&mut fields, "Version", self.0.version.as_deref());
        push_text(&mut fields, "Id", self.0.id.as_deref());
        let statements = self.0.statements.iter().map(Statement::tree).collect();
        fields.push(("Statement", Node::List(statements)));
        fields.extend(unknown(&self.0.other));
        Node::Object(fields)
    }
}

impl Statement {
    pub(super) fn tree(&self) -> Node<'_> {
        let mut fields = Vec::with_capacity(5);
        push_text(&mut fields, "Sid", self.sid.as_deref());
        fields.push(("Effect", Node::Text(self.effect.as_str())));
        push_principals(&mut fields, "Principal", self.principal.as_ref());
        push_principals(&mut fields, "NotPrincipal", self.not_principal.as_ref());
        push_words(&mut fields, "Action", self.action.as_deref());
        push_words(&mut fields, "NotAction", self.not_action.as_deref());
        push_strings(&mut fields, "Resource", self.resource.as_deref());
        push_strings(&mut fields, "NotResource", self.not_resource.as_deref());
        if !self.condition.is_empty() {
            let operators = self.condition.iter().map(|(operator, tests)| {
                let tests = tests
                    .iter()
                    .map(|(key, values)| (key.0.as_str(), Node::Values(Strings::Names(values))));
                (operator.0.as_str(), Node::Object(tests.collect()))
            });
            fields.push(("Condition", Node::Object(operators.collect())));
        }
        fields.extend(unknown(&self.other));
        Node::Object(fields)
    }
}

type Fields<'a> = Vec<(&'a str, Node<'a>)>;

fn push_text<'a>(fields: &mut Fields<'a>, name: &'a str, text: Option<&'a str>) {
    fields.extend(text.map(|text| (name, Node::Text(text))));
}

fn push_words<'a>(fields: &mut Fields<'a>, name: &'a str, words: Option<&'a [Folded]>) {
    fields.extend(words.map(|words| (name, Node::Strings(Strings::Words(words)))));
}

fn push_strings<'a>(fields: &mut Fields<'a>, name: &'a str, items: Option<&'a [Name]>) {
    fields.extend(items.map(|items| (name, Node::Strings(Strings::Names(items)))));
}

fn push_principals<'a>(fields: &mut Fields<'a>, name: &'a str, principals: Option<&'a Principals>) {
    let object = |principals: &'a Principals| {
        let kinds = principals.iter();
        let kinds = kinds.map(|(kind, names)| (kind.as_str(), Node::Strings(Strings::Names(names))));
        Node::Object(kinds.collect())
    };
    fields.extend(principals.map(|principals| (name, object(principals))));
}

fn unknown(other: &BTreeMap<String, Value>) -> impl Iterator<Item = (&str, Node<'_>)> {
    other
        .iter()
        .map(|(key, value)| (key.as_str(), Node::Unknown(value)))
}
