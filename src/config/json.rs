//! Tenants files in JSON, for programs that write them and editors that check them against the schema.
//!
//! An object of JSON is an expression of HCL, so the text becomes HCL by its outermost signs alone: `{"clients": [..]}`
//! is read as `clients = [..]`. Each sign is replaced by one of the same length, and every place stays right.

use super::tokens::{Form, is_long, tokens};
use crate::diag::{Diagnostic, Span};

/// Whether a file is JSON, by its name.
pub(super) fn is_json(name: &str) -> bool {
    name.ends_with(".json")
}

/// The same as HCL.
pub(super) fn to_hcl(file: usize, text: &str) -> Result<String, Box<Diagnostic>> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(plain) {
        return Err(Box::new(no_json(file, text, &error)));
    }
    if is_long(plain) {
        let refusal = Diagnostic::error("too_large", "the file has more than a million lines");
        return Err(Box::new(refusal.at(no_place(file))));
    }
    let mut bytes = plain.as_bytes().to_vec();
    let mut depth = 0;
    let mut is_key = true;
    for token in tokens(plain) {
        let range = token.start..token.start + token.text.len();
        let before = depth;
        depth += token.bracket();
        match token.form {
            Form::LineBreak if before == 0 => {}
            Form::Sign if before == 0 && token.text == "{" => bytes[range].fill(b' '),
            Form::Sign if depth == 0 && token.text == "}" => bytes[range].fill(b' '),
            _ if before == 0 => return Err(Box::new(no_object(file))),
            // A value begins on the line of its name.
            Form::LineBreak if depth == 1 => bytes[range].fill(b' '),
            Form::Text if depth == 1 && is_key => {
                for byte in &mut bytes[range.clone()] {
                    if !byte.is_ascii_alphanumeric() && *byte != b'-' {
                        *byte = b'_';
                    }
                }
                bytes[range.start] = b' ';
                bytes[range.end - 1] = b' ';
                // A name cannot begin with a digit, and none that means something does.
                if bytes.get(range.start + 1).is_some_and(u8::is_ascii_digit) {
                    bytes[range.start + 1] = b'_';
                }
            }
            Form::Sign if depth == 1 && token.text == ":" => {
                bytes[range.start] = b'=';
                is_key = false;
            }
            Form::Sign if depth == 1 && token.text == "," => {
                bytes[range.start] = b'\n';
                is_key = true;
            }
            _ => {}
        }
    }
    let mark = &text[..text.len() - plain.len()];
    let hcl = String::from_utf8(bytes).unwrap_or_default();
    Ok(format!("{mark}{hcl}"))
}

fn no_json(file: usize, text: &str, error: &serde_json::Error) -> Diagnostic {
    let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let line_start: usize = lines.map(str::len).sum();
    let start = text.floor_char_boundary((line_start + error.column().saturating_sub(1)).min(text.len()));
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let span = Span {
        file,
        start,
        end: start,
    };
    Diagnostic::error("syntax", format!("the text is no JSON: {message}"))
        .at(span)
        .help("a file whose name ends in .json is read as JSON, any other as HCL")
}

fn no_object(file: usize) -> Diagnostic {
    Diagnostic::error("syntax", "the outermost value is no object")
        .at(no_place(file))
        .help("write: { \"clients\": [ .. ] }")
}

/// The beginning of a file.
fn no_place(file: usize) -> Span {
    Span {
        file,
        start: 0,
        end: 0,
    }
}
