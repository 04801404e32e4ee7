//! Type constraints of variables, as in Terraform: what a value has to be, and what becomes of it.
//!
//! <https://developer.hashicorp.com/terraform/language/expressions/type-constraints>

use std::collections::BTreeMap;
use std::fmt;

use hcl::edit::expr::{Expression, FuncCall, Object, ObjectKey};

use super::context::{Context, expression_span, key_span};
use super::eval::Evaluator;
use super::functions::{as_bool, as_number};
use super::value::{Entry, Kind, Value};
use crate::diag::{Diagnostic, Span, quote, suggestion};

const KINDS: [&str; 10] = [
    "any", "bool", "list", "map", "number", "object", "optional", "set", "string", "tuple",
];

/// What a value has to be.
pub(super) enum Type {
    Any,
    Bool,
    Number,
    String,
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>),
    Tuple(Vec<Self>),
    Object(BTreeMap<String, Attribute>),
}

/// One attribute of an object type.
pub(super) struct Attribute {
    of: Type,
    /// May be absent: then it has this value.
    optional: Option<Value>,
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("any value"),
            Self::Bool => formatter.write_str("a bool"),
            Self::Number => formatter.write_str("a number"),
            Self::String => formatter.write_str("a string"),
            Self::List(_) => formatter.write_str("a list"),
            Self::Set(_) => formatter.write_str("a set"),
            Self::Map(_) => formatter.write_str("a map"),
            Self::Tuple(items) => write!(formatter, "a list of {}", items.len()),
            Self::Object(_) => formatter.write_str("an object"),
        }
    }
}

/// Reads a constraint such as `map(object({ ips = list(string), limit = optional(number, 20) }))`. `None` once what is
/// wrong with it was reported.
pub(super) fn parse(context: &mut Context<'_>, file: usize, expression: &Expression) -> Option<Type> {
    let span = expression_span(file, expression);
    match expression {
        Expression::Variable(name) => match name.as_str() {
            "any" => Some(Type::Any),
            "bool" => Some(Type::Bool),
            "number" => Some(Type::Number),
            "string" => Some(Type::String),
            // Terraform reads these so, for old files.
            "list" => Some(Type::List(Box::new(Type::Any))),
            "set" => Some(Type::Set(Box::new(Type::Any))),
            "map" => Some(Type::Map(Box::new(Type::Any))),
            other => refuse(context, span, other),
        },
        Expression::FuncCall(call) => of_call(context, file, call, span),
        Expression::String(text) => {
            let message = "a type is written without quotes";
            context.push(
                Diagnostic::error("wrong_type", message)
                    .at(span)
                    .help(format!("write: type = {}", text.as_str())),
            );
            None
        }
        _ => refuse(context, span, ""),
    }
}

fn refuse(context: &mut Context<'_>, span: Span, name: &str) -> Option<Type> {
    let help = suggestion(name, KINDS).unwrap_or_else(|| {
        "types are string, number, bool, any, list(..), set(..), map(..), object({..}) and tuple([..])"
            .to_owned()
    });
    context.push(
        Diagnostic::error("wrong_type", "this is no type")
            .at(span)
            .help(help),
    );
    None
}

fn of_call(context: &mut Context<'_>, file: usize, call: &FuncCall, span: Span) -> Option<Type> {
    let name = call.name.name.as_str();
    let arguments: Vec<&Expression> = call.args.iter().collect();
    match (name, arguments.as_slice()) {
        ("list", [of]) => Some(Type::List(Box::new(parse(context, file, of)?))),
        ("set", [of]) => Some(Type::Set(Box::new(parse(context, file, of)?))),
        ("map", [of]) => Some(Type::Map(Box::new(parse(context, file, of)?))),
        ("tuple", [Expression::Array(items)]) => {
            let items = items.iter().map(|item| parse(context, file, item));
            Some(Type::Tuple(items.collect::<Option<_>>()?))
        }
        ("object", [Expression::Object(object)]) => of_object(context, file, object),
        ("optional", _) => {
            let message = "`optional` stands for an attribute of `object({..})` only";
            context.push(Diagnostic::error("wrong_type", message).at(span));
            None
        }
        _ => refuse(context, span, name),
    }
}

fn of_object(context: &mut Context<'_>, file: usize, object: &Object) -> Option<Type> {
    let mut attributes = BTreeMap::new();
    for (key, value) in object {
        let name = match key {
            ObjectKey::Ident(name) => name.as_str().to_owned(),
            ObjectKey::Expression(Expression::String(name)) => name.as_str().to_owned(),
            ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
            ObjectKey::Expression(_) => return refuse(context, key_span(file, key), ""),
        };
        let attribute = match value.expr() {
            Expression::FuncCall(call) if call.name.name.as_str() == "optional" => {
                optional(context, file, call, &name)?
            }
            expression => Attribute {
                of: parse(context, file, expression)?,
                optional: None,
            },
        };
        attributes.insert(name, attribute);
    }
    Some(Type::Object(attributes))
}

