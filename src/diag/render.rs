//! Diagnostics for people, by the renderer of rustc and cargo.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::{Diagnostic, Severity, SourceMap, Span, Style};

/// A line beyond this many bytes is cut before the renderer, which fits it to the terminal, sees it.
const LONG_LINE: usize = 4000;
/// The bytes that are left of such a line.
const LINE_WINDOW: usize = 160;

/// Renders each, with a blank line behind it.
pub(super) fn render<'a>(
    diagnostics: impl Iterator<Item = &'a Diagnostic>,
    sources: &SourceMap,
    style: Style,
) -> String {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    }
    .term_width(style.width);
    diagnostics
        .map(|diagnostic| render_one(&renderer, sources, diagnostic) + "\n\n")
        .collect()
}

fn render_one(renderer: &Renderer, sources: &SourceMap, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(diagnostic.message.clone())
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    if let Some(span) = diagnostic.span {
        group = show_place(group, sources, span, diagnostic.concealed);
    }
    if let Some(cause) = &diagnostic.cause {
        let level = Level::NOTE.with_name("cause");
        group = group.element(level.message(normalize_untrusted_str(cause)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let mut report = vec![group];
    if let Some((span, label)) = &diagnostic.related {
        let title = Level::NOTE.secondary_title(normalize_untrusted_str(label));
        report.push(show_place(
            Group::with_title(title),
            sources,
            *span,
            diagnostic.concealed,
        ));
    }
    renderer.render(&report)
}

/// Adds the place and its line.
fn show_place<'a>(group: Group<'a>, sources: &SourceMap, span: Span, concealed: bool) -> Group<'a> {
    let position = sources.position(span);
    let path = normalize_untrusted_str(sources.name(span.file));
    let (line, start, text) = sources.line_of(span);
    let from = floor(text, span.start.saturating_sub(start).min(text.len()));
    let to = floor(text, span.end.saturating_sub(start).min(text.len())).max(from);
    let snippet = |text: String, range: Range<usize>| {
        Snippet::source(text)
            .line_start(line)
            .annotation(AnnotationKind::Primary.span(range))
    };
    if !concealed && text.len() <= LONG_LINE {
        return group.element(snippet(text.to_owned(), from..to).path(path));
    }
    // The column is that of the whole line, which the snippet does not see.
    let origin = Origin::path(path)
        .line(position.line)
        .char_column(position.column);
    let group = group.element(origin);
    if concealed {
        return group;
    }
    let (text, from, to) = window(text, from, to);
    group.element(snippet(text, from..to))
}

fn floor(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

/// Cuts a long line down to what surrounds `from..to`.
fn window(text: &str, from: usize, to: usize) -> (String, usize, usize) {
    let begin = floor(text, from.saturating_sub(LINE_WINDOW / 4));
    let end = floor(text, (begin + LINE_WINDOW).min(text.len()));
    let lead = if begin > 0 { "..." } else { "" };
    let trail = if end < text.len() { "..." } else { "" };
    let shift = |index: usize| index.clamp(begin, end) - begin + lead.len();
    let cut = format!("{lead}{}{trail}", &text[begin..end]);
    (cut, shift(from), shift(to))
}
