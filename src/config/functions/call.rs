//! One call: its arguments, taken by type, and what is said about them.

use std::rc::Rc;

use hcl::edit::Number;

use super::Function;
use crate::config::context::Context;
use crate::config::value::{Entry, Kind, Value, text_size};
use crate::diag::{Diagnostic, Span};

/// A call whose arguments have their values.
pub(in crate::config) struct Call<'a, 'b> {
    pub context: &'a mut Context<'b>,
    pub function: &'static Function,
    pub span: Span,
    pub arguments: Vec<Argument>,
}

/// A value and the expression that was given for it; the value itself may come from elsewhere.
#[derive(Clone)]
pub(in crate::config) struct Argument {
    pub value: Value,
    pub span: Span,
}

/// Why there is no value; nothing in it where that was said before.
pub(in crate::config) struct Fault(pub Option<Box<Diagnostic>>);

pub(in crate::config) type Outcome = Result<Value, Fault>;

impl Call<'_, '_> {
    /// The number of arguments.
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The value of an argument; null where there is none.
    pub fn value(&self, index: usize) -> Value {
        match self.arguments.get(index) {
            Some(argument) => argument.value.clone(),
            None => Value::new(Kind::Null, self.span),
        }
    }

    /// Something wrong with an argument: the message goes behind the function's name.
    pub fn fault(&self, index: usize, message: impl AsRef<str>) -> Fault {
        let message = format!("`{}`: {}", self.function.name, message.as_ref());
        let refusal = Diagnostic::error("wrong_argument", message);
        Fault(Some(Box::new(match self.arguments.get(index) {
            Some(argument) => refusal.at(argument.span).from_elsewhere(argument.value.span),
            None => refusal.at(self.span),
        })))
    }

    /// The same, with what to do next.
    pub fn fault_with(&self, index: usize, message: impl AsRef<str>, help: impl Into<String>) -> Fault {
        let mut fault = self.fault(index, message);
        if let Some(diagnostic) = &mut fault.0 {
            diagnostic.help = Some(help.into());
        }
        fault
    }

    /// An argument of the wrong type; silent about what was refused before.
    pub fn wrong_type(&self, index: usize, expected: &str, found: &Value) -> Fault {
        if found.is_invalid() {
            return Fault(None);
        }
        let parameter = self.function.parameter(index);
        self.fault_with(
            index,
            format!(
                "expected {expected} as `{parameter}`, found {}",
                found.type_name()
            ),
            format!("write: {}", self.function.signature()),
        )
    }

    /// Pays for what is about to be made.
    pub fn charge(&mut self, units: usize) -> Result<(), Fault> {
        if self.context.charge(units, self.span) {
            Ok(())
        } else {
            Err(Fault(None))
        }
    }

    /// Pays for a text of so many bytes.
    pub fn charge_text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.charge(text_size(bytes))
    }

    /// A string, or a number or bool as its text.
    pub fn text(&self, index: usize) -> Result<Rc<str>, Fault> {
        let value = self.value(index);
        value
            .to_text()
            .ok_or_else(|| self.wrong_type(index, "a string", &value))
    }

    /// A number, or the text of one.
    pub fn number(&self, index: usize) -> Result<Number, Fault> {
        let value = self.value(index);
        as_number(&value).ok_or_else(|| self.wrong_type(index, "a number", &value))
    }

    /// A number as a float.
    pub fn float(&self, index: usize) -> Result<f64, Fault> {
        Ok(self.number(index)?.as_f64().unwrap_or_default())
    }

    /// A whole number.
    pub fn integer(&self, index: usize) -> Result<i128, Fault> {
        let number = self.number(index)?;
        as_integer(number).ok_or_else(|| {
            let parameter = self.function.parameter(index);
            self.fault(
                index,
                format!("expected a whole number as `{parameter}`, found {number}"),
            )
        })
    }

    /// The items of a list or a set.
    pub fn items(&self, index: usize) -> Result<Vec<Value>, Fault> {
        let value = self.value(index);
        match value.items() {
            Some(items) => Ok(items.to_vec()),
            None => Err(self.wrong_type(index, "a list", &value)),
        }
    }

    /// The items of a list or a set, each as its text.
    pub fn texts(&self, index: usize) -> Result<Vec<Rc<str>>, Fault> {
        let items = self.items(index)?;
        items
            .iter()
            .map(|item| {
                item.to_text()
                    .ok_or_else(|| self.wrong_type(index, "a list of strings", item).inside())
            })
            .collect()
    }

    /// The entries of an object, sorted by key.
    pub fn entries(&self, index: usize) -> Result<Rc<[Entry]>, Fault> {
        let value = self.value(index);
        match &value.kind {
            Kind::Object(entries) => Ok(Rc::clone(entries)),
            _ => Err(self.wrong_type(index, "an object", &value)),
        }
    }

    /// The result, as text.
    pub fn string(&self, text: impl AsRef<str>) -> Outcome {
        Ok(Value::string(text.as_ref(), self.span))
    }

    /// The result, as a bool.
    pub fn bool(&self, value: bool) -> Outcome {
        Ok(Value::new(Kind::Bool(value), self.span))
    }

    /// The result, as a whole number.
    pub fn whole(&self, value: i128) -> Outcome {
        self.result(from_integer(value))
    }

    /// The result, as a number; `None` is what no number can be.
    pub fn result(&self, number: Option<Number>) -> Outcome {
        match number {
            Some(number) => Ok(Value::new(Kind::Number(number), self.span)),
            None => {
                let message = format!(
                    "`{}`: the result is not a number, or too large for one",
                    self.function.name
                );
                let refusal = Diagnostic::error("arithmetic", message).at(self.span);
                Err(Fault(Some(Box::new(refusal))))
            }
        }
    }

    /// The result, as a list.
    pub fn list(&self, items: Vec<Value>) -> Outcome {
        Ok(Value::list(items, self.span))
    }
}

impl Fault {
    /// The wrong thing lies within the argument.
    fn inside(mut self) -> Self {
        if let Some(diagnostic) = &mut self.0 {
            diagnostic.message.push_str(" in it");
        }
        self
    }
}

/// The number that a value is, or that its text spells.
pub(in crate::config) fn as_number(value: &Value) -> Option<Number> {
    match &value.kind {
        Kind::Number(number) => Some(*number),
        Kind::String(text) => parse_number(text),
        _ => None,
    }
}

/// Decimal notation alone: neither `inf` nor `0x10`.
fn parse_number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    let is_plain = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    text.chars()
        .all(is_plain)
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .and_then(Number::from_f64)
}

/// A number without a fraction.
pub(in crate::config) fn as_integer(number: Number) -> Option<i128> {
    let positive = number.as_u64().map(i128::from);
    positive.or_else(|| number.as_i64().map(i128::from))
}

/// Beyond 64 bits as a float, as arithmetic does.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers beyond 64 bits are floats here"
)]
pub(in crate::config) fn from_integer(value: i128) -> Option<Number> {
    let positive = u64::try_from(value).ok().map(Number::from);
    positive
        .or_else(|| i64::try_from(value).ok().map(Number::from))
        .or_else(|| Number::from_f64(value as f64))
}
