//! From the canonical form to text, for the wire and for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{PolicyDocument, Principals, Statement};

/// A document as a tree whose keys have an order.
pub(super) enum Node {
    Text(String),
    /// Strings; on the wire a list of one is a string.
    Strings(Vec<String>),
    /// The values of a condition: a list over many lines even when there is one, so that a second adds one line.
    Values(Vec<String>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    /// What this program does not know.
    Unknown(Value),
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Strings(items) | Self::Values(items) => match items.as_slice() {
                [single] => serializer.serialize_str(single),
                many => many.serialize(serializer),
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

impl Node {
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
            Self::Strings(items) if items.len() == 1 => out.push_str(&quoted(&items[0])),
            Self::Strings(items) | Self::Values(items) => {
                block(out, depth, '[', ']', items, |out, item| {
                    out.push_str(&quoted(item));
                });
            }
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
    items: &[T],
    each: impl Fn(&mut String, &T),
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
    pub(super) fn tree(&self) -> Node {
        let mut fields = Vec::new();
        push_text(&mut fields, "Version", self.version.as_ref());
        push_text(&mut fields, "Id", self.id.as_ref());
        let statements = self.statements.iter().map(Statement::tree).collect();
        fields.push(("Statement".to_owned(), Node::List(statements)));
        fields.extend(unknown(&self.other));
        Node::Object(fields)
    }
}

impl Statement {
    pub(super) fn tree(&self) -> Node {
        let mut fields = Vec::new();
        push_text(&mut fields, "Sid", self.sid.as_ref());
        fields.push(("Effect".to_owned(), Node::Text(self.effect.as_str().to_owned())));
        push_principals(&mut fields, "Principal", self.principal.as_ref());
        push_principals(&mut fields, "NotPrincipal", self.not_principal.as_ref());
        let folded = |words: &BTreeSet<super::Folded>| words.iter().map(|word| word.0.clone()).collect();
        push_strings(&mut fields, "Action", self.action.as_ref().map(folded));
        push_strings(&mut fields, "NotAction", self.not_action.as_ref().map(folded));
        let plain = |items: &BTreeSet<String>| items.iter().cloned().collect();
        push_strings(&mut fields, "Resource", self.resource.as_ref().map(plain));
        push_strings(&mut fields, "NotResource", self.not_resource.as_ref().map(plain));
        if !self.condition.is_empty() {
            let operators = self.condition.iter().map(|(operator, tests)| {
                let tests = tests
                    .iter()
                    .map(|(key, values)| (key.0.clone(), Node::Values(values.iter().cloned().collect())));
                (operator.0.clone(), Node::Object(tests.collect()))
            });
            fields.push(("Condition".to_owned(), Node::Object(operators.collect())));
        }
        fields.extend(unknown(&self.other));
        Node::Object(fields)
    }
}

type Fields = Vec<(String, Node)>;

fn push_text(fields: &mut Fields, name: &str, text: Option<&String>) {
    fields.extend(text.map(|text| (name.to_owned(), Node::Text(text.clone()))));
}

fn push_strings(fields: &mut Fields, name: &str, items: Option<Vec<String>>) {
    fields.extend(items.map(|items| (name.to_owned(), Node::Strings(items))));
}

fn push_principals(fields: &mut Fields, name: &str, principals: Option<&Principals>) {
    let object = |principals: &Principals| {
        let kinds = principals
            .iter()
            .map(|(kind, names)| (kind.clone(), Node::Strings(names.iter().cloned().collect())));
        Node::Object(kinds.collect())
    };
    fields.extend(principals.map(|principals| (name.to_owned(), object(principals))));
}

fn unknown(other: &std::collections::BTreeMap<String, Value>) -> impl Iterator<Item = (String, Node)> {
    other
        .iter()
        .map(|(key, value)| (key.clone(), Node::Unknown(value.clone())))
}