/// `optional(TYPE)` or `optional(TYPE, DEFAULT)`.
fn optional(context: &mut Context<'_>, file: usize, call: &FuncCall, name: &str) -> Option<Attribute> {
    let arguments: Vec<&Expression> = call.args.iter().collect();
    let (of, default) = match arguments.as_slice() {
        [of] => (*of, None),
        [of, default] => (*of, Some(*default)),
        _ => {
            let message = "`optional` needs a type, and may have a default: optional(string, \"x\")";
            let place = super::context::span_in(file, hcl::edit::Span::span(&call.name.name));
            context.push(Diagnostic::error("wrong_type", message).at(place));
            return None;
        }
    };
    let span = expression_span(file, of);
    let of = parse(context, file, of)?;
    let default = match default {
        Some(expression) => {
            let value = Evaluator::new(context, file).eval(expression);
            convert(context, value, &of, name)
        }
        None => Value::new(Kind::Null, span),
    };
    Some(Attribute {
        of,
        optional: Some(default),
    })
}

/// Makes a value of a type: numbers and bools of their texts and the other way round, sets of lists, absent optional
/// attributes. What cannot be is reported, with `path` as the name of the value.
pub(super) fn convert(context: &mut Context<'_>, value: Value, of: &Type, path: &str) -> Value {
    let span = value.span;
    if matches!(value.kind, Kind::Null | Kind::Invalid) || !context.charge(1, span) {
        return value;
    }
    let converted = match (of, &value.kind) {
        (Type::Any, _)
        | (Type::Bool, Kind::Bool(_))
        | (Type::Number, Kind::Number(_))
        | (Type::String, Kind::String(_)) => return value,
        (Type::Bool, _) => as_bool(&value).map(|it| Value::new(Kind::Bool(it), span)),
        (Type::Number, _) => as_number(&value).map(|it| Value::new(Kind::Number(it), span)),
        (Type::String, _) => value.to_text().map(|it| Value::string(&it, span)),
        (Type::List(of), Kind::List(items) | Kind::Set(items)) => {
            Some(Value::list(each(context, items, |_| Some(of), path), span))
        }
        (Type::Set(of), Kind::List(items) | Kind::Set(items)) => {
            Some(Value::set(each(context, items, |_| Some(of), path), span))
        }
        (Type::Tuple(of), Kind::List(items)) if items.len() == of.len() => {
            Some(Value::list(each(context, items, |n| of.get(n), path), span))
        }
        (Type::Map(of), Kind::Object(entries)) => {
            let entry = |entry: &Entry| Entry {
                value: convert(
                    context,
                    entry.value.clone(),
                    of,
                    &format!("{path}[{}]", quote(&entry.key)),
                ),
                ..entry.clone()
            };
            Some(Value::object(entries.iter().map(entry).collect(), span))
        }
        (Type::Object(attributes), Kind::Object(entries)) => {
            Some(object(context, attributes, entries, (span, path)))
        }
        _ => None,
    };
    converted.unwrap_or_else(|| {
        let found = match (of, value.items()) {
            (Type::Tuple(_), Some(items)) => format!("a list of {}", items.len()),
            _ => value.type_name().to_owned(),
        };
        let message = format!("{} has to be {of}, and is {found}", quote(path));
        context.refuse(Diagnostic::error("wrong_type", message).at(span))
    })
}

fn each<'t>(
    context: &mut Context<'_>,
    items: &[Value],
    of: impl Fn(usize) -> Option<&'t Type>,
    path: &str,
) -> Vec<Value> {
    let items = items.iter().enumerate();
    items
        .map(|(n, item)| match of(n) {
            Some(of) => convert(context, item.clone(), of, &format!("{path}[{n}]")),
            None => item.clone(),
        })
        .collect()
}

fn object(
    context: &mut Context<'_>,
    attributes: &BTreeMap<String, Attribute>,
    entries: &[Entry],
    (span, path): (Span, &str),
) -> Value {
    let given: BTreeMap<&str, &Entry> = entries.iter().map(|entry| (&*entry.key, entry)).collect();
    for entry in entries
        .iter()
        .filter(|entry| !attributes.contains_key(&*entry.key))
    {
        let message = format!(
            "the type of {} has no attribute {}, so nothing can use it",
            quote(path),
            quote(&entry.key)
        );
        let mut warning = Diagnostic::warning("unused_attribute", message).at(entry.key_span);
        warning.help = suggestion(&entry.key, attributes.keys().map(String::as_str));
        context.push(warning);
    }
    let mut converted = Vec::new();
    for (name, attribute) in attributes {
        let (value, key_span) = match (given.get(name.as_str()), &attribute.optional) {
            // Null takes the default as well, as in Terraform.
            (Some(entry), Some(default)) if matches!(entry.value.kind, Kind::Null) => {
                (default.clone(), entry.key_span)
            }
            (Some(entry), _) => {
                let path = format!("{path}.{name}");
                let value = convert(context, entry.value.clone(), &attribute.of, &path);
                (value, entry.key_span)
            }
            (None, Some(default)) => (default.clone(), default.span),
            (None, None) => {
                let message = format!(
                    "{} has no attribute {}, which its type asks for",
                    quote(path),
                    quote(name)
                );
                (
                    context.refuse(Diagnostic::error("missing_argument", message).at(span)),
                    span,
                )
            }
        };
        if !context.charge(value.size, span) {
            return Value::invalid(span);
        }
        converted.push(Entry {
            key: name.as_str().into(),
            key_span,
            value,
        });
    }
    Value::object(converted, span)
}
