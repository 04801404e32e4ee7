//! The loaded files, and where in them something stands.

use super::Span;

/// Line and column, both from one; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// The names and texts of the loaded files.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    text: String,
    line_starts: Vec<usize>,
}

impl SourceMap {
    /// Adds a file and returns its index for [`Span::file`].
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        let text = text.into();
        let newlines = text.match_indices('\n');
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|(index, _)| index + 1))
            .collect();
        self.files.push(SourceFile {
            name: name.into(),
            text,
            line_starts,
        });
        self.files.len() - 1
    }

    /// The name to show for a file.
    pub fn name(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.name)
    }

    /// The whole text of a file.
    pub fn text(&self, file: usize) -> &str {
        self.files.get(file).map_or("", |file| &file.text)
    }

    /// The text a span covers; empty where the span lies outside.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.start..span.end).unwrap_or_default()
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Where a span begins.
    pub fn position(&self, span: Span) -> Position {
        let (line, start, text) = self.line_of(span);
        let column = text
            .get(..span.start.saturating_sub(start))
            .map_or(1, |before| before.chars().count() + 1);
        Position { line, column }
    }

    /// The line number, its offset and its text without the line ending.
    pub(super) fn line_of(&self, span: Span) -> (usize, usize, &str) {
        let Some(file) = self.files.get(span.file) else {
            return (1, 0, "");
        };
        let line = file.line_starts.partition_point(|start| *start <= span.start);
        let start = file.line_starts[line.saturating_sub(1)];
        let end = file
            .line_starts
            .get(line)
            .map_or(file.text.len(), |next| next - 1);
        let text = file.text.get(start..end).unwrap_or_default();
        (line, start, text.trim_end_matches('\r'))
    }
}
