//! What every stage of loading shares: the sources, the findings and the budget of evaluation.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use hcl::edit::Span as _;
use hcl::edit::expr::{Expression, ObjectKey};

use super::functions::Pattern;
use super::value::Value;
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};

/// Units of [`Value::size`] that evaluation may produce: a file of 16 MiB needs a fraction of it, while
/// lists of lists that double at every step end here.
const BUDGET: usize = 8_000_000;

/// Shared by the stages of one load.
pub(super) struct Context<'a> {
    pub sources: &'a SourceMap,
    pub diagnostics: Diagnostics,
    /// A file is missing or did not parse, so a name that is not known may well be in there.
    pub incomplete: bool,
    pub variables: HashMap<String, Value>,
    pub locals: HashMap<String, Value>,
    /// Regular expressions that were used lately.
    pub patterns: Vec<(Rc<str>, Pattern)>,
    budget: usize,
}

impl<'a> Context<'a> {
    pub fn new(sources: &'a SourceMap, incomplete: bool) -> Self {
        Self {
            sources,
            diagnostics: Diagnostics::default(),
            incomplete,
            variables: HashMap::new(),
            locals: HashMap::new(),
            patterns: Vec::new(),
            budget: BUDGET,
        }
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports and returns the value that keeps later stages silent about it.
    pub fn refuse(&mut self, diagnostic: Diagnostic) -> Value {
        let span = diagnostic.span.unwrap_or_default();
        self.push(diagnostic);
        Value::invalid(span)
    }

    /// Pays for a value; false, once reported, when the budget is used up.
    pub fn charge(&mut self, units: usize, span: Span) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget = self.budget.saturating_sub(units);
        if self.budget == 0 {
            self.push(
                Diagnostic::error("too_large", "the expressions make more values than fit")
                    .at(span)
                    .help("a loop over a list, or a reference to one, multiplies its size"),
            );
        }
        self.budget > 0
    }

    /// Begins something whose errors are an answer; [`Self::end_attempt`] wants back what this returns.
    pub fn begin_attempt(&mut self) -> Diagnostics {
        std::mem::take(&mut self.diagnostics)
    }

    /// Whether there was no error since. What used the budget up is reported all the same: nothing that follows has
    /// a value.
    pub fn end_attempt(&mut self, before: Diagnostics) -> bool {
        let during = self.take_diagnostics(before);
        let failed = during.has_errors();
        if !failed || self.budget == 0 {
            self.diagnostics.append(during);
        }
        !failed
    }

    /// What was found since [`Self::begin_attempt`].
    pub fn take_diagnostics(&mut self, before: Diagnostics) -> Diagnostics {
        std::mem::replace(&mut self.diagnostics, before)
    }

    /// The name of an attribute as the file spells it: see `syntax::parse` for why the tree may not.
    pub fn name_at(&self, span: Span) -> &str {
        self.sources.slice(span).trim_matches('"')
    }
}

/// The place of a node; empty for a node without one.
pub(super) fn span_in(file: usize, range: Option<Range<usize>>) -> Span {
    let range = range.unwrap_or_default();
    Span {
        file,
        start: range.start,
        end: range.end,
    }
}

/// The place of an expression.
pub(super) fn expression_span(file: usize, expression: &Expression) -> Span {
    span_in(file, expression.span())
}

/// The place of an object's key.
pub(super) fn key_span(file: usize, key: &ObjectKey) -> Span {
    span_in(file, key.span())
}
