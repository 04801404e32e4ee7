//! From text to a tree: limits first, so that a hostile file costs neither the stack nor the day.

use hcl::edit::parser::{self, parse_body};
use hcl::edit::structure::Body;

use super::hints;
use crate::diag::{Diagnostic, Span};

/// Brackets within brackets; the parser recurses.
const NESTING: usize = 64;
/// The parser compares every key of an object with every other: the sum of their squares is what it costs.
const KEY_COMPARISONS: usize = 25_000_000;
/// Words and signs of all files together. The tree takes up to 300 bytes for each; a tenant has some twenty.
const WORDS: usize = 1_000_000;
/// Bytes of one quoted text: no name or setting comes near.
const TEXT: usize = 64 << 10;
/// A second definition of a name makes the parser stop; so many of them are renamed to hear the rest.
const REDEFINITIONS: usize = 20;
/// Files beyond this are not read again for that.
const REREAD: usize = 1 << 20;

/// What the files of one load may still hold.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(WORDS)
    }
}

impl Budget {
    /// Pays for a text; the place where it ran out.
    fn charge(&mut self, text: &str) -> Result<(), usize> {
        let mut in_word = false;
        for (offset, byte) in text.bytes().enumerate() {
            let was_in_word = in_word;
            in_word = byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
            if (in_word && !was_in_word) || byte.is_ascii_punctuation() {
                self.0 = self.0.checked_sub(1).ok_or(offset)?;
            }
        }
        Ok(())
    }
}

/// Parses one file.
///
/// The parser stops at a name that was defined before and does not say where. Such a name is replaced by one of
/// the same length and the file read again, so the tree is whole and every place is right; the names
/// are later taken from the text, and the duplicate is reported with both places.
pub(super) fn parse(file: usize, text: &str, budget: &mut Budget) -> Result<Body, Box<Diagnostic>> {
    if let Err(start) = budget.charge(text) {
        let message = format!("the files hold more than {WORDS} words and signs");
        return Err(Box::new(too_large(file, start, message)));
    }
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
            return Err(Box::new(syntax_error(file, &text, &error)));
        }
        renamed += 1;
        let Some(next) = rename(&text, error.location().offset(), renamed) else {
            return Err(Box::new(syntax_error(file, &text, &error)));
        };
        text = next;
    }
}

fn syntax_error(file: usize, text: &str, error: &parser::Error) -> Diagnostic {
    // The parser counts bytes, and may stop within a character.
    let offset = text.floor_char_boundary(error.location().offset());
    hints::explain(file, text, offset, error.message())
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

fn check_limits(file: usize, text: &str) -> Result<(), Box<Diagnostic>> {
    let bytes = text.as_bytes();
    let mut scan = Scan::default();
    let mut offset = 0;
    while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
        match scan.read(rest) {
            Ok(length) => offset += length,
            Err(message) => {
                return Err(Box::new(too_large(
                    file,
                    text.floor_char_boundary(offset),
                    message,
                )));
            }
        }
    }
    scan.finish(bytes)
        .map_err(|message| Box::new(too_large(file, text.len(), message)))
}

fn too_large(file: usize, start: usize, message: String) -> Diagnostic {
    let span = Span {
        file,
        start,
        end: start,
    };
    Diagnostic::error("too_large", message).at(span)
}

/// Reads a file just well enough to count brackets and keys, in step with the parser.
#[derive(Default)]
struct Scan {
    /// Open brackets, innermost last, each with the number of keys in it.
    open: Vec<(u8, usize)>,
    state: State,
    /// Bytes of the text that is being read.
    text: usize,
    comparisons: usize,
    /// A heredoc's text is not followed: from there on the count may be off, so the whole file counts as one object.
    has_heredoc: bool,
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
    /// Reads what `rest` begins with and returns how many bytes that is.
    fn read(&mut self, rest: &[u8]) -> Result<usize, String> {
        match self.state {
            State::Code => self.read_code(rest),
            State::Text => self.read_text(rest),
            State::LineComment => {
                if rest[0] == b'\n' {
                    self.state = State::Code;
                }
                Ok(1)
            }
            State::BlockComment => {
                if !rest.starts_with(b"*/") {
                    return Ok(1);
                }
                self.state = State::Code;
                Ok(2)
            }
        }
    }

    fn read_text(&mut self, rest: &[u8]) -> Result<usize, String> {
        self.text += 1;
        if self.text > TEXT {
            return Err("a text of more than 64 KiB".to_owned());
        }
        match rest {
            [b'\\', _, ..] => return Ok(2),
            [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..] => return Ok(3),
            [b'$' | b'%', b'{', ..] => {
                self.open(b'$')?;
                self.state = State::Code;
                return Ok(2);
            }
            [b'"', ..] => self.state = State::Code,
            _ => {}
        }
        Ok(1)
    }

    fn read_code(&mut self, rest: &[u8]) -> Result<usize, String> {
        match rest {
            [b'#', ..] | [b'/', b'/', ..] => self.state = State::LineComment,
            [b'/', b'*', ..] => {
                self.state = State::BlockComment;
                return Ok(2);
            }
            [b'=' | b'!' | b'<' | b'>', b'=', ..] => return Ok(2),
            [b'<', b'<', ..] => self.has_heredoc = true,
            [b'"', ..] => {
                self.text = 0;
                self.state = State::Text;
            }
            [kind @ (b'{' | b'[' | b'('), ..] => self.open(*kind)?,
            [b'}' | b']' | b')', ..] => self.close()?,
            [b'=' | b':', ..] => {
                if let Some((_, keys)) = self.open.last_mut() {
                    *keys += 1;
                }
            }
            _ => {}
        }
        Ok(1)
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
        if kind == b'$' {
            // The text goes on behind what it interpolates.
            self.state = State::Text;
        }
        self.count(keys)
    }

    fn count(&mut self, keys: usize) -> Result<(), String> {
        self.comparisons = self.comparisons.saturating_add(keys.saturating_mul(keys));
        if self.comparisons > KEY_COMPARISONS {
            return Err("blocks or objects with too many keys".to_owned());
        }
        Ok(())
    }

    /// What was never closed was parsed all the same.
    fn finish(mut self, text: &[u8]) -> Result<(), String> {
        while let Some((_, keys)) = self.open.pop() {
            self.count(keys)?;
        }
        if self.has_heredoc {
            let is_key = |byte: &&u8| matches!(byte, b'=' | b':');
            self.count(text.iter().filter(is_key).count())?;
        }
        Ok(())
    }
}
