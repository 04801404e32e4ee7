//! JSON, as Terraform writes it: keys sorted, and `<`, `>` and `&` escaped.

use std::fmt::Write as _;

use hcl::edit::Number;
use serde_json::Value as Json;

use super::call::{Call, Fault, Outcome};
use crate::config::value::{Entry, Kind, Value};
use crate::diag::Span;

/// The JSON text of a value; nothing where a part of it was refused before.
pub(super) fn encode(call: &mut Call<'_, '_>, value: &Value) -> Result<String, Fault> {
    // An escape is six bytes for one, and every item adds a sign or two.
    call.charge(value.size.saturating_mul(6))?;
    let mut text = String::new();
    write(&mut text, value).ok_or(Fault(None))?;
    Ok(text)
}

fn write(text: &mut String, value: &Value) -> Option<()> {
    match &value.kind {
        Kind::Invalid => return None,
        Kind::Null => text.push_str("null"),
        Kind::Bool(value) => write!(text, "{value}").ok()?,
        Kind::Number(number) => write!(text, "{number}").ok()?,
        Kind::String(value) => write_text(text, value)?,
        Kind::List(items) | Kind::Set(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(text, item)?;
            }
            text.push(']');
        }
        Kind::Object(entries) => {
            text.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_text(text, &entry.key)?;
                text.push(':');
                write(text, &entry.value)?;
            }
            text.push('}');
        }
    }
    Some(())
}

fn write_text(text: &mut String, value: &str) -> Option<()> {
    let quoted = serde_json::to_string(value).ok()?;
    for character in quoted.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(text, "\\u{:04x}", u32::from(character)).ok()?
            }
            _ => text.push(character),
        }
    }
    Some(())
}

/// `jsonencode(value)`.
pub(super) fn jsonencode(call: &mut Call<'_, '_>) -> Outcome {
    let value = call.value(0);
    let text = encode(call, &value)?;
    call.string(text)
}

/// `jsondecode(string)`.
pub(super) fn jsondecode(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.charge(text.len() / 2)?;
    match serde_json::from_str(&text) {
        Ok(json) => decode(&json, call.span).ok_or_else(|| call.fault(0, "a number in it is too large")),
        Err(error) => Err(call.fault(0, format!("the text is no JSON: {error}"))),
    }
}

fn decode(json: &Json, span: Span) -> Option<Value> {
    let kind = match json {
        Json::Null => Kind::Null,
        Json::Bool(value) => Kind::Bool(*value),
        Json::Number(number) => {
            let whole = number.as_u64().map(Number::from);
            let whole = whole.or_else(|| number.as_i64().map(Number::from));
            Kind::Number(whole.or_else(|| Number::from_f64(number.as_f64()?))?)
        }
        Json::String(text) => Kind::String(text.as_str().into()),
        Json::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| decode(item, span)).collect();
            return Some(Value::list(items?, span));
        }
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| {
                Some(Entry {
                    key: key.as_str().into(),
                    key_span: span,
                    value: decode(value, span)?,
                })
            };
            let entries: Option<Vec<Entry>> = entries.iter().map(entry).collect();
            return Some(Value::object(entries?, span));
        }
    };
    Some(Value::new(kind, span))
}
