//! `format` and `formatlist`: the verbs of <https://developer.hashicorp.com/terraform/language/functions/format>.

use super::call::{Call, Fault, Outcome, as_integer, as_number};
use super::conversions;
use super::json;
use crate::config::value::{Kind, Value};
use crate::diag::quote;

/// The widest field, and the longest fraction.
const WIDTH: usize = 1024;

/// One `%` sequence.
#[derive(Default)]
struct Verb {
    plus: bool,
    minus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

/// `format(format, values...)`.
pub(super) fn format(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let values: Vec<Value> = (1..call.len()).map(|index| call.value(index)).collect();
    let shown = render(call, &text, &values)?;
    call.string(shown)
}

/// `formatlist(format, values...)`: what is no list is the same in every round.
pub(super) fn formatlist(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let mut rounds = None;
    for index in 1..call.len() {
        let Some(length) = call.value(index).items().map(<[Value]>::len) else {
            continue;
        };
        if let Some(other) = rounds.filter(|other| *other != length) {
            let message = format!("this list has {length} items, the one before it {other}");
            return Err(call.fault(index, message));
        }
        rounds = Some(length);
    }
    let rounds = rounds.unwrap_or(1);
    let width = call.len();
    call.charge(rounds.saturating_mul(width))?;
    let mut shown = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let values: Vec<Value> = (1..width)
            .map(|index| {
                let value = call.value(index);
                let item = value.items().and_then(|items| items.get(round));
                item.cloned().unwrap_or(value)
            })
            .collect();
        let text = render(call, &text, &values)?;
        shown.push(Value::string(&text, call.span));
    }
    call.list(shown)
}

fn render(call: &mut Call<'_, '_>, text: &str, values: &[Value]) -> Result<String, Fault> {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = 0;
    let mut used = 0;
    call.charge_text(text.len())?;
    while let Some(place) = rest.find('%') {
        shown.push_str(&rest[..place]);
        rest = &rest[place + 1..];
        if let Some(behind) = rest.strip_prefix('%') {
            shown.push('%');
            rest = behind;
            continue;
        }
        let (verb, chosen, behind) = parse(rest).map_err(|problem| call.fault(0, problem))?;
        let sequence = format!("%{}", &rest[..rest.len() - behind.len()]);
        rest = behind;
        let index = chosen.unwrap_or(next);
        let Some(value) = values.get(index) else {
            let message = format!(
                "there is no value for {}, the verb number {}",
                quote(&sequence),
                index + 1
            );
            return Err(call.fault(0, message));
        };
        next = index + 1;
        used = used.max(next);
        let part = show(call, &verb, value, index + 1, &sequence)?;
        call.charge_text(part.len().max(verb.width))?;
        pad(&mut shown, &verb, &part);
    }
    shown.push_str(rest);
    if used < values.len() && (used > 0 || next == 0) {
        let message = format!("the format uses {used} of {} values", values.len());
        return Err(call.fault(used + 1, message));
    }
    Ok(shown)
}

/// The verb at the beginning, the value that it chooses by number, and what follows.
fn parse(text: &str) -> Result<(Verb, Option<usize>, &str), String> {
    let mut verb = Verb::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next().filter(|flag| "+- 0#".contains(*flag)) {
        match flag {
            '+' => verb.plus = true,
            '-' => verb.minus = true,
            ' ' => verb.space = true,
            '0' => verb.zero = true,
            _ => verb.sharp = true,
        }
        rest = &rest[1..];
    }
    verb.width = digits(&mut rest)?.unwrap_or(0);
    if let Some(behind) = rest.strip_prefix('.') {
        rest = behind;
        verb.precision = Some(digits(&mut rest)?.unwrap_or(0));
    }
    let mut chosen = None;
    if let Some(behind) = rest.strip_prefix('[') {
        rest = behind;
        let number = digits(&mut rest)?.and_then(|number| number.checked_sub(1));
        chosen = Some(number.ok_or("values are numbered from 1, as in `%[1]s`")?);
        rest = rest.strip_prefix(']').ok_or("a `[` is not closed")?;
    }
    let letter = rest
        .chars()
        .next()
        .ok_or("the text ends within a `%` sequence; a percent sign is `%%`")?;
    if !"vtbdoxXeEfgGsq".contains(letter) {
        return Err(format!(
            "there is no verb {}; a percent sign is `%%`",
            quote(&format!("%{letter}"))
        ));
    }
    verb.letter = letter;
    Ok((verb, chosen, &rest[letter.len_utf8()..]))
}

/// The number at the beginning, if there is one.
fn digits(text: &mut &str) -> Result<Option<usize>, String> {
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if length == 0 {
        return Ok(None);
    }
    let number = text[..length].parse().ok().filter(|number| *number <= WIDTH);
    *text = &text[length..];
    number
        .map(Some)
        .ok_or_else(|| format!("a width or a precision is at most {WIDTH}"))
}

