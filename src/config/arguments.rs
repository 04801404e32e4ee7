//! The arguments of a block or of an object, taken one by one; what is left over is unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hcl::edit::Span as _;
use hcl::edit::structure::Structure;

use super::context::{Context, span_in};
use super::eval::Evaluator;
use super::table::{Block, TENANT};
use super::value::{Entry, Kind, Value};
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// Arguments that were written down, by name.
pub(super) struct Arguments {
    /// What they belong to, for messages, such as ``tenant `client01` ``.
    pub owner: String,
    /// Where the owner begins.
    pub span: Span,
    given: BTreeMap<String, Argument>,
    /// What its owner may be given.
    table: &'static Block,
    /// Names beyond the table.
    pub besides: &'static [&'static str],
    /// Arguments that were refused.
    pub invalid: BTreeSet<&'static str>,
    /// The places of the arguments that were taken.
    pub places: BTreeMap<&'static str, Span>,
}

struct Argument {
    name_span: Span,
    value: Value,
}

impl Arguments {
    /// The arguments of a block. A nested block is an argument whose value is an object.
    pub fn of_block(
        context: &mut Context<'_>,
        (file, block): (usize, &hcl::edit::structure::Block),
        table: &'static Block,
        owner: String,
        span: Span,
    ) -> Self {
        let entries = block_entries(context, file, block, &[]);
        Self::new(&entries, table, owner, span)
    }

    /// The arguments of a tenant's block with `for_each`, for one element of it; names stand for what is in `bindings`.
    pub fn of_each(
        context: &mut Context<'_>,
        (file, block): (usize, &hcl::edit::structure::Block),
        owner: String,
        span: Span,
        bindings: &[(Rc<str>, Value)],
    ) -> Self {
        let entries = block_entries(context, file, block, bindings);
        Self::new(&entries, &TENANT, owner, span)
    }

    /// The arguments of an object; none, once reported, where the value is something else.
    pub fn of_value(
        context: &mut Context<'_>,
        value: &Value,
        table: &'static Block,
        owner: String,
        span: Span,
    ) -> Option<Self> {
        match &value.kind {
            Kind::Object(entries) => Some(Self::new(entries, table, owner, span)),
            Kind::Invalid => None,
            _ => {
                wrong_type(context, &owner, "an object", value);
                None
            }
        }
    }

    fn new(entries: &[Entry], table: &'static Block, owner: String, span: Span) -> Self {
        let mut given: BTreeMap<String, Argument> = BTreeMap::new();
        for entry in entries {
            // A key given twice was reported where the entries were made.
            if given.contains_key(&*entry.key) {
                continue;
            }
            let argument = Argument {
                name_span: entry.key_span,
                value: entry.value.clone(),
            };
            given.insert(entry.key.to_string(), argument);
        }
        Self {
            owner,
            span,
            given,
            table,
            besides: &[],
            invalid: BTreeSet::new(),
            places: BTreeMap::new(),
        }
    }

    /// Takes an argument; `null` is as good as absent, and an invalid one is remembered as such.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        debug_assert!(
            self.is_known(name),
            "{name} is not in the table of {}",
            self.table.name
        );
        self.take_unlisted(name)
    }

    /// The same for what is taken to be refused: it is suggested to nobody.
    pub fn take_unlisted(&mut self, name: &'static str) -> Option<Value> {
        let argument = self.given.remove(name)?;
        self.places.insert(name, argument.name_span);
        match argument.value.kind {
            Kind::Null => None,
            Kind::Invalid => {
                self.invalid.insert(name);
                None
            }
            _ => Some(argument.value),
        }
    }

    /// Takes a string.
    pub fn string(&mut self, context: &mut Context<'_>, name: &'static str) -> Option<(String, Span)> {
        let value = self.take(name)?;
        match &value.kind {
            Kind::String(text) => Some((text.to_string(), value.span)),
            _ => self.refuse_type(context, name, "a string", &value),
        }
    }

    /// Takes a bool.
    pub fn bool(&mut self, context: &mut Context<'_>, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        match value.kind {
            Kind::Bool(value) => Some(value),
            _ => self.refuse_type(context, name, "a bool", &value),
        }
    }

    /// Takes one of a fixed set of words.
    pub fn word<T: Copy>(
        &mut self,
        context: &mut Context<'_>,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Option<(T, Span)> {
        let (text, span) = self.string(context, name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some((*value, span));
        }
        let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let expected = format!("expected one of {}", all.join(", "));
        let help = match suggestion(&text, words.iter().map(|(word, _)| *word)) {
            Some(suggestion) => format!("{suggestion} ({expected})"),
            None => expected,
        };
        self.refuse(
            context,
            name,
            Diagnostic::error("unknown_value", format!("`{name}` cannot be {}", quote(&text)))
                .at(span)
                .help(help),
        )
    }

    /// Takes a list's items.
    pub fn list(&mut self, context: &mut Context<'_>, name: &'static str) -> Option<Vec<Value>> {
        let value = self.take(name)?;
        match value.items() {
            Some(items) => Some(items.to_vec()),
            None => self.refuse_type(context, name, "a list", &value),
        }
    }

    /// Reports a value of the wrong type.
    pub fn refuse_type<T>(
        &mut self,
        context: &mut Context<'_>,
        name: &'static str,
        expected: &str,
        found: &Value,
    ) -> Option<T> {
        self.invalid.insert(name);
        if !found.is_invalid() {
            let mut refusal = type_error(&format!("`{name}`"), expected, found);
            refusal.help.get_or_insert_with(|| self.example(name, "write"));
            context.push(refusal);
        }
        None
    }

    fn is_known(&self, name: &str) -> bool {
        self.table.argument(name).is_some() || self.besides.contains(&name)
    }

    /// How an argument is written.
    fn example(&self, name: &str, verb: &str) -> String {
        let example = self
            .table
            .argument(name)
            .map_or("..", |argument| argument.example);
        format!("{verb}: {name} = {example}")
    }

    /// Reports what is wrong with an argument.
    pub fn refuse<T>(
        &mut self,
        context: &mut Context<'_>,
        name: &'static str,
        diagnostic: Diagnostic,
    ) -> Option<T> {
        self.invalid.insert(name);
        context.push(diagnostic);
        None
    }

    /// Reports an argument that has to be there and is not.
    pub fn missing(&mut self, context: &mut Context<'_>, name: &'static str) {
        let help = match name {
            "name" => "add: name = \"client01\"".to_owned(),
            _ => self.example(name, "add"),
        };
        if self.invalid.insert(name) {
            context.push(
                Diagnostic::error("missing_argument", format!("{} has no `{name}`", self.owner))
                    .at(self.span)
                    .help(help),
            );
        }
    }

    /// Reports what nobody took.
    pub fn finish(&mut self, context: &mut Context<'_>) {
        for (name, argument) in std::mem::take(&mut self.given) {
            let mut refusal = Diagnostic::error(
                "unknown_argument",
                format!("{} has no argument {}", self.owner, quote(&name)),
            )
            .at(argument.name_span);
            let known = || self.table.names().chain(self.besides.iter().copied());
            let near = suggestion(&name, known());
            // Most likely this is what was meant: its absence is no second mistake.
            let meant = near.as_deref().unwrap_or_default();
            self.invalid
                .extend(known().filter(|known| meant.contains(&quote(known))));
            refusal.help = Some(match (of_terraform(&name), near) {
                (Some(help), None) => help.to_owned(),
                (_, Some(near)) => near,
                (None, None) => format!("its arguments are {}", known().collect::<Vec<_>>().join(", ")),
            });
            context.push(refusal);
        }
    }
}

