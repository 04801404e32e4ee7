//! Functions over numbers.

use super::Function;
use super::call::{Call, Fault, Outcome, as_integer, from_integer};
use crate::config::value::compare_numbers;
use crate::diag::quote;
use hcl::edit::Number;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abs", &["number"], "The number without its sign", |call| {
        let number = call.number(0)?;
        match as_integer(number) {
            Some(whole) => call.whole(whole.abs()),
            None => call.result(Number::from_f64(call.float(0)?.abs())),
        }
    }),
    Function::new(
        "ceil",
        &["number"],
        "The next whole number that is not smaller",
        |call| rounded(call, f64::ceil),
    ),
    Function::new(
        "floor",
        &["number"],
        "The next whole number that is not larger",
        |call| rounded(call, f64::floor),
    ),
    Function::new("log", &["number", "base"], "The logarithm", |call| {
        let (number, base) = (call.float(0)?, call.float(1)?);
        call.result(Number::from_f64(number.ln() / base.ln()))
    }),
    Function::new("max", &["numbers..."], "The largest", |call| {
        let numbers = all(call)?;
        call.result(numbers.into_iter().max_by(|a, b| compare_numbers(*a, *b)))
    }),
    Function::new("min", &["numbers..."], "The smallest", |call| {
        let numbers = all(call)?;
        call.result(numbers.into_iter().min_by(|a, b| compare_numbers(*a, *b)))
    }),
    Function::new(
        "parseint",
        &["string", "base"],
        "The whole number that a text spells in a base from 2 to 62",
        parseint,
    ),
    Function::new("pow", &["number", "exponent"], "The power", pow),
    Function::new("signum", &["number"], "-1, 0 or 1, by the sign", |call| {
        let number = call.float(0)?;
        call.whole(i128::from(number > 0.0) - i128::from(number < 0.0))
    }),
];

fn rounded(call: &mut Call<'_, '_>, round: fn(f64) -> f64) -> Outcome {
    let number = call.number(0)?;
    match as_integer(number) {
        Some(_) => call.result(Some(number)),
        None => call.result(Number::from_f64(round(call.float(0)?))),
    }
}

fn all(call: &Call<'_, '_>) -> Result<Vec<Number>, Fault> {
    if call.len() == 0 {
        return Err(call.fault_with(
            0,
            "there is no number",
            format!("for the items of a list, write: {}(list...)", call.function.name),
        ));
    }
    (0..call.len()).map(|index| call.number(index)).collect()
}

fn parseint(call: &mut Call<'_, '_>) -> Outcome {
    let (text, base) = (call.text(0)?, call.integer(1)?);
    if !(2..=62).contains(&base) {
        return Err(call.fault(1, "the base is a number from 2 to 62"));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let value = digits.chars().try_fold(0_i128, |value, character| {
        let digit = digit(character, base)?;
        value.checked_mul(base)?.checked_add(digit)
    });
    match value
        .filter(|_| !digits.is_empty())
        .and_then(|value| exact(sign * value))
    {
        Some(number) => call.result(Some(number)),
        None => {
            let message = format!("{} is no whole number of 64 bits in base {base}", quote(&text));
            Err(call.fault(0, message))
        }
    }
}

/// Lower case counts from 10, upper case from 36; up to base 36 case has no meaning.
fn digit(character: char, base: i128) -> Option<i128> {
    let value = match character {
        'A'..='Z' if base > 36 => 36 + (character as i128 - 'A' as i128),
        _ => i128::from(character.to_digit(36)?),
    };
    (value < base).then_some(value)
}

fn exact(value: i128) -> Option<Number> {
    from_integer(value).filter(|number| as_integer(*number).is_some())
}

fn pow(call: &mut Call<'_, '_>) -> Outcome {
    let (number, exponent) = (call.number(0)?, call.number(1)?);
    let whole = as_integer(number).zip(as_integer(exponent).and_then(|power| u32::try_from(power).ok()));
    let power = whole
        .and_then(|(number, power)| number.checked_pow(power))
        .and_then(exact);
    match power {
        Some(number) => call.result(Some(number)),
        None => call.result(Number::from_f64(call.float(0)?.powf(call.float(1)?))),
    }
}
