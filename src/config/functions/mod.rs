//! The functions: one table a group. Calls, suggestions and the reference come from it.
//!
//! They mean what Terraform's of the same name mean (<https://developer.hashicorp.com/terraform/language/functions>),
//! over numbers of 64 bits. None reads a file, the environment, the clock or a source of chance, and each pays for what it
//! makes before it makes it: a hostile file costs neither memory nor the day.

mod absent;
mod call;
mod collections;
mod conversions;
mod encodings;
mod formats;
mod json;
mod lists;
mod networks;
mod numbers;
mod patterns;
mod sets;
mod strings;

use self::call::Outcome;
pub(super) use self::call::{Argument, Call, as_number};
pub(super) use self::conversions::as_bool;
pub(super) use self::patterns::Pattern;
use super::context::Context;
use super::value::Value;
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// One function.
pub(super) struct Function {
    pub name: &'static str,
    /// Names, in order; one that ends in `?` may be left away, and the last may end in `...`.
    pub parameters: &'static [&'static str],
    /// What it returns, in one sentence without a full stop.
    pub meaning: &'static str,
    pub body: Body,
}

/// What a call runs.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// Over the values of its arguments.
    Values(fn(&mut Call<'_, '_>) -> Outcome),
    /// `try`: arguments are evaluated one by one, and an error in one leads to the next.
    Try,
    /// `can`: whether its argument evaluates without an error.
    Can,
}

impl Function {
    const fn new(
        name: &'static str,
        parameters: &'static [&'static str],
        meaning: &'static str,
        run: fn(&mut Call<'_, '_>) -> Outcome,
    ) -> Self {
        Self {
            name,
            parameters,
            meaning,
            body: Body::Values(run),
        }
    }

    /// Such as `lookup(map, key[, default])`.
    pub fn signature(&self) -> String {
        let mut shown = String::new();
        for parameter in self.parameters {
            let separator = if shown.is_empty() { "" } else { ", " };
            match parameter.strip_suffix('?') {
                Some(optional) => shown.push_str(&format!("[{separator}{optional}]")),
                None => shown.push_str(&format!("{separator}{parameter}")),
            }
        }
        format!("{}({shown})", self.name)
    }

    /// The fewest arguments, and the most if there is such a number.
    pub fn arity(&self) -> (usize, Option<usize>) {
        let is_required = |name: &&&str| !name.ends_with('?') && !name.ends_with("...");
        let fewest = self.parameters.iter().filter(is_required).count();
        let is_open = self.parameters.last().is_some_and(|name| name.ends_with("..."));
        (fewest, (!is_open).then_some(self.parameters.len()))
    }

    /// The name of the parameter that the argument of this index belongs to.
    pub fn parameter(&self, index: usize) -> &'static str {
        let last = self.parameters.len().saturating_sub(1);
        let name = self.parameters.get(index.min(last)).copied().unwrap_or_default();
        name.trim_end_matches(['?', '.'])
    }
}

/// All functions, by group, in the order of the reference.
pub(super) const GROUPS: [(&str, &[Function]); 6] = [
    ("Strings", strings::FUNCTIONS),
    ("Numbers", numbers::FUNCTIONS),
    ("Collections", collections::FUNCTIONS),
    ("Encodings", encodings::FUNCTIONS),
    ("Networks", networks::FUNCTIONS),
    ("Types", conversions::FUNCTIONS),
];

fn all() -> impl Iterator<Item = &'static Function> {
    GROUPS.iter().flat_map(|(_, functions)| functions.iter())
}

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// What is said about a name that no function has.
pub(super) fn unknown(name: &str, place: Span) -> Diagnostic {
    if let Some(why) = absent::why(name) {
        let message = format!(
            "{} is not available in a tenants file",
            quote(&format!("{name}()"))
        );
        return Diagnostic::error("function_call", message).at(place).help(why);
    }
    let message = format!("there is no function {}", quote(&format!("{name}()")));
    let help = suggestion(name, all().map(|function| function.name))
        .unwrap_or_else(|| "the functions are listed in docs/tenants-file.md".to_owned());
    Diagnostic::error("unknown_function", message)
        .at(place)
        .help(help)
}

/// What is wrong with the number of arguments, if something is; `places` are those of the arguments.
pub(super) fn check_arity(function: &Function, call: Span, places: &[Span]) -> Option<Diagnostic> {
    let (fewest, most) = function.arity();
    let given = places.len();
    let wanted = match (fewest, most) {
        (fewest, Some(most)) if (fewest..=most).contains(&given) => return None,
        (fewest, None) if given >= fewest => return None,
        (fewest, Some(most)) if fewest == most => format!("{fewest}"),
        (fewest, Some(most)) => format!("{fewest} to {most}"),
        (fewest, None) => format!("at least {fewest}"),
    };
    let plural = if wanted.ends_with('1') { "" } else { "s" };
    let message = format!(
        "`{}()` takes {wanted} argument{plural}, found {given}",
        function.name
    );
    // What is too many begins where nobody takes it; what is missing has no place but the call.
    let extra = most.and_then(|most| places.get(most));
    Some(
        Diagnostic::error("wrong_argument", message)
            .at(extra.copied().unwrap_or(call))
            .help(format!("write: {}", function.signature())),
    )
}

/// Calls a function.
pub(super) fn run(
    context: &mut Context<'_>,
    function: &'static Function,
    run: fn(&mut Call<'_, '_>) -> Outcome,
    arguments: Vec<Argument>,
    span: Span,
) -> Value {
    if arguments.iter().any(|argument| argument.value.is_invalid()) {
        return Value::invalid(span);
    }
    let mut call = Call {
        context,
        function,
        span,
        arguments,
    };
    let value = match run(&mut call) {
        Ok(value) => value,
        Err(fault) => {
            if let Some(mut diagnostic) = fault.0 {
                let about = || format!("{}: {}", function.signature(), function.meaning);
                diagnostic.help.get_or_insert_with(about);
                call.context.push(*diagnostic);
            }
            return Value::invalid(span);
        }
    };
    if call.context.charge(value.size, span) {
        value
    } else {
        Value::invalid(span)
    }
}