/// What to do about arguments that Terraform gives to everything.
fn of_terraform(name: &str) -> Option<&'static str> {
    Some(match name {
        "count" => "write `for_each = toset([..])` with the tenants' names; `each.key` is the name",
        "for_each" => "only a tenant block has `for_each`",
        "name" => "the block's label is the name; `name` exists beside `for_each`",
        "depends_on" => "leave it away: the order of steps is fixed, and needs no help",
        "lifecycle" => {
            "leave it away: data outlives its tenant unless `deletion_policy = \"delete\"` was applied before"
        }
        "provider" | "providers" => "leave it away: the `cluster` block says where to connect",
        "tags" => "there are no tags of your own: what is ours is marked with the workspace and the tenant",
        _ => return None,
    })
}

/// `expected .., found ..`; silent about a value that was refused before.
pub(super) fn wrong_type(context: &mut Context<'_>, what: &str, expected: &str, found: &Value) {
    if !found.is_invalid() {
        context.push(type_error(what, expected, found));
    }
}

fn type_error(what: &str, expected: &str, found: &Value) -> Diagnostic {
    let message = format!("{what}: expected {expected}, found {}", found.type_name());
    let mut refusal = Diagnostic::error("wrong_type", message).at(found.span);
    refusal.help = match (expected, &found.kind) {
        ("a bool", Kind::String(text)) if matches!(&**text, "true" | "false") => {
            Some(format!("without quotes: {text}"))
        }
        ("a bool", _) => Some("write true or false, without quotes".to_owned()),
        ("a string", Kind::Number(_) | Kind::Bool(_)) => {
            found.to_text().map(|text| format!("in quotes: \"{text}\""))
        }
        ("a string", _) => Some("a string stands in quotes".to_owned()),
        ("an object", _) => Some("an object stands in braces: { name = value }".to_owned()),
        _ => None,
    };
    refusal
}

fn block_entries(
    context: &mut Context<'_>,
    file: usize,
    block: &hcl::edit::structure::Block,
    bindings: &[(Rc<str>, Value)],
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut seen: BTreeMap<Rc<str>, Span> = BTreeMap::new();
    for structure in &block.body {
        let (key_span, value) = match structure {
            // Evaluated once, before there are elements.
            Structure::Attribute(attribute) if !bindings.is_empty() && attribute.has_key("for_each") => {
                continue;
            }
            Structure::Attribute(attribute) => {
                let value = Evaluator::with(context, file, bindings).eval(&attribute.value);
                (span_in(file, attribute.key.span()), value)
            }
            Structure::Block(inner) if inner.has_ident("dynamic") => {
                context.push(
                    Diagnostic::error("unknown_block", "there is no `dynamic` block")
                        .at(span_in(file, inner.ident.span()))
                        .help("a nested block can be written as an argument: handover = condition ? { recipient = \"..\" } : null"),
                );
                continue;
            }
            Structure::Block(inner) => {
                let span = span_in(file, inner.ident.span());
                if let Some(label) = inner.labels.first() {
                    let message = format!("a {} block has no label", quote(inner.ident.as_str()));
                    context.push(Diagnostic::error("wrong_labels", message).at(span_in(file, label.span())));
                }
                // The parser bounds how deep blocks nest.
                let entries = block_entries(context, file, inner, bindings);
                (span, Value::object(entries, span))
            }
        };
        let key: Rc<str> = context.name_at(key_span).into();
        if let Some(first) = seen.get(&key) {
            context.push(
                Diagnostic::error("duplicate_argument", format!("{} is given twice", quote(&key)))
                    .at(key_span)
                    .related(*first, "first given here"),
            );
            continue;
        }
        seen.insert(Rc::clone(&key), key_span);
        entries.push(Entry { key, key_span, value });
    }
    entries
}
