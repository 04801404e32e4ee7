//! Calls of functions.

use hcl::edit::Span as _;
use hcl::edit::expr::{Expression, FuncCall};

use super::Evaluator;
use crate::config::context::{expression_span, span_in};
use crate::config::functions::{self, Argument, Body};
use crate::config::value::{Kind, Value};
use crate::diag::{Diagnostic, Span, quote};

impl Evaluator<'_, '_> {
    pub(super) fn call(&mut self, call: &FuncCall, span: Span) -> Value {
        let place = span_in(self.file, call.name.name.span());
        let name = call.name.name.as_str();
        if call.name.is_namespaced() {
            let message = format!("{} belongs to a provider of Terraform", quote(name));
            return self.context.refuse(
                Diagnostic::error("function_call", message)
                    .at(place)
                    .help("the functions of the language itself are listed in docs/tenants-file.md"),
            );
        }
        let Some(function) = functions::find(name) else {
            // The suggestion looks at every name, and `try` may ask for it many times over.
            self.context.charge(200, span);
            return self.context.refuse(functions::unknown(name, place));
        };
        let expressions: Vec<&Expression> = call.args.iter().collect();
        let run = match function.body {
            Body::Values(run) => run,
            body => {
                // The expressions themselves are what these take: a list of values is none.
                let places: Vec<Span> = expressions
                    .iter()
                    .map(|expression| expression_span(self.file, expression))
                    .collect();
                return match functions::check_arity(function, span, &places) {
                    Some(refusal) => self.context.refuse(refusal),
                    None if matches!(body, Body::Can) => self.can(expressions[0], span),
                    None => self.first_of(&expressions, span),
                };
            }
        };
        let Some(arguments) = self.arguments(&expressions, call.args.expand_final()) else {
            return Value::invalid(span);
        };
        let places: Vec<Span> = arguments.iter().map(|argument| argument.span).collect();
        match functions::check_arity(function, span, &places) {
            Some(refusal) => self.context.refuse(refusal),
            None => functions::run(self.context, function, run, arguments, span),
        }
    }

    /// The values of the arguments; `f(list...)` gives each item of the list as one.
    fn arguments(&mut self, expressions: &[&Expression], expand: bool) -> Option<Vec<Argument>> {
        let mut arguments = Vec::with_capacity(expressions.len());
        for (index, expression) in expressions.iter().enumerate() {
            let value = self.eval(expression);
            let span = expression_span(self.file, expression);
            if !expand || index + 1 < expressions.len() {
                arguments.push(Argument { value, span });
                continue;
            }
            let Some(items) = value.items() else {
                self.expected("a list before `...`", &value, span);
                return None;
            };
            arguments.extend(items.iter().map(|item| Argument {
                value: item.clone(),
                span,
            }));
        }
        Some(arguments)
    }

    /// The value of the first expression without an error, and what was wrong with the last if there is none.
    fn first_of(&mut self, expressions: &[&Expression], span: Span) -> Value {
        let Some((last, others)) = expressions.split_last() else {
            return Value::invalid(span);
        };
        for expression in others {
            if let Some(value) = self.attempt(expression) {
                return value;
            }
        }
        self.eval(last)
    }

    fn can(&mut self, expression: &Expression, span: Span) -> Value {
        match self.attempt(expression) {
            Some(value) if value.is_invalid() => value,
            value => Value::new(Kind::Bool(value.is_some()), span),
        }
    }

    /// The value; none where there was an error, which is forgotten.
    fn attempt(&mut self, expression: &Expression) -> Option<Value> {
        let before = self.context.begin_attempt();
        let depth = self.bindings.len();
        let value = self.eval(expression);
        self.bindings.truncate(depth);
        self.context.end_attempt(before).then_some(value)
    }
}
