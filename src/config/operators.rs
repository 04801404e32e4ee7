//! Operators of expressions. Integers are computed exactly; what overflows is an error, never a panic.

use hcl::edit::Number;
use hcl::edit::expr::{BinaryOperator, UnaryOperator};

use super::context::Context;
use super::value::{Kind, Value, compare_numbers};
use crate::diag::{Diagnostic, Span};

/// `!a` and `-a`.
pub(super) fn unary(context: &mut Context<'_>, operator: UnaryOperator, value: &Value, span: Span) -> Value {
    match (operator, &value.kind) {
        (_, Kind::Invalid) => value.clone(),
        (UnaryOperator::Not, Kind::Bool(value)) => Value::new(Kind::Bool(!value), span),
        (UnaryOperator::Neg, Kind::Number(number)) => number_value(
            context,
            arithmetic(BinaryOperator::Minus, Number::from(0_u64), *number),
            span,
        ),
        (operator, _) => context.refuse(
            Diagnostic::error(
                "wrong_type",
                format!("`{}` does not apply to {}", operator.as_str(), value.type_name()),
            )
            .at(span)
            .help("`!` turns a bool round, `-` a number"),
        ),
    }
}

/// `a op b`.
pub(super) fn binary(
    context: &mut Context<'_>,
    left: &Value,
    operator: BinaryOperator,
    right: &Value,
    span: Span,
) -> Value {
    if left.is_invalid() || right.is_invalid() {
        return Value::invalid(span);
    }
    let kind = match (&left.kind, operator, &right.kind) {
        (_, BinaryOperator::Eq, _) => Kind::Bool(left == right),
        (_, BinaryOperator::NotEq, _) => Kind::Bool(left != right),
        (Kind::Bool(a), BinaryOperator::And, Kind::Bool(b)) => Kind::Bool(*a && *b),
        (Kind::Bool(a), BinaryOperator::Or, Kind::Bool(b)) => Kind::Bool(*a || *b),
        (Kind::Number(a), BinaryOperator::LessEq, Kind::Number(b)) => {
            Kind::Bool(compare_numbers(*a, *b).is_le())
        }
        (Kind::Number(a), BinaryOperator::GreaterEq, Kind::Number(b)) => {
            Kind::Bool(compare_numbers(*a, *b).is_ge())
        }
        (Kind::Number(a), BinaryOperator::Less, Kind::Number(b)) => {
            Kind::Bool(compare_numbers(*a, *b).is_lt())
        }
        (Kind::Number(a), BinaryOperator::Greater, Kind::Number(b)) => {
            Kind::Bool(compare_numbers(*a, *b).is_gt())
        }
        (
            Kind::Number(a),
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Mul
            | BinaryOperator::Div
            | BinaryOperator::Mod,
            Kind::Number(b),
        ) => {
            let is_division = matches!(operator, BinaryOperator::Div | BinaryOperator::Mod);
            if is_division && b.as_f64() == Some(0.0) {
                let refusal = Diagnostic::error("arithmetic", "a division by zero").at(span);
                return context.refuse(refusal.help("ask before: b == 0 ? 0 : a / b"));
            }
            return number_value(context, arithmetic(operator, *a, *b), span);
        }
        _ => {
            let (sign, left_type, right_type) = (operator.as_str(), left.type_name(), right.type_name());
            let message = format!("`{sign}` does not apply to {left_type} and {right_type}");
            let mut refusal = Diagnostic::error("wrong_type", message).at(span);
            let is_text = |value: &Value| matches!(value.kind, Kind::String(_));
            refusal.help = Some(if is_text(left) || is_text(right) {
                match operator {
                    BinaryOperator::Plus => {
                        "texts are put together in a template, \"${a}${b}\"; tonumber(..) makes a number of a text".to_owned()
                    }
                    _ => "tonumber(..) makes a number of a text, tobool(..) a bool".to_owned(),
                }
            } else {
                "arithmetic and order are of numbers, `&&` and `||` of bools".to_owned()
            });
            return context.refuse(refusal);
        }
    };
    Value::new(kind, span)
}

fn number_value(context: &mut Context<'_>, number: Option<Number>, span: Span) -> Value {
    match number {
        Some(number) => Value::new(Kind::Number(number), span),
        None => context.refuse(
            Diagnostic::error("arithmetic", "the result is too large for a number")
                .at(span)
                .help("a number is at most some 1.8e308, and exact up to 64 bits"),
        ),
    }
}

fn arithmetic(operator: BinaryOperator, a: Number, b: Number) -> Option<Number> {
    let exact = match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => match operator {
            BinaryOperator::Plus => a.checked_add(b),
            BinaryOperator::Minus => a.checked_sub(b),
            BinaryOperator::Mul => a.checked_mul(b),
            BinaryOperator::Mod => a.checked_rem(b),
            BinaryOperator::Div => a.checked_rem(b).filter(|rest| *rest == 0).map(|_| a / b),
            _ => None,
        },
        _ => None,
    };
    if let Some(exact) = exact {
        return Some(Number::from(exact));
    }
    let (a, b) = (a.as_f64()?, b.as_f64()?);
    let result = match operator {
        BinaryOperator::Plus => a + b,
        BinaryOperator::Minus => a - b,
        BinaryOperator::Mul => a * b,
        BinaryOperator::Div => a / b,
        BinaryOperator::Mod => a % b,
        _ => return None,
    };
    Number::from_f64(result)
}
