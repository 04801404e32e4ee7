//! Text with `${ .. }`, `%{ if .. }` and `%{ for .. }` in it.

use std::borrow::Cow;

use hcl::edit::expr::Expression;
use hcl::edit::template::{Directive, Element, ForDirective, IfDirective, Strip, Template};

use super::{CONDITION, Evaluator, elements};
use crate::config::context::expression_span;
use crate::config::value::{Kind, Value, text_size};
use crate::diag::{Diagnostic, Span};

/// White space that goes.
#[derive(Clone, Copy, Default)]
struct Trim {
    /// At the beginning: a marker `~` before says so.
    start: bool,
    /// At the end.
    end: bool,
    /// Blanks of each line.
    indent: usize,
}

/// The whole text that a template is part of.
#[derive(Clone, Copy)]
struct Outer {
    span: Span,
    /// The blanks before each line of a `<<-` heredoc. The parser takes them away, but not inside of directives.
    indent: usize,
}

impl Evaluator<'_, '_> {
    /// The text; a single `${ .. }` is its value, of whatever type.
    pub(super) fn template_value(&mut self, expression: &Expression, span: Span) -> Value {
        let elements = elements(expression).unwrap_or_default();
        if let [Element::Interpolation(interpolation)] = elements.as_slice() {
            return self.eval(&interpolation.expr);
        }
        let indent = match expression {
            Expression::HeredocTemplate(heredoc) => heredoc.indent(),
            _ => None,
        };
        let outer = Outer {
            span,
            indent: indent.unwrap_or(0),
        };
        let mut text = String::new();
        match self.render(&elements, Trim::default(), outer, &mut text) {
            Some(()) => Value::string(&text, span),
            None => Value::invalid(span),
        }
    }

    /// Adds the text of the elements; none after an error, which is reported.
    fn render(&mut self, elements: &[&Element], trim: Trim, outer: Outer, text: &mut String) -> Option<()> {
        for (index, element) in elements.iter().enumerate() {
            if !self.context.charge(1, outer.span) {
                return None;
            }
            match element {
                Element::Literal(literal) => {
                    let before = index.checked_sub(1).and_then(|index| elements.get(index));
                    let behind = elements.get(index + 1);
                    let dedented = dedent(literal, trim.indent);
                    let mut part = &*dedented;
                    if before.map_or(trim.start, |element| strips(element).1) {
                        part = part.trim_start();
                    }
                    if behind.map_or(trim.end, |element| strips(element).0) {
                        part = part.trim_end();
                    }
                    self.push(text, part, outer.span)?;
                }
                Element::Interpolation(interpolation) => {
                    let value = self.eval(&interpolation.expr);
                    let Some(part) = value.to_text() else {
                        let place = expression_span(self.file, &interpolation.expr);
                        self.not_text(&value, place);
                        return None;
                    };
                    self.push(text, &part, outer.span)?;
                }
                Element::Directive(directive) => match &**directive {
                    Directive::If(directive) => self.render_if(directive, outer, text)?,
                    Directive::For(directive) => self.render_for(directive, outer, text)?,
                },
            }
        }
        Some(())
    }

    fn not_text(&mut self, value: &Value, place: Span) {
        if value.is_invalid() {
            return;
        }
        let mut refusal = Diagnostic::error(
            "wrong_type",
            format!("expected text in a template, found {}", value.type_name()),
        )
        .at(place)
        .from_elsewhere(value.span);
        refusal.help = match value.kind {
            Kind::List(_) | Kind::Set(_) => Some("join the items: join(\", \", list)".to_owned()),
            Kind::Object(_) => Some("take one of its items, or use jsonencode()".to_owned()),
            Kind::Null => Some("coalesce(value, \"other\") gives another value for null".to_owned()),
            _ => None,
        };
        self.context.push(refusal);
    }

    fn push(&mut self, text: &mut String, part: &str, span: Span) -> Option<()> {
        if !self.context.charge(text_size(part.len()), span) {
            return None;
        }
        text.push_str(part);
        Some(())
    }

    fn render_if(&mut self, directive: &IfDirective, outer: Outer, text: &mut String) -> Option<()> {
        let condition = self.eval(&directive.if_expr.cond_expr);
        let Kind::Bool(is_true) = condition.kind else {
            let place = expression_span(self.file, &directive.if_expr.cond_expr);
            self.expected(CONDITION, &condition, place);
            return None;
        };
        let end = directive.endif_expr.strip;
        let (template, before, behind) = match &directive.else_expr {
            _ if is_true => {
                let behind = directive.else_expr.as_ref().map_or(end, |other| other.strip);
                (&directive.if_expr.template, directive.if_expr.strip, behind)
            }
            Some(other) => (&other.template, other.strip, end),
            None => return Some(()),
        };
        self.render_inner(template, before, behind, outer, text)
    }

    fn render_for(&mut self, directive: &ForDirective, outer: Outer, text: &mut String) -> Option<()> {
        let head = &directive.for_expr;
        let collection = self.eval(&head.collection_expr);
        let place = expression_span(self.file, &head.collection_expr);
        let depth = self.bindings.len();
        for (key, item) in self.rounds(&collection, place)? {
            if let Some(name) = &head.key_var {
                self.bindings.push((name.as_str().into(), key));
            }
            self.bindings.push((head.value_var.as_str().into(), item));
            let rendered = self.render_inner(
                &head.template,
                head.strip,
                directive.endfor_expr.strip,
                outer,
                text,
            );
            self.bindings.truncate(depth);
            rendered?;
        }
        Some(())
    }

    fn render_inner(
        &mut self,
        template: &Template,
        before: Strip,
        behind: Strip,
        outer: Outer,
        text: &mut String,
    ) -> Option<()> {
        let elements: Vec<&Element> = template.iter().collect();
        let trim = Trim {
            start: before.strip_end(),
            end: behind.strip_start(),
            indent: outer.indent,
        };
        self.render(&elements, trim, outer, text)
    }
}

/// Takes blanks away behind each line break.
fn dedent(text: &str, indent: usize) -> Cow<'_, str> {
    if indent == 0 {
        return text.into();
    }
    let mut lines = text.split('\n');
    let mut dedented = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        dedented.push('\n');
        dedented.push_str(&line[blanks.min(indent)..]);
    }
    dedented.into()
}

/// Whether an element takes the white space before and behind it away.
fn strips(element: &Element) -> (bool, bool) {
    let (first, last) = match element {
        Element::Literal(_) => return (false, false),
        Element::Interpolation(interpolation) => (interpolation.strip, interpolation.strip),
        Element::Directive(directive) => match &**directive {
            Directive::If(directive) => (directive.if_expr.strip, directive.endif_expr.strip),
            Directive::For(directive) => (directive.for_expr.strip, directive.endfor_expr.strip),
        },
    };
    (first.strip_start(), last.strip_end())
}
