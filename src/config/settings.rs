//! `settings`: parameters that the login role carries.

use std::collections::BTreeMap;

use super::arguments::{Arguments, wrong_type};
use super::context::Context;
use super::value::{Entry, Kind};
use crate::diag::{Diagnostic, quote};

/// Parts of names that hold secrets. The catalog of settings is readable by every role of a cluster.
const SECRET_WORDS: [&str; 8] = [
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "credential",
];
/// Names of the server's own that only sound like it.
const HARMLESS: [&str; 1] = ["password_encryption"];

/// Takes `settings`.
pub(super) fn decode(
    context: &mut Context<'_>,
    arguments: &mut Arguments,
) -> Option<BTreeMap<String, String>> {
    let value = arguments.take("settings")?;
    let Kind::Object(entries) = &value.kind else {
        return arguments.refuse_type(context, "settings", "an object", &value);
    };
    let mut settings = BTreeMap::new();
    for entry in entries.iter() {
        let Some((name, text)) = setting(context, arguments, entry) else {
            arguments.invalid.insert("settings");
            continue;
        };
        if settings.insert(name, text).is_some() {
            let message = format!(
                "{} is given twice: names of settings have no case",
                quote(&entry.key)
            );
            let refusal = Diagnostic::error("duplicate_key", message).at(entry.key_span);
            arguments.refuse::<()>(context, "settings", refusal);
        }
    }
    Some(settings)
}

fn setting(context: &mut Context<'_>, arguments: &Arguments, entry: &Entry) -> Option<(String, String)> {
    // Postgres compares names without case and stores its own spelling.
    let name = entry.key.to_ascii_lowercase();
    if !is_parameter_name(&name) {
        let message = format!("{} is no name of a setting", quote(&entry.key));
        context.push(
            Diagnostic::error("invalid_value", message)
                .at(entry.key_span)
                .help("such as statement_timeout, or \"app.tenant\" for one of your own"),
        );
        return None;
    }
    let Some(text) = entry.value.to_text() else {
        let what = format!("setting {}", quote(&entry.key));
        wrong_type(context, &what, "a string, a number or a bool", &entry.value);
        return None;
    };
    if text.contains('\0') {
        let message = format!("setting {} contains a NUL character", quote(&entry.key));
        context.push(Diagnostic::error("invalid_value", message).at(entry.value.span));
        return None;
    }
    if looks_secret(&name, &text) {
        let message = format!(
            "setting {} of {} looks like a secret",
            quote(&entry.key),
            arguments.owner
        );
        context.push(
            Diagnostic::warning("secret_in_settings", message)
                .at(entry.key_span)
                .help("every tenant of the cluster can read pg_db_role_setting: keep secrets elsewhere")
                .conceal(),
        );
    }
    Some((name, text.to_string()))
}

fn is_parameter_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.len() <= 63 && name.split('.').all(is_part)
}

/// Whether a setting holds a secret, by its name or its value.
pub fn looks_secret(name: &str, text: &str) -> bool {
    let by_name = !HARMLESS.contains(&name) && SECRET_WORDS.iter().any(|word| name.contains(word));
    let is_key_id = |word: &str| word.len() == 20 && (word.starts_with("AKIA") || word.starts_with("ASIA"));
    let is_word = |c: char| !c.is_ascii_alphanumeric();
    by_name || text.contains("PRIVATE KEY-----") || text.split(is_word).any(is_key_id)
}
