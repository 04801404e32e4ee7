//! As much of GitHub's expressions as the workflows use: https://docs.github.com/actions/reference/evaluate-expressions-in-workflows-and-actions

use serde_json::Value;

/// A text with every `${{ .. }}` in it replaced.
pub fn filled(text: &str, context: &Value) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, tail) = after.split_once("}}").unwrap();
        filled.push_str(before);
        filled.push_str(&evaluate(expression, context));
        rest = tail;
    }
    filled + rest
}

/// Whether a condition holds; `failed` says whether something before did not end well.
pub fn holds(condition: &Value, context: &Value, failed: bool) -> bool {
    match condition.as_str() {
        None => !failed,
        Some("always()") => true,
        Some(condition) => !failed && !matches!(evaluate(condition, context).as_str(), "" | "false"),
    }
}

fn evaluate(expression: &str, context: &Value) -> String {
    if let Some((left, right)) = expression.split_once("||") {
        let left = evaluate(left, context);
        return match left.as_str() {
            "" | "false" => evaluate(right, context),
            _ => left,
        };
    }
    if let Some((left, right)) = expression.split_once("&&") {
        let left = evaluate(left, context);
        return match left.as_str() {
            "" | "false" => left,
            _ => evaluate(right, context),
        };
    }
    if let Some((left, right)) = expression.split_once("==") {
        return (evaluate(left, context) == evaluate(right, context)).to_string();
    }
    let expression = expression.trim();
    if let Some(literal) = expression.strip_prefix('\'') {
        return literal.strip_suffix('\'').unwrap().to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(expression.chars().all(plain), "what is {expression:?}?");
    let (root, path) = expression.split_once('.').unwrap();
    let root = context
        .get(root)
        .unwrap_or_else(|| panic!("there is no {expression}"));
    let found = path.split('.').try_fold(root, |value, name| value.get(name));
    // What a step that was skipped would have said is empty; a step or an input that nobody declared is a mistake.
    let known = expression.contains(".outputs.") || expression.starts_with("github.event.");
    assert!(found.is_some() || known, "there is no {expression}");
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}
