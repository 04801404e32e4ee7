//! Functions that encode and decode.

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use csv_core::{ReadRecordResult, Reader};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Digest as _;

use super::call::{Call, Outcome};
use super::{Function, json};
use crate::config::value::{Entry, Value};
use crate::diag::quote;

/// What stands for itself in a query: <https://datatracker.ietf.org/doc/html/rfc3986#section-2.3>.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "base64decode",
        &["string"],
        "The text that Base64 encodes",
        base64decode,
    ),
    Function::new("base64encode", &["string"], "The text in Base64", |call| {
        call.string(BASE64_STANDARD.encode(&*call.text(0)?))
    }),
    Function::new(
        "base64sha256",
        &["string"],
        "The SHA-256 of the text, in Base64",
        |call| call.string(BASE64_STANDARD.encode(sha2::Sha256::digest(&*call.text(0)?))),
    ),
    Function::new(
        "base64sha512",
        &["string"],
        "The SHA-512 of the text, in Base64",
        |call| call.string(BASE64_STANDARD.encode(sha2::Sha512::digest(&*call.text(0)?))),
    ),
    Function::new(
        "csvdecode",
        &["string"],
        "The rows of CSV text, each an object with the names of the first row",
        csvdecode,
    ),
    Function::new(
        "jsondecode",
        &["string"],
        "The value that JSON text spells",
        json::jsondecode,
    ),
    Function::new(
        "jsonencode",
        &["value"],
        "The value as JSON text",
        json::jsonencode,
    ),
    Function::new(
        "md5",
        &["string"],
        "The MD5 of the text, in hexadecimal",
        |call| call.string(hexadecimal(&md5::Md5::digest(&*call.text(0)?))),
    ),
    Function::new(
        "sha1",
        &["string"],
        "The SHA-1 of the text, in hexadecimal",
        |call| call.string(hexadecimal(&sha1::Sha1::digest(&*call.text(0)?))),
    ),
    Function::new(
        "sha256",
        &["string"],
        "The SHA-256 of the text, in hexadecimal",
        |call| call.string(hexadecimal(&sha2::Sha256::digest(&*call.text(0)?))),
    ),
    Function::new(
        "sha512",
        &["string"],
        "The SHA-512 of the text, in hexadecimal",
        |call| call.string(hexadecimal(&sha2::Sha512::digest(&*call.text(0)?))),
    ),
    Function::new(
        "urlencode",
        &["string"],
        "The text as a part of a URL's query",
        |call| {
            let text = call.text(0)?;
            call.charge_text(text.len().saturating_mul(3))?;
            call.string(
                utf8_percent_encode(&text, RESERVED)
                    .to_string()
                    .replace("%20", "+"),
            )
        },
    ),
];

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64decode(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    let bytes = BASE64_STANDARD
        .decode(&*text)
        .map_err(|error| call.fault(0, format!("{} is no Base64: {error}", quote(&text))))?;
    match String::from_utf8(bytes) {
        Ok(text) => call.string(text),
        Err(_) => Err(call.fault(0, "what is encoded is not UTF-8 text")),
    }
}

fn csvdecode(call: &mut Call<'_, '_>) -> Outcome {
    let text = call.text(0)?;
    call.charge(text.len())?;
    let mut rows = rows(&text).into_iter();
    let Some(names) = rows.next() else {
        return Err(call.fault(0, "the text has no line with the names of the columns"));
    };
    let names: Vec<Rc<str>> = names.iter().map(|name| name.as_str().into()).collect();
    let mut sorted: Vec<&Rc<str>> = names.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(call.fault(0, format!("two columns have the name {}", quote(twice[0]))));
    }
    let mut objects = Vec::new();
    for (number, row) in (1..).zip(rows) {
        if row.len() != names.len() {
            let message = format!(
                "row {number} has {} columns, the names are {}",
                row.len(),
                names.len()
            );
            return Err(call.fault(0, message));
        }
        let entries = names.iter().zip(&row).map(|(name, cell)| Entry {
            key: Rc::clone(name),
            key_span: call.span,
            value: Value::string(cell, call.span),
        });
        objects.push(Value::object(entries.collect(), call.span));
    }
    call.list(objects)
}

/// The cells of every row that is not empty.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::new();
    let mut input = text.as_bytes();
    let mut rows = Vec::new();
    // A row has no more bytes than the text, nor more cells than it has bytes.
    let mut cells = vec![0; text.len()];
    let mut ends = vec![0; text.len() + 1];
    loop {
        let (mut used, mut count) = (0, 0);
        let is_row = loop {
            let (state, read, written, ended) =
                reader.read_record(input, &mut cells[used..], &mut ends[count..]);
            input = &input[read..];
            used += written;
            count += ended;
            match state {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => break true,
                // The buffers are as large as the text.
                ReadRecordResult::End | ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    break false;
                }
            }
        };
        if !is_row {
            return rows;
        }
        let mut begin = 0;
        let row = ends[..count].iter().map(|&end| {
            let cell = String::from_utf8_lossy(&cells[begin..end]).into_owned();
            begin = end;
            cell
        });
        rows.push(row.collect());
    }
}
