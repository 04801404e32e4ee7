//! The laws: functions from a source file to its violations.

use crate::source::{ORDER, Source};

/// These compute: no waiting, no client.
const PURE: [&str; 7] = ["config", "desired", "import", "audit", "diff", "plan", "report"];
/// These alone speak to anything remote.
const REMOTE: [&str; 2] = ["live", "apply"];
pub const LONGEST_FILE: usize = 400;
/// Files that may be longer, and why. None at present.
const LONG_FILES: [&str; 0] = [];

/// A module imports only modules before it in the list; `desired` and `live` never see each other.
pub fn import_order(source: &Source) -> Vec<String> {
    let Some(own) = source.module() else {
        return Vec::new();
    };
    let place = |module: &str| ORDER.iter().position(|name| *name == module);
    let judge = |(index, name): (usize, String)| {
        let what = match place(&name) {
            None if name == "self" || name == "*" => Some(format!("names crate::{name}, not a module")),
            // What lib.rs or a macro exports, which belongs to no module.
            None => None,
            Some(_) if own == "live" && name == "desired" => Some("live sees desired".to_owned()),
            Some(other) => {
                (Some(other) > place(own)).then(|| format!("{own} imports {name}, which comes after it"))
            }
        };
        Some(source.violation(index, &what?))
    };
    source.imports().into_iter().filter_map(judge).collect()
}

/// The pure modules wait for nothing and know no client.
pub fn purity(source: &Source) -> Vec<String> {
    let Some(own) = source.module().filter(|module| PURE.contains(module)) else {
        return Vec::new();
    };
    source.each(|index| {
        let text = source.text(index);
        if text == "async" || text == "await" {
            return Some(format!("{own} is synchronous, and says {text}"));
        }
        if is_client_crate(text) || text == "tokio" {
            return Some(format!("{own} knows no client, and names {text}"));
        }
        None
    })
}

fn is_client_crate(name: &str) -> bool {
    const CLIENTS: [&str; 6] = [
        "tokio_postgres",
        "aws_config",
        "aws_credential",
        "aws_sdk",
        "aws_sigv4",
        "aws_smithy",
    ];
    CLIENTS.iter().any(|client| name.starts_with(client))
}

/// Of the modules that do remote I/O, the pure ones see plain data.
pub fn plain_data(source: &Source) -> Vec<String> {
    let Some(own) = source.module().filter(|module| PURE.contains(module)) else {
        return Vec::new();
    };
    let judge = |(index, name): (usize, String)| {
        let plain: &[&str] = match name.as_str() {
            "live" => &["Live"],
            "apply" => &["Report", "Outcome", "StepResult"],
            _ => return Vec::new(),
        };
        let seen = match source.is(index + 1, &[":", ":"]) {
            true => source.first_names(index + 3),
            false => vec![(index, "self".to_owned())],
        };
        let rest = seen
            .into_iter()
            .filter(|(_, seen)| !seen.is_empty() && !plain.contains(&seen.as_str()));
        rest.map(|(index, seen)| source.violation(index, &format!("{own} sees {name}::{seen}")))
            .collect()
    };
    source.imports().into_iter().flat_map(judge).collect()
}

/// Only `live` and `apply` do remote I/O.
pub fn remote(source: &Source) -> Vec<String> {
    if source.module().is_some_and(|module| REMOTE.contains(&module)) {
        return Vec::new();
    }
    source.each(|index| {
        is_client_crate(source.text(index))
            .then(|| format!("names {} outside live and apply", source.text(index)))
    })
}

/// Only `apply::approve` makes an `ApprovedPlan`.
pub fn approval(source: &Source) -> Vec<String> {
    if source.path == "src/apply/approve.rs" {
        return Vec::new();
    }
    source.each(|index| {
        if source.text(index) != "ApprovedPlan" {
            return None;
        }
        let before = index.checked_sub(1).map_or("", |before| source.text(before));
        let made = source.text(index + 1) == "(" && before != "struct" && before != "let";
        // As a function, `map(ApprovedPlan)`, or in an impl, where it is called `Self`.
        let passed = before == "(" && source.text(index + 1) == ")";
        let method = before == "impl" || before == "for";
        (made || passed || method).then(|| "can make an ApprovedPlan, which is for apply::approve".to_owned())
    })
}

/// Nothing derives a way to an `ApprovedPlan`, such as `Clone` or `Deserialize`.
pub fn approval_is_underived(source: &Source) -> Vec<String> {
    source.each(|index| {
        if !source.is(index, &["struct", "ApprovedPlan"]) {
            return None;
        }
        let item = (0..index)
            .rev()
            .map_while(|before| Some(source.text(before)).filter(|text| ![";", "}"].contains(text)));
        item.into_iter()
            .any(|text| text == "derive")
            .then(|| "ApprovedPlan derives something".to_owned())
    })
}

/// What is dry is a plan, not a flag.
pub fn no_dry_run(source: &Source) -> Vec<String> {
    let dry = |text: &str| text.contains("dry_run") || text.contains("DryRun") || text.contains("dry-run");
    source.each(|index| dry(source.text(index)).then(|| "has a dry run".to_owned()))
}

/// Only `cli/ui.rs` prints.
pub fn one_printer(source: &Source) -> Vec<String> {
    if source.path == "src/cli/ui.rs" {
        return Vec::new();
    }
    let macros = ["print", "println", "eprint", "eprintln", "dbg"];
    let streams = ["stdout", "stderr"];
    source.each(|index| {
        let text = source.text(index);
        let printed = macros.contains(&text) && source.text(index + 1) == "!";
        let opened = streams.contains(&text) && source.is(index + 1, &["(", ")"]);
        (printed || opened).then(|| format!("prints with {text}, which is for cli/ui.rs"))
    })
}

/// The partition of an ARN is a fact of the cluster: there are `aws-cn` and `aws-us-gov` too.
pub fn no_literal_arn(source: &Source) -> Vec<String> {
    source.each(|index| {
        source
            .text(index)
            .contains("arn:aws:")
            .then(|| "fixes the partition of an ARN".to_owned())
    })
}

/// A lint is met, or expected with a reason: `allow` outlives what it was for.
pub fn no_allow(source: &Source) -> Vec<String> {
    let found = (0..source.tokens.len()).filter(|index| {
        let attribute = ["#", "!"].contains(&index.checked_sub(1).map_or("", |before| source.text(before)));
        attribute && source.is(*index, &["[", "allow"])
    });
    found
        .map(|index| source.violation(index, "allows a lint; expect it, with a reason"))
        .collect()
}

pub fn length(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let long = lines > LONGEST_FILE && !LONG_FILES.contains(&path);
    long.then(|| format!("{path}: {lines} lines, more than {LONGEST_FILE}"))
        .into_iter()
        .collect()
}
