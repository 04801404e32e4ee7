//! What to do about text that does not parse: the parser knows where it stopped, and people make a few mistakes again and
//! again.

use super::tokens::{Form, Token, is_long, tokens};
use crate::diag::{Diagnostic, Span, quote};

/// A mistake that was recognised.
struct Hint {
    /// What is wrong, where the parser says it badly.
    message: Option<String>,
    /// Where, if not where the parser stopped.
    place: Option<(usize, usize)>,
    related: Option<(usize, usize, &'static str)>,
    help: String,
}

/// The error of the parser at `offset`, with what to do about it.
pub(super) fn explain(file: usize, text: &str, offset: usize, said: &str) -> Diagnostic {
    let span = |start: usize, end: usize| Span { file, start, end };
    let length = |start: usize| text[start..].chars().next().map_or(0, char::len_utf8);
    let hint = find(text, offset, said);
    let (start, end) = hint
        .as_ref()
        .and_then(|hint| hint.place)
        .unwrap_or((offset, offset + length(offset)));
    let message = hint.as_ref().and_then(|hint| hint.message.clone());
    let message = message.unwrap_or_else(|| match said {
        "unexpected token" => "this cannot stand here".to_owned(),
        _ => said.to_owned(),
    });
    let mut diagnostic = Diagnostic::error("syntax", message).at(span(start, end));
    let Some(hint) = hint else {
        return diagnostic
            .help("an argument is `name = value` on a line of its own, a block is `name \"label\" { .. }`");
    };
    diagnostic.help = Some(hint.help);
    if let Some((start, end, label)) = hint.related {
        diagnostic = diagnostic.related(span(start, end), label);
    }
    diagnostic
}

fn help(text: impl Into<String>) -> Option<Hint> {
    Some(Hint {
        message: None,
        place: None,
        related: None,
        help: text.into(),
    })
}

fn instead(message: impl Into<String>, help: impl Into<String>) -> Option<Hint> {
    Some(Hint {
        message: Some(message.into()),
        place: None,
        related: None,
        help: help.into(),
    })
}

fn find(text: &str, offset: usize, said: &str) -> Option<Hint> {
    if is_long(text) {
        return character(text, offset);
    }
    let tokens = tokens(text);
    // The token that the parser stopped at or in, and those before it.
    let index = tokens.partition_point(|token| token.start + token.text.len() <= offset);
    let (before, rest) = tokens.split_at(index);
    merge_conflict(text, offset)
        .or_else(|| another_language(&tokens))
        .or_else(|| character(text, offset))
        .or_else(|| within_text(text, offset, said))
        .or_else(|| open_text(before))
        .or_else(|| sign(before, rest, said))
        .or_else(|| brackets(before, rest, said))
}

fn merge_conflict(text: &str, offset: usize) -> Option<Hint> {
    let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let is_mark = |mark: &str| text[start..].starts_with(mark);
    if !["<<<<<<<", "=======", ">>>>>>>", "|||||||"]
        .into_iter()
        .any(is_mark)
    {
        return None;
    }
    let mut hint = instead(
        "a merge conflict was left in the file",
        "decide between the two sides, and delete the lines with `<<<<<<<`, `=======` and `>>>>>>>`",
    )?;
    hint.place = Some((start, start + 7));
    Some(hint)
}

fn another_language(tokens: &[Token<'_>]) -> Option<Hint> {
    let mut words = tokens
        .iter()
        .filter(|token| token.form != Form::LineBreak && !token.is_comment());
    let (first, second, third) = (words.next()?, words.next(), words.next());
    if first.is("{") || first.is("[") {
        return instead(
            "a file does not begin with a bracket",
            "for JSON, let the name of the file end in .hcl.json; for HCL, begin with a block, such as: cluster \"main\" { .. }",
        );
    }
    let is_list = first.form == Form::Word
        && second.is_some_and(|sign| sign.is(":"))
        && third.is_some_and(|sign| sign.is("-"));
    if is_list || (first.is("-") && second.is_some_and(|sign| sign.is("-"))) {
        return instead(
            "this looks like YAML",
            "a tenants file is HCL: clients = [{ name = \"client01\", databases = [\"db1\"] }]",
        );
    }
    None
}

/// Characters that look like others.
fn character(text: &str, offset: usize) -> Option<Hint> {
    let character = text[offset..].chars().next()?;
    match character {
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' | '\u{2018}' | '\u{2019}' => instead(
            format!("{} is no quotation mark of HCL", quote(&character.to_string())),
            "write straight quotes: \"db1\"",
        ),
        '\'' | '`' => instead(
            format!("text does not stand in {character}"),
            "write double quotes: \"db1\"",
        ),
        _ if !character.is_ascii() && (character.is_whitespace() || is_invisible(character)) => instead(
            format!("there is an invisible character, U+{:04X}", u32::from(character)),
            "replace it by a blank: it comes from a web page or a chat",
        ),
        ';' => instead(
            "`;` ends nothing in HCL",
            "leave it away: an argument ends with its line",
        ),
        _ => None,
    }
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
    )
}

