//! The words and signs of a text, for what looks at its form rather than at its meaning. Never fails: what is no HCL comes
//! out as signs.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A name or a keyword.
    Word,
    Number,
    /// A quoted text with its quotes, and all that it interpolates.
    Text,
    /// From `<<` to its end delimiter.
    Heredoc,
    /// `#` or `//` to the end of the line, without that.
    LineComment,
    /// `/* .. */`
    BlockComment,
    /// A line break, as it is written.
    LineBreak,
    Sign,
}

/// A token and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub form: Form,
    pub text: &'a str,
    pub start: usize,
}

impl Token<'_> {
    pub fn is(&self, sign: &str) -> bool {
        self.form == Form::Sign && self.text == sign
    }

    pub fn is_comment(&self) -> bool {
        matches!(self.form, Form::LineComment | Form::BlockComment)
    }

    /// 1 for an opening bracket, -1 for a closing one.
    pub fn bracket(&self) -> i32 {
        match self.text {
            "{" | "[" | "(" if self.form == Form::Sign => 1,
            "}" | "]" | ")" if self.form == Form::Sign => -1,
            _ => 0,
        }
    }
}

/// Signs of more than one character, the longest first.
const SIGNS: [&str; 10] = ["...", "==", "!=", "<=", ">=", "&&", "||", "=>", "::", "${"];

/// Lines of a text beyond which its tokens would take too much memory; what parses has fewer words and signs than that.
const LINES: usize = 1_000_000;

/// Whether a text has more lines than a file of 50,000 tenants.
pub(super) fn is_long(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'\n').nth(LINES).is_some()
}

/// All tokens; what lies between two is blank.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let (form, length) = match first {
            '\n' => (Some(Form::LineBreak), 1),
            '\r' if rest.starts_with("\r\n") => (Some(Form::LineBreak), 2),
            _ if first.is_ascii_whitespace() => (None, 1),
            '#' => (Some(Form::LineComment), line(rest)),
            '/' if rest.starts_with("//") => (Some(Form::LineComment), line(rest)),
            '/' if rest.starts_with("/*") => (
                Some(Form::BlockComment),
                rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            ),
            '"' => (Some(Form::Text), quoted(rest)),
            '<' if heredoc(rest).is_some() => (Some(Form::Heredoc), heredoc(rest).unwrap_or(rest.len())),
            _ if first.is_ascii_digit() => (Some(Form::Number), number(rest)),
            _ if is_word_start(first) => (Some(Form::Word), word(rest)),
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                (Some(Form::Sign), sign.map_or(first.len_utf8(), |sign| sign.len()))
            }
        };
        if let Some(form) = form {
            tokens.push(Token {
                form,
                text: &rest[..length],
                start,
            });
        }
        start += length;
    }
    tokens
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn word(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || is_mark(c);
    text.find(|c| !is_part(c)).unwrap_or(text.len())
}

/// Marks that go with letters: no blank is put between the two.
fn is_mark(character: char) -> bool {
    !character.is_ascii() && !character.is_whitespace() && !character.is_control()
}

/// `1`, `1.5`, `1e-3`.
fn number(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = &text[from..];
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut end = digits(0);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// To the end of the line, without it.
fn line(text: &str) -> usize {
    let end = text.find('\n').unwrap_or(text.len());
    text[..end].strip_suffix('\r').map_or(end, str::len)
}

/// A quoted text from its quote on; all that is left where it is not closed.
fn quoted(text: &str) -> usize {
    // Open brackets of what is interpolated, and texts within it: true for a text.
    let mut open = vec![true];
    let mut at = 1;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let in_text = open.last() == Some(&true);
        let is_escaped = rest.starts_with("$${") || rest.starts_with("%%{");
        let length = match character {
            '\\' if in_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ if in_text && is_escaped => 3,
            '$' | '%' if in_text && rest[1..].starts_with('{') => {
                open.push(false);
                2
            }
            '"' if in_text => {
                open.pop();
                1
            }
            '"' => {
                open.push(true);
                1
            }
            '{' if !in_text => {
                open.push(false);
                1
            }
            '}' if !in_text => {
                open.pop();
                1
            }
            _ => character.len_utf8(),
        };
        at += length;
        if open.is_empty() {
            return at;
        }
    }
    text.len()
}

/// A heredoc from its `<<` on; none where this is no heredoc, all that is left where it is not closed.
fn heredoc(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("<<")?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    if !rest.starts_with(is_word_start) {
        return None;
    }
    let delimiter = &rest[..word(rest)];
    let body = &rest[delimiter.len()..];
    let body = body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n'))?;
    let mut at = text.len() - body.len();
    for line in body.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let behind = content.strip_prefix(delimiter);
        if behind.is_some_and(|behind| word(behind) == 0) {
            return Some(at + line.len() - content.len() + delimiter.len());
        }
        at += line.len();
    }
    Some(text.len())
}
