//! Functions over text. Characters are grapheme clusters, as people count them.

use std::rc::Rc;

use unicode_segmentation::UnicodeSegmentation as _;

use super::call::{Call, Outcome};
use super::{Function, formats, patterns};
use crate::config::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chomp",
        &["string"],
        "The text without line breaks at its end",
        chomp,
    ),
    Function::new(
        "endswith",
        &["string", "suffix"],
        "Whether the text ends with the other",
        |call| {
            let (text, suffix) = (call.text(0)?, call.text(1)?);
            call.bool(text.ends_with(&*suffix))
        },
    ),
    Function::new(
        "format",
        &["format", "values..."],
        "The text with its `%` verbs replaced by values: `%s`, `%d`, `%05.2f`, `%q`, `%v`, `%#v`, ..",
        formats::format,
    ),
    Function::new(
        "formatlist",
        &["format", "values..."],
        "`format` once for each item of the lists among the values",
        formats::formatlist,
    ),
    Function::new(
        "indent",
        &["spaces", "string"],
        "The text with blanks before each line but the first",
        indent,
    ),
    Function::new(
        "join",
        &["separator", "lists..."],
        "The items of the lists as one text",
        join,
    ),
    Function::new("lower", &["string"], "The text in lower case", |call| {
        call.string(call.text(0)?.to_lowercase())
    }),
    Function::new(
        "regex",
        &["pattern", "string"],
        "The first match: a text, a list of its groups, or an object of its named groups; an error if there is none",
        patterns::regex,
    ),
    Function::new(
        "regexall",
        &["pattern", "string"],
        "All matches, as a list of what `regex` returns",
        patterns::regexall,
    ),
    Function::new(
        "replace",
        &["string", "search", "replacement"],
        "The text with every occurrence replaced; a search between slashes is a pattern, whose groups are `$1`, ..",
        patterns::replace,
    ),
    Function::new(
        "split",
        &["separator", "string"],
        "The parts of a text, as a list",
        split,
    ),
    Function::new(
        "startswith",
        &["string", "prefix"],
        "Whether the text begins with the other",
        |call| {
            let (text, prefix) = (call.text(0)?, call.text(1)?);
            call.bool(text.starts_with(&*prefix))
        },
    ),
    Function::new(
        "strcontains",
        &["string", "part"],
        "Whether the text contains the other",
        |call| {
            let (text, part) = (call.text(0)?, call.text(1)?);
            call.bool(text.contains(&*part))
        },
    ),
    Function::new("strrev", &["string"], "The characters in reverse", |call| {
        let text = call.text(0)?;
        call.string(text.graphemes(true).rev().collect::<String>())
    }),
    Function::new(
        "substr",
        &["string", "offset", "length"],
        "A part of the text; a negative offset counts from its end, a length of -1 is the rest",
        substr,
    ),
    Function::new(
        "title",
        &["string"],
        "The text with the first letter of each word in upper case",
        title,
    ),
    Function::new(
        "trim",
        &["string", "characters"],
        "The text without any of the characters at its ends",
        |call| {
            let (text, characters) = (call.text(0)?, call.text(1)?);
            call.string(text.trim_matches(|c| characters.contains(c)))
        },
    ),
    Function::new(
        "trimprefix",
        &["string", "prefix"],
        "The text without the prefix",
        |call| {
            let (text, prefix) = (call.text(0)?, call.text(1)?);
            call.string(text.strip_prefix(&*prefix).unwrap_or(&text))
        },
    ),
    Function::new(
        "trimspace",
        &["string"],
        "The text without white space at its ends",
        |call| call.string(call.text(0)?.trim()),
    ),
    Function::new(
        "trimsuffix",
        &["string", "suffix"],
        "The text without the suffix",
        |call| {
            let (text, suffix) = (call.text(0)?, call.text(1)?);
            call.string(text.strip_suffix(&*suffix).unwrap_or(&text))
        },
    ),
    Function::new("upper", &["string"], "The text in upper case", |call| {
        call.string(call.text(0)?.to_uppercase())
    }),
];

fn chomp(call: &mut Call<'_, '_>) -> Outcome {
    call.string(call.text(0)?.trim_end_matches(['\r', '\n']))
}

fn indent(call: &mut Call<'_, '_>) -> Outcome {
    let (spaces, text) = (call.integer(0)?, call.text(1)?);
    let Ok(spaces) = usize::try_from(spaces) else {
        return Err(call.fault(0, "the number of blanks is negative"));
    };
    let lines = text.matches('\n').count();
    call.charge_text(spaces.saturating_mul(lines).saturating_add(text.len()))?;
    if lines == 0 {
        return call.string(text);
    }
    call.string(text.replace('\n', &format!("\n{}", " ".repeat(spaces))))
}

fn join(call: &mut Call<'_, '_>) -> Outcome {
    let separator = call.text(0)?;
    if call.len() == 1 {
        return Err(call.fault_with(0, "there is no list to join", "write: join(\", \", list)"));
    }
    let mut parts: Vec<Rc<str>> = Vec::new();
    for index in 1..call.len() {
        parts.extend(call.texts(index)?);
    }
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    call.charge_text(bytes.saturating_add(separator.len().saturating_mul(parts.len())))?;
    call.string(parts.join(&*separator))
}

fn split(call: &mut Call<'_, '_>) -> Outcome {
    let (separator, text) = (call.text(0)?, call.text(1)?);
    let part = |part: &str| Value::string(part, call.span);
    if separator.is_empty() {
        let mut buffer = [0; 4];
        let parts = text.chars().map(|c| part(c.encode_utf8(&mut buffer)));
        return call.list(parts.collect());
    }
    call.list(text.split(&*separator).map(part).collect())
}

fn substr(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let (offset, length) = (call.integer(1)?, call.integer(2)?);
    let all = text.graphemes(true).count();
    let begin = match usize::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => all.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    call.string(text.graphemes(true).skip(begin).take(length).collect::<String>())
}

fn title(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let mut shown = String::with_capacity(text.len());
    let mut in_word = false;
    for character in text.chars() {
        if in_word {
            shown.push(character);
        } else {
            shown.extend(character.to_uppercase());
        }
        in_word = character.is_alphanumeric()
            || character == '_'
            || (!character.is_ascii() && !character.is_whitespace());
    }
    call.string(shown)
}