fn within_text(text: &str, offset: usize, said: &str) -> Option<Hint> {
    if said.contains("escape sequence") {
        let start = text[..offset].rfind('\\')? + 1;
        let character = text[start..].chars().next()?;
        return instead(
            format!("there is no escape {}", quote(&format!("\\{character}"))),
            format!("a backslash itself is written twice: \\\\{character}"),
        );
    }
    if said.contains("heredoc") {
        let start = text[..offset].rfind("<<")?;
        let delimiter = text[start..].lines().next()?.trim_start_matches(['<', '-']);
        let mut hint = instead(
            "a heredoc is not closed",
            format!("end it with a line that holds {} alone", quote(delimiter)),
        )?;
        hint.place = Some((start, start + text[start..].lines().next()?.len()));
        return Some(hint);
    }
    None
}

/// A text that goes on in the next line was most likely not closed in its own.
fn open_text(before: &[Token<'_>]) -> Option<Hint> {
    let open = before
        .iter()
        .rev()
        .find(|token| token.form == Form::Text && token.text.contains('\n'))?;
    let line = open.text.lines().next()?.trim_end();
    let mut hint = instead(
        "a text goes on over the end of its line",
        "close it with a quotation mark; text of several lines is a heredoc: <<-END",
    )?;
    hint.place = Some((open.start, open.start + line.len()));
    Some(hint)
}

/// A sign that belongs to another language, or none where one belongs.
fn sign(before: &[Token<'_>], rest: &[Token<'_>], said: &str) -> Option<Hint> {
    let next = rest.first()?;
    let line: Vec<&Token<'_>> = before
        .iter()
        .rev()
        .take_while(|token| token.form != Form::LineBreak && !token.is("{"))
        .collect();
    let first = line.last().filter(|token| token.form == Form::Word)?;
    if next.is(":") && line.len() == 1 {
        return instead(
            format!("{} is followed by `:`", quote(first.text)),
            format!("an argument is written with `=`: {} = ..", first.text),
        );
    }
    if next.is("=") && line.len() > 1 {
        let label = line[line.len() - 2].text;
        return instead(
            "a block is written without `=`",
            format!("write: {} {label} {{ .. }}", first.text),
        );
    }
    if line.len() == 1 && said.contains("invalid structure") {
        return instead(
            format!("there is no `=` behind {}", quote(first.text)),
            format!("write: {} = ..", first.text),
        );
    }
    let is_value_over =
        line.iter().any(|token| token.is("=")) && open_bracket(before).is_none_or(|open| open.is("{"));
    if is_value_over && (next.is(",") || next.form == Form::Word) {
        return help("a block has each argument on a line of its own, without a comma");
    }
    None
}

/// The innermost bracket that is not closed.
fn open_bracket<'a>(before: &[Token<'a>]) -> Option<Token<'a>> {
    let mut depth = 0;
    before
        .iter()
        .rev()
        .find(|token| {
            depth += token.bracket();
            depth > 0
        })
        .copied()
}

fn brackets(before: &[Token<'_>], rest: &[Token<'_>], said: &str) -> Option<Hint> {
    let next = rest.first();
    let Some(open) = open_bracket(before) else {
        return match next {
            Some(next) if next.bracket() < 0 => instead(
                format!("nothing is open that {} closes", quote(next.text)),
                "delete it, or look for a bracket too many above",
            ),
            _ => None,
        };
    };
    let (close, wanted) = match open.text {
        "[" => ("]", "a list"),
        "(" => (")", "an argument list"),
        _ => ("}", "a block or an object"),
    };
    if !said.contains(&format!("`{close}`")) {
        return None;
    }
    let is_argument = rest.get(1).is_some_and(|sign| sign.is("="));
    let is_item = |next: &Token<'_>| next.bracket() == 0 && next.form != Form::LineBreak && !is_argument;
    let mut hint = match next {
        Some(next) if is_item(next) && open.text != "{" => instead(
            format!("expected `,` or `{close}`, found {}", quote(next.text)),
            "items are separated by commas",
        ),
        _ => instead(
            format!("{wanted} is not closed: expected `{close}`"),
            format!("add `{close}` where it ends"),
        ),
    }?;
    hint.related = Some((open.start, open.start + open.text.len(), "it begins here"));
    Some(hint)
}
