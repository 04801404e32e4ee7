//! Regular expressions, in the syntax of RE2 (<https://github.com/google/re2/wiki/Syntax>) as far as the `regex` crate has
//! it. Its time is linear in the text; the limits here bound the factor.

use std::rc::Rc;

use regex::{Captures, Regex, RegexBuilder};

use super::call::{Call, Fault, Outcome};
use crate::config::value::{Entry, Kind, Value};
use crate::diag::quote;

/// Sizes of a compiled pattern in bytes, each with what a kilobyte of text costs in it. The smallest that is enough is
/// paid for: most patterns fit the first, and what fits none is refused.
const SIZES: [(usize, usize); 3] = [(16 << 10, 100), (128 << 10, 1_000), (1 << 20, 10_000)];
/// Compiled patterns that are kept; a loop uses one again and again.
const KEPT: usize = 32;

/// A pattern and what a kilobyte of text costs in it.
#[derive(Clone)]
pub(in crate::config) struct Pattern {
    regex: Regex,
    cost: usize,
}

/// The pattern of an argument, compiled.
fn compile(call: &mut Call<'_, '_>, index: usize, text: &str) -> Result<Pattern, Fault> {
    if let Some((_, pattern)) = call.context.patterns.iter().find(|(known, _)| **known == *text) {
        return Ok(pattern.clone());
    }
    let mut problem = String::new();
    for (size, cost) in SIZES {
        call.charge(3 * cost)?;
        match RegexBuilder::new(&translate(text))
            .size_limit(size)
            .dfa_size_limit(size)
            .nest_limit(50)
            .build()
        {
            Ok(regex) => {
                let pattern = Pattern { regex, cost };
                if call.context.patterns.len() == KEPT {
                    call.context.patterns.clear();
                }
                call.context.patterns.push((text.into(), pattern.clone()));
                return Ok(pattern);
            }
            Err(regex::Error::CompiledTooBig(_)) => "it is too large".clone_into(&mut problem),
            Err(error) => {
                // The last line says it; those before it draw the pattern.
                let shown = error.to_string();
                let last = shown.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").clone_into(&mut problem);
                break;
            }
        }
    }
    let message = format!("{} is no regular expression: {problem}", quote(text));
    Err(call.fault_with(
        index,
        message,
        "the syntax is RE2's; a backslash is written twice in a quoted text",
    ))
}

/// The same pattern for the `regex` crate: there `\d`, `\w`, `\s` and `\b` know all of Unicode, which RE2's do not, and a
/// class may hold others.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut in_class = false;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match (character, next) {
            ('\\', Some(next)) => {
                characters.next();
                match next {
                    'd' => translated.push_str("[0-9]"),
                    'D' => translated.push_str("[^0-9]"),
                    'w' => translated.push_str("[0-9A-Za-z_]"),
                    'W' => translated.push_str("[^0-9A-Za-z_]"),
                    's' => translated.push_str(r"[\t\n\f\r ]"),
                    'S' => translated.push_str(r"[^\t\n\f\r ]"),
                    'b' if !in_class => translated.push_str(r"(?-u:\b)"),
                    _ => translated.extend(['\\', next]),
                }
            }
            ('[', Some(':')) if in_class => {
                // `[:alpha:]`, to its end.
                translated.push('[');
                for inner in characters.by_ref() {
                    translated.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ('[' | '&' | '~', _) if in_class => translated.extend(['\\', character]),
            ('[', _) => {
                in_class = true;
                translated.push('[');
                if next == Some('^') {
                    translated.push('^');
                    characters.next();
                }
                // A bracket that comes first is itself.
                if characters.peek() == Some(&']') {
                    translated.push_str(r"\]");
                    characters.next();
                }
            }
            (']', _) => {
                in_class = false;
                translated.push(']');
            }
            _ => translated.push(character),
        }
    }
    translated
}

/// Pays for going through a text.
fn search<'t>(call: &mut Call<'_, '_>, pattern: &Pattern, text: &'t str) -> Result<&'t str, Fault> {
    call.charge(pattern.cost.saturating_mul(1 + text.len() / 1024))?;
    Ok(text)
}

/// `replace(string, search, replacement)`.
pub(super) fn replace(call: &mut Call<'_, '_>) -> Outcome {
    let (text, searched, replacement) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let inner = searched.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let Some(inner) = inner else {
        let count = if searched.is_empty() {
            text.chars().count() + 1
        } else {
            text.matches(&*searched).count()
        };
        call.charge_text(text.len().saturating_add(count.saturating_mul(replacement.len())))?;
        return call.string(text.replace(&*searched, &replacement));
    };
    let pattern = compile(call, 1, inner)?;
    search(call, &pattern, &text)?;
    let mut made = String::with_capacity(text.len());
    let mut end = 0;
    for captures in pattern.regex.captures_iter(&text) {
        let Some(whole) = captures.get(0) else { continue };
        made.push_str(&text[end..whole.start()]);
        // A group may be named in the replacement many times over.
        call.charge_text(replacement.len().saturating_mul(1 + whole.len()))?;
        captures.expand(&replacement, &mut made);
        end = whole.end();
    }
    made.push_str(&text[end..]);
    call.string(made)
}

/// `regex(pattern, string)`.
pub(super) fn regex(call: &mut Call<'_, '_>) -> Outcome {
    let (searched, text) = (call.text(0)?, call.text(1)?);
    let pattern = compile(call, 0, &searched)?;
    let found = pattern.regex.captures(search(call, &pattern, &text)?);
    match found {
        Some(captures) => matched(call, &pattern.regex, &captures),
        None => Err(call.fault_with(
            1,
            format!("{} does not match {}", quote(&text), quote(&searched)),
            "`try(regex(..), other)` gives another value, `can(regex(..))` only asks",
        )),
    }
}

/// `regexall(pattern, string)`.
pub(super) fn regexall(call: &mut Call<'_, '_>) -> Outcome {
    let (searched, text) = (call.text(0)?, call.text(1)?);
    let pattern = compile(call, 0, &searched)?;
    search(call, &pattern, &text)?;
    let mut found = Vec::new();
    for captures in pattern.regex.captures_iter(&text) {
        call.charge(captures.len())?;
        found.push(matched(call, &pattern.regex, &captures)?);
    }
    call.list(found)
}

fn matched(call: &Call<'_, '_>, regex: &Regex, captures: &Captures<'_>) -> Outcome {
    let group = |index: usize| match captures.get(index) {
        Some(group) => Value::string(group.as_str(), call.span),
        None => Value::new(Kind::Null, call.span),
    };
    let names: Vec<Option<&str>> = regex.capture_names().skip(1).collect();
    if names.is_empty() {
        return Ok(group(0));
    }
    if names.iter().all(Option::is_none) {
        return call.list((1..captures.len()).map(group).collect());
    }
    let entries: Option<Vec<Entry>> = (1..)
        .zip(&names)
        .map(|(index, name)| {
            let key: Rc<str> = (*name)?.into();
            Some(Entry {
                key,
                key_span: call.span,
                value: group(index),
            })
        })
        .collect();
    match entries {
        Some(entries) => Ok(Value::object(entries, call.span)),
        None => Err(call.fault(0, "either all groups of a pattern have names, or none")),
    }
}
