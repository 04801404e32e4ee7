//! From text to a tree: limits first, so that a hostile file costs neither the stack nor the day.

use hcl::edit::parser::{self, parse_body};
use hcl::edit::structure::Body;

use crate::diag::{Diagnostic, Span};

/// Brackets within brackets; the parser recurses.
const NESTING: usize = 64;
/// The parser compares every key of an object with every other: the sum of their squares is what it costs.
const KEY_COMPARISONS: usize = 100_000_000;
/// A second definition of a name makes the parser stop; so many of them are renamed to hear the rest.
const REDEFINITIONS: usize = 20;
/// Files beyond this are not read again for that.
const REREAD: usize = 1 << 20;

/// Parses one file.
///
/// The parser stops at a name that was defined before and does not say where. Such a name is replaced by one of
/// the same length and the file read again, so the tree is whole and every place is right; the names
/// are later taken from the text, and the duplicate is reported with both places.
pub(super) fn parse(file: usize, text: &str) -> Result<Body, Diagnostic> {
    check_limits(file, text)?;
    // A byte order mark is no part of the text; blanks keep the places.
    let mut text = match text.strip_prefix('\u{feff}') {
        Some(rest) => format!("   {rest}"),
        None => text.to_owned(),
    };
    let mut renamed = 0;
    loop {
        let error = match parse_body(&text) {
            Ok(body) => return Ok(body),
            Err(error) => error,
        };
        let is_redefined = error.message().contains("found redefined");
        if !is_redefined || renamed == REDEFINITIONS || text.len() > REREAD {
            return Err(syntax_error(file, &text, &error));
        }
        renamed += 1;
        let Some(next) = rename(&text, error.location().offset(), renamed) else {
            return Err(syntax_error(file, &text, &error));
        };
        text = next;
    }
}

fn syntax_error(file: usize, text: &str, error: &parser::Error) -> Diagnostic {
    let start = error.location().offset();
    let length = text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    let span = Span {
        file,
        start,
        end: start + length,
    };
    Diagnostic::error("syntax", error.message().to_owned()).at(span)
}

/// Replaces the name at `offset` by letters of the same number of bytes, different for every `attempt`.
fn rename(text: &str, offset: usize, attempt: usize) -> Option<String> {
    let rest = text.get(offset..)?;
    let begin = offset + rest.len() - rest.trim_start_matches('"').len();
    let name = text.get(begin..)?;
    let length = name
        .find(|character: char| !(character.is_alphanumeric() || "_-.".contains(character)))
        .unwrap_or(name.len());
    if length == 0 {
        return None;
    }
    let mut number = attempt;
    let letters: String = (0..length)
        .map(|_| {
            let letter = char::from(b"zqxjkvbwyg"[number % 10]);
            number /= 10;
            letter
        })
        .collect();
    let end = begin + length;
    Some(format!("{}{letters}{}", &text[..begin], &text[end..]))
}

fn check_limits(file: usize, text: &str) -> Result<(), Diagnostic> {
    let mut scan = Scan::default();
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((offset, byte)) = bytes.next() {
        let next = bytes.peek().map(|(_, byte)| *byte);
        if scan.skips(byte, next) {
            bytes.next();
            continue;
        }
        if let Err(message) = scan.read(byte, next) {
            let span = Span {
                file,
                start: offset,
                end: offset + 1,
            };
            return Err(Diagnostic::error("too_large", message).at(span));
        }
    }
    scan.finish()
        .map_err(|message| Diagnostic::error("too_large", message))
}

/// Reads a file just well enough to count brackets. Heredocs are read as code: their text can only make the
/// count too high, and only beyond any sensible file.
#[derive(Default)]
struct Scan {
    /// Open brackets, innermost last, each with the number of keys in it.
    open: Vec<(u8, usize)>,
    state: State,
    comparisons: usize,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    #[default]
    Code,
    Text,
    LineComment,
    BlockComment,
}

impl Scan {
    /// Pairs of bytes that are read at once.
    fn skips(&mut self, byte: u8, next: Option<u8>) -> bool {
        match (self.state, byte, next) {
            (State::Text, b'\\', Some(_)) => true,
            (State::Code, b'/', Some(b'*')) => {
                self.state = State::BlockComment;
                true
            }
            (State::BlockComment, b'*', Some(b'/')) => {
                self.state = State::Code;
                true
            }
            (State::Code, b'=' | b'!' | b'<' | b'>', Some(b'=')) => true,
            _ => false,
        }
    }

    fn read(&mut self, byte: u8, next: Option<u8>) -> Result<(), String> {
        match (self.state, byte) {
            (State::LineComment, b'\n') => self.state = State::Code,
            (State::Code, b'#') => self.state = State::LineComment,
            (State::Code, b'/') if next == Some(b'/') => self.state = State::LineComment,
            // A line feed ends a text that was never closed: the parser reports it.
            (State::Text, b'"' | b'\n') => self.state = State::Code,
            (State::Code, b'"') => self.state = State::Text,
            (State::Text, b'$' | b'%') if next == Some(b'{') => {
                // The text goes on after the bracket that closes.
                self.open(b'$')?;
                self.state = State::Code;
            }
            (State::Code, b'{') if self.open.last().is_some_and(|(kind, _)| *kind == b'$') => {
                // The bracket of `${` itself.
                if let Some((kind, _)) = self.open.last_mut() {
                    *kind = b'i';
                }
            }
            (State::Code, b'{' | b'[' | b'(') => self.open(byte)?,
            (State::Code, b'}' | b']' | b')') => return self.close(),
            (State::Code, b'=' | b':') => {
                if let Some((_, keys)) = self.open.last_mut() {
                    *keys += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, kind: u8) -> Result<(), String> {
        if self.open.len() == NESTING {
            return Err(format!("more than {NESTING} brackets within brackets"));
        }
        self.open.push((kind, 0));
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some((kind, keys)) = self.open.pop() else {
            return Ok(());
        };
        if kind == b'i' {
            self.state = State::Text;
        }
        self.count(keys)
    }

    fn count(&mut self, keys: usize) -> Result<(), String> {
        self.comparisons = self.comparisons.saturating_add(keys.saturating_mul(keys));
        if self.comparisons > KEY_COMPARISONS {
            return Err("objects with too many keys; split them".to_owned());
        }
        Ok(())
    }

    /// What was never closed was parsed all the same.
    fn finish(mut self) -> Result<(), String> {
        while let Some((_, keys)) = self.open.pop() {
            self.count(keys)?;
        }
        Ok(())
    }
}
