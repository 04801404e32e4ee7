//! From the canonical form to text, for the wire and for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Conditions, Folded, Policy, Principals, Statement, Tests};
use crate::address::Name;

/// An element of a document. What is in it is listed when somebody looks, in the order of the text.
pub(super) enum Node<'a> {
    Text(&'a str),
    /// Strings; on the wire a list of one is a string.
    Strings(Strings<'a>),
    /// The values of a condition: a list over many lines even when there is one, so that a second adds one line.
    Values(Strings<'a>),
    Statements(&'a [Statement]),
    Object(&'a dyn Fields),
    /// What this program does not know.
    Unknown(&'a Value),
}

/// What has elements with names.
pub(super) trait Fields {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>));
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
            Self::Statements(items) => serializer.collect_seq(items.iter().map(|item| Node::Object(item))),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(None)?;
                let mut written = Ok(());
                object.each(&mut |key, value| {
                    if written.is_ok() {
                        written = map.serialize_entry(key, &value);
                    }
                });
                written?;
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
                _ => block(out, depth, ('[', ']'), |line| {
                    for item in items.iter() {
                        line(&|out| out.push_str(&quoted(item)));
                    }
                }),
            },
            Self::Statements(items) => block(out, depth, ('[', ']'), |line| {
                for item in *items {
                    line(&|out| Node::Object(item).write(out, depth + 1));
                }
            }),
            Self::Object(object) => block(out, depth, ('{', '}'), |line| {
                object.each(&mut |key, value| {
                    line(&|out| {
                        out.push_str(&quoted(key));
                        out.push_str(": ");
                        value.write(out, depth + 1);
                    });
                });
            }),
            Self::Unknown(value) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{value}");
            }
        }
    }
}

/// Brackets around lines: each is what was written by what it is made of.
fn block(
    out: &mut String,
    depth: usize,
    (open, close): (char, char),
    lines: impl FnOnce(&mut dyn FnMut(&dyn Fn(&mut String))),
) {
    out.push(open);
    out.push('\n');
    lines(&mut |write| {
        out.push_str(&"  ".repeat(depth + 1));
        write(out);
        out.push_str(",\n");
    });
    out.push_str(&"  ".repeat(depth));
    out.push(close);
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Fields for Policy {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
        text("Version", self.version.as_deref(), visit);
        text("Id", self.id.as_deref(), visit);
        visit("Statement", Node::Statements(&self.statements));
        unknown(&self.other, visit);
    }
}

impl Fields for Statement {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
        text("Sid", self.sid.as_deref(), visit);
        visit("Effect", Node::Text(self.effect.as_str()));
        let principals = [
            ("Principal", &self.principal),
            ("NotPrincipal", &self.not_principal),
        ];
        let words = [("Action", &self.action), ("NotAction", &self.not_action)];
        let names = [("Resource", &self.resource), ("NotResource", &self.not_resource)];
        for (name, principals) in principals {
            if let Some(principals) = principals {
                visit(name, Node::Object(principals));
            }
        }
        for (name, words) in words {
            if let Some(words) = words {
                visit(name, Node::Strings(Strings::Words(words)));
            }
        }
        for (name, names) in names {
            if let Some(names) = names {
                visit(name, Node::Strings(Strings::Names(names)));
            }
        }
        if !self.condition.is_empty() {
            visit("Condition", Node::Object(&self.condition));
        }
        unknown(&self.other, visit);
    }
}

impl Fields for Principals {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
        for (kind, names) in self {
            visit(kind, Node::Strings(Strings::Names(names)));
        }
    }
}

impl Fields for Conditions {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
        for (operator, tests) in self {
            visit(&operator.0, Node::Object(tests));
        }
    }
}

impl Fields for Tests {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
        for (key, values) in self {
            visit(&key.0, Node::Values(Strings::Names(values)));
        }
    }
}

fn text<'a>(name: &'a str, text: Option<&'a str>, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
    if let Some(text) = text {
        visit(name, Node::Text(text));
    }
}

fn unknown<'a>(other: &'a BTreeMap<String, Value>, visit: &mut dyn FnMut(&'a str, Node<'a>)) {
    for (name, value) in other {
        visit(name, Node::Unknown(value));
    }
}