fn show(
    call: &mut Call<'_, '_>,
    verb: &Verb,
    value: &Value,
    index: usize,
    sequence: &str,
) -> Result<String, Fault> {
    if value.is_invalid() {
        return Err(Fault(None));
    }
    let expected = |expected: &str| {
        let message = format!(
            "{} needs {expected}, found {}",
            quote(sequence),
            value.type_name()
        );
        call.fault(index, message)
    };
    let text = match (verb.letter, &value.kind) {
        ('v', _) if verb.sharp => json::encode(call, value)?,
        ('v', Kind::String(text)) => text.to_string(),
        ('v', Kind::Number(number)) => general(number.as_f64().unwrap_or_default(), verb.precision, verb),
        ('v', Kind::Bool(value)) => value.to_string(),
        ('v', _) => json::encode(call, value)?,
        ('t', _) => conversions::as_bool(value)
            .ok_or_else(|| expected("a bool"))?
            .to_string(),
        ('s', _) => cut(&value.to_text().ok_or_else(|| expected("a string"))?, verb),
        ('q', _) => {
            let text = cut(&value.to_text().ok_or_else(|| expected("a string"))?, verb);
            json::encode(call, &Value::string(&text, value.span))?
        }
        ('b' | 'd' | 'o' | 'x' | 'X', _) => {
            let number = as_number(value)
                .and_then(as_integer)
                .ok_or_else(|| expected("a whole number"))?;
            whole(number, verb)
        }
        _ => {
            let number = as_number(value).ok_or_else(|| expected("a number"))?;
            float(number.as_f64().unwrap_or_default(), verb)
        }
    };
    Ok(text)
}

/// The precision of a text is its length.
fn cut(text: &str, verb: &Verb) -> String {
    let length = verb.precision.unwrap_or(usize::MAX);
    text.chars().take(length).collect()
}

fn whole(number: i128, verb: &Verb) -> String {
    let size = number.unsigned_abs();
    let digits = match verb.letter {
        'b' => format!("{size:b}"),
        'o' => format!("{size:o}"),
        'x' => format!("{size:x}"),
        'X' => format!("{size:X}"),
        _ => size.to_string(),
    };
    let least = verb.precision.unwrap_or(0);
    sign(number < 0, verb) + &format!("{digits:0>least$}")
}

fn sign(negative: bool, verb: &Verb) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) => "",
    };
    sign.to_owned()
}

fn float(number: f64, verb: &Verb) -> String {
    let size = number.abs();
    let shown = match verb.letter {
        'f' => {
            let precision = verb.precision.unwrap_or(6);
            format!("{size:.precision$}")
        }
        'e' | 'E' => exponential(size, Some(verb.precision.unwrap_or(6))),
        _ => return general(number, verb.precision, verb),
    };
    let shown = sign(number < 0.0, verb) + &shown;
    if verb.letter == 'E' {
        shown.to_uppercase()
    } else {
        shown
    }
}

/// `%g`: the shortest text that reads back as the number, with an exponent below -4 and from 6 on.
fn general(number: f64, precision: Option<usize>, verb: &Verb) -> String {
    let size = number.abs();
    let digits = precision.map(|precision| precision.max(1));
    let scientific = exponential(size, digits.map(|digits| digits - 1));
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    let limit = digits.map_or(6, |digits| i32::try_from(digits).unwrap_or(i32::MAX));
    let shown = if (-4..limit).contains(&exponent) {
        match digits {
            None => size.to_string(),
            Some(digits) => {
                let behind = i64::try_from(digits).unwrap_or(0) - 1 - i64::from(exponent);
                let behind = usize::try_from(behind).unwrap_or(0);
                let shown = format!("{size:.behind$}");
                without_zeros(&shown).to_owned()
            }
        }
    } else {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        format!("{}e{exponent}", without_zeros(mantissa))
    };
    let shown = sign(number < 0.0, verb) + &shown;
    if verb.letter == 'G' {
        shown.to_uppercase()
    } else {
        shown
    }
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}

/// `1.5e+03`: a sign and two digits at least in the exponent.
fn exponential(size: f64, precision: Option<usize>) -> String {
    let shown = match precision {
        Some(precision) => format!("{size:.precision$e}"),
        None => format!("{size:e}"),
    };
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn pad(shown: &mut String, verb: &Verb, part: &str) {
    let missing = verb.width.saturating_sub(part.chars().count());
    if verb.minus {
        shown.push_str(part);
        shown.push_str(&" ".repeat(missing));
    } else if verb.zero {
        // Zeros go behind the sign.
        let is_number = "bdoxXeEfgGv".contains(verb.letter);
        let signs = if is_number && part.starts_with(['+', '-', ' ']) {
            1
        } else {
            0
        };
        shown.push_str(&part[..signs]);
        shown.push_str(&"0".repeat(missing));
        shown.push_str(&part[signs..]);
    } else {
        shown.push_str(&" ".repeat(missing));
        shown.push_str(part);
    }
}
