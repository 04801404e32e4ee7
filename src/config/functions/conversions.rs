//! Functions between types.

use hcl::edit::Number;

use super::call::{Call, Outcome, as_number};
use super::{Body, Function};
use crate::config::value::{Entry, Kind, Value};
use crate::diag::quote;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "can",
        parameters: &["expression"],
        meaning: "Whether the expression evaluates without an error",
        body: Body::Can,
    },
    Function::new(
        "tobool",
        &["value"],
        "A bool, or the text `\"true\"` or `\"false\"` as one",
        |call| {
            let value = call.value(0);
            match (&value.kind, as_bool(&value)) {
                (Kind::Null, _) => Ok(value),
                (_, Some(value)) => call.bool(value),
                (Kind::String(text), None) => {
                    Err(call.fault(0, format!("{} is neither \"true\" nor \"false\"", quote(text))))
                }
                _ => Err(call.wrong_type(0, "a bool", &value)),
            }
        },
    ),
    Function::new(
        "tolist",
        &["value"],
        "A set or a list as a list, its items of one type",
        |call| {
            let items = call.items(0)?;
            call.list(unify(items))
        },
    ),
    Function::new("tomap", &["value"], "An object, its values of one type", |call| {
        let entries = call.entries(0)?;
        let values = unify(entries.iter().map(|entry| entry.value.clone()).collect());
        let entries = entries.iter().zip(values).map(|(entry, value)| Entry {
            value,
            ..entry.clone()
        });
        Ok(Value::object(entries.collect(), call.span))
    }),
    Function::new(
        "tonumber",
        &["value"],
        "A number, or the text of one as one",
        |call| {
            let value = call.value(0);
            match (&value.kind, as_number(&value)) {
                (Kind::Null, _) => Ok(value),
                (_, Some(number)) => call.result(Some(number)),
                (Kind::String(text), None) => Err(call.fault(0, format!("{} is no number", quote(text)))),
                _ => Err(call.wrong_type(0, "a number", &value)),
            }
        },
    ),
    Function::new(
        "toset",
        &["value"],
        "The items of a list, sorted, each once",
        |call| {
            let items = call.items(0)?;
            Ok(Value::set(unify(items), call.span))
        },
    ),
    Function::new(
        "tostring",
        &["value"],
        "A string, a number or a bool as text",
        |call| {
            let value = call.value(0);
            match (&value.kind, value.to_text()) {
                (Kind::Null, _) => Ok(value),
                (_, Some(text)) => call.string(text),
                _ => Err(call.wrong_type(0, "a string", &value)),
            }
        },
    ),
    Function {
        name: "try",
        parameters: &["expression", "others..."],
        meaning: "The first of the expressions that evaluates without an error",
        body: Body::Try,
    },
];

/// A bool, or the text of one.
pub(in crate::config) fn as_bool(value: &Value) -> Option<bool> {
    match &value.kind {
        Kind::Bool(value) => Some(*value),
        Kind::String(text) => match &**text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Texts mixed with numbers or bools become texts, as in a list of Terraform, whose items have one type.
pub(super) fn unify(items: Vec<Value>) -> Vec<Value> {
    let is_text = |item: &Value| matches!(item.kind, Kind::String(_));
    let is_scalar = |item: &Value| matches!(item.kind, Kind::Bool(_) | Kind::Number(_));
    if !items.iter().any(is_text) || !items.iter().any(is_scalar) {
        return items;
    }
    let text = |item: Value| match item.to_text() {
        Some(text) => Value::string(&text, item.span),
        None => item,
    };
    items.into_iter().map(text).collect()
}

/// The sum of numbers, exact where all are whole.
pub(super) fn sum(call: &mut Call<'_, '_>) -> Outcome {
    use super::call::{as_integer, from_integer};
    let items = call.items(0)?;
    if items.is_empty() {
        return Err(call.fault(0, "there is no number in the list"));
    }
    let numbers: Result<Vec<Number>, _> = items
        .iter()
        .map(|item| as_number(item).ok_or_else(|| call.wrong_type(0, "a list of numbers", item)))
        .collect();
    let numbers = numbers?;
    let whole: Option<i128> = numbers.iter().map(|number| as_integer(*number)).sum();
    match whole {
        Some(whole) => call.result(from_integer(whole)),
        None => {
            let sum = numbers.iter().filter_map(Number::as_f64).sum();
            call.result(Number::from_f64(sum))
        }
    }
}
