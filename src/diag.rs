//! Diagnostics with a place in the source.
//!
//! Configuration is checked whole: every stage pushes what it finds into [`Diagnostics`] and goes on. The text of the
//! files comes from a pull request at worst, so rendering shows no control character and never more than a
//! window of a line.

mod located;
mod problem;
mod render;
mod source;

use std::collections::BTreeSet;

use serde::Serialize;

pub use self::located::{Excerpt, LocatedDiagnostic, RelatedPlace};
pub use self::problem::Problem;
pub use self::source::{Position, SourceMap};

/// The number of diagnostics that are kept; the rest is only counted.
const KEPT: usize = 1000;
/// The number of diagnostics that are rendered for people.
const RENDERED: usize = 100;
/// The number of characters of a quoted value in a message, at most.
const QUOTE_WINDOW: usize = 80;

/// A range of bytes in one of the loaded files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index into the source map.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Whether a diagnostic stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is planned.
    Error,
    /// Worth a look.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the run.
    pub severity: Severity,
    /// A stable name in `snake_case`, for scripts.
    pub code: &'static str,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Option<Span>,
    /// Another place that belongs to it, such as the first of two definitions.
    pub related: Option<(Span, String)>,
    /// Why, where the message does not say it.
    pub cause: Option<String>,
    /// What to do next.
    pub help: Option<String>,
    /// The source line may hold a secret: only its place is shown.
    pub concealed: bool,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            span: None,
            related: None,
            cause: None,
            help: None,
            concealed: false,
        }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds a second place and what it shows.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }

    /// Adds the place that the value was written at, unless that lies within the one that is shown.
    #[must_use]
    pub fn from_elsewhere(self, value: Span) -> Self {
        let is_within =
            |span: Span| span.file == value.file && span.start <= value.start && value.end <= span.end;
        if self.related.is_some() || self.span.is_none_or(is_within) {
            return self;
        }
        self.related(value, "the value is written here")
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Keeps the source line out of every output.
    #[must_use]
    pub fn conceal(mut self) -> Self {
        self.concealed = true;
        self
    }
}

impl From<Problem> for Diagnostic {
    fn from(problem: Problem) -> Self {
        Self {
            cause: problem.cause,
            help: problem.help,
            ..Self::error(problem.code, problem.message)
        }
    }
}

/// How to render for people.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With ANSI colours.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 140,
        }
    }
}

/// Findings, in the order of [`Diagnostics::sort`] once a stage is done.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Warnings in the list, at most: most lists that are full hold none, and nobody has to look for one.
    warnings: usize,
    errors: usize,
    dropped: usize,
}

impl Diagnostics {
    /// Adds one; beyond a thousand they are only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        if self.list.len() < KEPT {
            self.warnings += usize::from(diagnostic.severity == Severity::Warning);
            self.list.push(diagnostic);
        } else if let Some(warning) = self.replaceable(&diagnostic) {
            self.list[warning] = diagnostic;
            self.warnings -= 1;
            self.dropped += 1;
        } else {
            self.dropped += 1;
        }
    }

    /// An error displaces a warning: what stops the run has to be seen.
    fn replaceable(&self, diagnostic: &Diagnostic) -> Option<usize> {
        let is_error = diagnostic.severity == Severity::Error && self.warnings > 0;
        let warning = || {
            self.list
                .iter()
                .rposition(|kept| kept.severity == Severity::Warning)
        };
        is_error.then(warning).flatten()
    }

    /// Adds all.
    pub fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    /// Moves another collection's findings here.
    pub fn append(&mut self, other: Self) {
        let shown_errors = |list: &[Diagnostic]| {
            let is_error = |kept: &&Diagnostic| kept.severity == Severity::Error;
            list.iter().filter(is_error).count()
        };
        self.errors += other.errors - shown_errors(&other.list);
        self.dropped += other.dropped;
        self.extend(other.list);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The number of errors so far.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Orders by file and offset, those without a place first, and drops exact repetitions.
    pub fn sort(&mut self) {
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.span, d.severity, d.code);
            key(a)
                .cmp(&key(b))
                .then_with(|| a.message.cmp(&b.message))
                .then_with(|| a.related.cmp(&b.related))
        });
        self.list.dedup();
    }

    /// The form of `validate --json`.
    pub fn located(&self, sources: &SourceMap) -> Vec<LocatedDiagnostic> {
        self.iter()
            .map(|diagnostic| LocatedDiagnostic::new(diagnostic, sources))
            .collect()
    }

    /// The form for people: message, place, the source line and what to do.
    pub fn render(&self, sources: &SourceMap, style: Style) -> String {
        let mut shown: Vec<&Diagnostic> = self.list.iter().collect();
        if shown.len() > RENDERED {
            // What stops the run is not hidden behind what does not.
            shown.sort_by_key(|diagnostic| diagnostic.severity);
            shown.truncate(RENDERED);
        }
        let mut text = render::render(shown.into_iter(), sources, style);
        let hidden = self.list.len().saturating_sub(RENDERED) + self.dropped;
        if hidden > 0 {
            text.push_str(&format!("... and {hidden} more\n"));
        }
        text
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A value for a message: in backquotes, control characters escaped, shortened.
pub fn quote(value: &str) -> String {
    let mut shown: String = value
        .chars()
        .take(QUOTE_WINDOW)
        .flat_map(|character| {
            let escaped = character.is_control().then(|| character.escape_default());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if value.chars().nth(QUOTE_WINDOW).is_some() {
        shown.push_str("...");
    }
    format!("`{shown}`")
}

/// `did you mean ...` for a name that is not known, if one is near.
pub fn suggestion<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: BTreeSet<&str> = known.into_iter().collect();
    // The distance is quadratic in the length, and no known name is long.
    if unknown.len() > QUOTE_WINDOW {
        return None;
    }
    let nearest = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    Some(format!("did you mean {}?", quote(nearest.1)))
}
