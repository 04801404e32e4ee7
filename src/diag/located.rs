//! A diagnostic as `validate --json` prints it: all that people are told, for programs.

use serde::Serialize;

use super::{Diagnostic, Severity, SourceMap, Span};

/// The most characters of a line that are shown.
const WINDOW: usize = 400;

/// A diagnostic with its place spelled out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedDiagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The stable name.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The file, as it was named.
    pub file: Option<String>,
    /// Its line, from one.
    pub line: Option<usize>,
    /// Its column in characters, from one.
    pub column: Option<usize>,
    /// The line itself; absent where it may hold a secret.
    pub excerpt: Option<Excerpt>,
    /// A second place that belongs to it.
    pub related: Option<RelatedPlace>,
    /// Why, where the message does not say it.
    pub cause: Option<String>,
    /// What to do next.
    pub help: Option<String>,
}

/// A line of a file and the part of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The line without its line break, cut to 400 characters.
    pub text: String,
    /// The first character that is meant, from one.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

/// Another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedPlace {
    /// What is there.
    pub message: String,
    /// The file, as it was named.
    pub file: String,
    /// Its line, from one.
    pub line: usize,
    /// Its column in characters, from one.
    pub column: usize,
}

impl LocatedDiagnostic {
    pub(super) fn new(diagnostic: &Diagnostic, sources: &SourceMap) -> Self {
        let position = diagnostic.span.map(|span| sources.position(span));
        let shown = diagnostic.span.filter(|_| !diagnostic.concealed);
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            message: diagnostic.message.clone(),
            file: diagnostic.span.map(|span| sources.name(span.file).to_owned()),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            excerpt: shown.and_then(|span| excerpt(sources, span)),
            related: diagnostic.related.as_ref().map(|(span, message)| {
                let position = sources.position(*span);
                RelatedPlace {
                    message: message.clone(),
                    file: sources.name(span.file).to_owned(),
                    line: position.line,
                    column: position.column,
                }
            }),
            cause: diagnostic.cause.clone(),
            help: diagnostic.help.clone(),
        }
    }
}

/// The line; none where what is meant lies beyond the window.
fn excerpt(sources: &SourceMap, span: Span) -> Option<Excerpt> {
    let (_, line_start, line) = sources.line_of(span);
    let column = |offset: usize| {
        let before = line.get(..offset.saturating_sub(line_start).min(line.len()));
        before.map(|before| before.chars().count() + 1)
    };
    let (start, end) = (column(span.start)?, column(span.end)?);
    (start <= WINDOW).then(|| Excerpt {
        text: line.chars().take(WINDOW).collect(),
        start,
        end: end.clamp(start, WINDOW + 1),
    })
}
