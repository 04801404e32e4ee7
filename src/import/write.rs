//! A draft as the text of a tenants file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Draft, Drafted};
use crate::address::Name;
use crate::config::{NamePart, NameTemplate, Naming, format_text};
use crate::model::DeletionPolicy;

/// What stands before the tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Comments, a line each.
    pub comments: Vec<String>,
    /// The `cluster` block, and what else is not in the loaded files.
    pub blocks: String,
    /// Whether a `naming` block may be written.
    pub naming: bool,
    /// Whether what all tenants share may go into a `defaults` block.
    pub defaults: bool,
}

/// Columns of a line before a list is broken up.
const WIDTH: usize = 100;

impl Draft {
    /// The file, laid out as `fmt` does.
    pub fn text(&self, header: &Header) -> String {
        let mut text = String::new();
        for line in &header.comments {
            comment(&mut text, "", line);
        }
        if !header.blocks.is_empty() {
            let _ = write!(text, "\n{}", header.blocks);
        }
        if header.naming && self.naming != Naming::default() {
            naming(&mut text, &self.naming);
        }
        let shared = match header.defaults {
            true => self.shared(),
            false => Shared::default(),
        };
        let lines = shared.lines();
        if !lines.is_empty() {
            block(&mut text, "defaults", &lines);
        }
        for (id, tenant) in &self.tenants {
            text.push('\n');
            for note in &tenant.notes {
                comment(&mut text, "", note);
            }
            let lines = tenant.lines(&shared);
            let head = format!("tenant {}", literal(id.as_str()));
            block_body(&mut text, &head, &lines);
        }
        self.write_left_out(&mut text);
        format_text("imported", &text).unwrap_or(text)
    }

    fn write_left_out(&self, text: &mut String) {
        if self.left_out.is_empty() {
            return;
        }
        text.push('\n');
        comment(text, "", "What is there and not in this file:");
        for one in &self.left_out {
            comment(
                text,
                "  ",
                &format!("{} \"{}\": {}", one.kind, one.name, one.because),
            );
        }
    }

    /// What all of several tenants have in common.
    fn shared(&self) -> Shared {
        let mut tenants = self.tenants.values();
        let Some(first) = tenants.next().filter(|_| self.tenants.len() > 1) else {
            return Shared::default();
        };
        let mut shared = Shared {
            rds_iam_auth: Some(first.rds_iam_auth).filter(|by_iam| !by_iam),
            connection_limit: first.connection_limit,
            settings: Some(&first.settings)
                .filter(|settings| !settings.is_empty())
                .cloned(),
            extensions: Some(&first.extensions)
                .filter(|extensions| !extensions.is_empty())
                .cloned(),
            deletion_policy: Some(first.deletion_policy).filter(|policy| *policy != DeletionPolicy::Retain),
        };
        for tenant in tenants {
            shared.rds_iam_auth = shared
                .rds_iam_auth
                .filter(|by_iam| *by_iam == tenant.rds_iam_auth);
            shared.connection_limit = shared
                .connection_limit
                .filter(|limit| Some(*limit) == tenant.connection_limit);
            shared.settings = shared.settings.filter(|settings| *settings == tenant.settings);
            shared.extensions = shared
                .extensions
                .filter(|extensions| *extensions == tenant.extensions);
            shared.deletion_policy = shared
                .deletion_policy
                .filter(|policy| *policy == tenant.deletion_policy);
        }
        shared
    }
}

/// Arguments that stand in the defaults.
#[derive(Default)]
struct Shared {
    rds_iam_auth: Option<bool>,
    connection_limit: Option<i32>,
    settings: Option<BTreeMap<Name, String>>,
    extensions: Option<BTreeSet<Name>>,
    deletion_policy: Option<DeletionPolicy>,
}

impl Shared {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        lines.extend(
            self.rds_iam_auth
                .map(|by_iam| Line::plain("rds_iam_auth", by_iam)),
        );
        lines.extend(
            self.connection_limit
                .map(|limit| Line::plain("connection_limit", limit)),
        );
        lines.extend(self.settings.as_ref().map(settings));
        lines.extend(
            self.extensions
                .as_ref()
                .map(|names| Line::list("extensions", names)),
        );
        lines.extend(self.deletion_policy.map(deletion_policy));
        lines
    }
}

impl Drafted {
    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        if !self.databases.is_empty() {
            lines.push(databases(&self.databases));
        }
        if self.rds_iam_auth {
            lines.push(Line::list(
                "allowed_ips",
                self.allowed_ips.iter().map(ToString::to_string),
            ));
        } else if shared.rds_iam_auth.is_none() {
            lines.push(Line::plain("rds_iam_auth", false));
        }
        if let Some(limit) = self
            .connection_limit
            .filter(|_| shared.connection_limit.is_none())
        {
            lines.push(Line::plain("connection_limit", limit));
        }
        if !self.settings.is_empty() && shared.settings.is_none() {
            lines.push(settings(&self.settings));
        }
        if !self.extensions.is_empty() && shared.extensions.is_none() {
            lines.push(Line::list("extensions", &self.extensions));
        }
        if self.suspended {
            lines.push(Line::plain("state", "\"suspended\""));
        }
        if self.deletion_policy != DeletionPolicy::Retain && shared.deletion_policy.is_none() {
            lines.push(deletion_policy(self.deletion_policy));
        }
        lines
    }
}

/// An argument.
struct Line {
    name: &'static str,
    /// As it stands on one line.
    value: String,
    /// Brackets and what is between them, for many lines.
    items: Option<(char, Vec<String>, char)>,
}

impl Line {
    fn plain(name: &'static str, value: impl std::fmt::Display) -> Self {
        Self {
            name,
            value: value.to_string(),
            items: None,
        }
    }

    fn list<T: AsRef<str>>(name: &'static str, items: impl IntoIterator<Item = T>) -> Self {
        let items: Vec<_> = items.into_iter().map(|item| literal(item.as_ref())).collect();
        Self {
            name,
            value: format!("[{}]", items.join(", ")),
            items: Some(('[', items, ']')),
        }
    }

    fn object(name: &'static str, items: Vec<String>) -> Self {
        Self {
            name,
            value: format!("{{ {} }}", items.join(", ")),
            items: Some(('{', items, '}')),
        }
    }

    fn is_long(&self) -> bool {
        self.value.chars().count() + self.name.len() > WIDTH && self.items.is_some()
    }
}

fn databases(databases: &BTreeMap<String, bool>) -> Line {
    if databases.values().all(|wanted| *wanted) {
        return Line::list("databases", databases.keys());
    }
    let items = databases
        .iter()
        .map(|(name, wanted)| format!("{} = {wanted}", key(name)));
    Line::object("databases", items.collect())
}

fn settings(settings: &BTreeMap<Name, String>) -> Line {
    let items = settings
        .iter()
        .map(|(name, value)| format!("{} = {}", key(name), literal(value)));
    Line::object("settings", items.collect())
}

fn deletion_policy(policy: DeletionPolicy) -> Line {
    Line::plain("deletion_policy", literal(policy.as_str()))
}

fn naming(text: &mut String, naming: &Naming) {
    let defaults = Naming::default();
    let all = [
        ("database", &naming.database, &defaults.database),
        ("role", &naming.role, &defaults.role),
        ("iam_user", &naming.iam_user, &defaults.iam_user),
        ("iam_role", &naming.iam_role, &defaults.iam_role),
    ];
    let differing = all.into_iter().filter(|(_, ours, default)| ours != default);
    let lines: Vec<_> = differing
        .map(|(name, ours, _)| Line::plain(name, template(ours)))
        .collect();
    block(text, "naming", &lines);
}

fn block(text: &mut String, head: &str, lines: &[Line]) {
    text.push('\n');
    block_body(text, head, lines);
}

fn block_body(text: &mut String, head: &str, lines: &[Line]) {
    if lines.is_empty() {
        let _ = writeln!(text, "{head} {{}}");
        return;
    }
    let _ = writeln!(text, "{head} {{");
    for line in lines {
        match &line.items {
            Some((open, items, close)) if line.is_long() => {
                let _ = writeln!(text, "  {} = {open}", line.name);
                for item in items {
                    let _ = writeln!(text, "    {item},");
                }
                let _ = writeln!(text, "  {close}");
            }
            _ => {
                let _ = writeln!(text, "  {} = {}", line.name, line.value);
            }
        }
    }
    text.push_str("}\n");
}

/// A key of an object: bare where HCL takes it for a name and for nothing else.
fn key(name: &str) -> String {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if begins_well && is_plain && !["true", "false", "null", "for", "if", "in"].contains(&name) {
        name.to_owned()
    } else {
        literal(name)
    }
}

/// A template as it stands in a `naming` block.
pub(super) fn template(template: &NameTemplate) -> String {
    let mut text = String::from("\"");
    for part in &template.0 {
        match part {
            NamePart::Literal(literal) => text.push_str(&escaped(literal)),
            NamePart::Tenant => text.push_str("${tenant}"),
            NamePart::Database => text.push_str("${database}"),
        }
    }
    text.push('"');
    text
}

/// A string of HCL. Nothing in it is a template, and no character of it is invisible.
///
/// <https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#quoted-template-expressions>
pub fn literal(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\\' => safe.extend(['\\', character]),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '$' | '%' if characters.peek() == Some(&'{') => safe.extend([character, character]),
            visible if is_visible(visible) => safe.push(visible),
            hidden => {
                let code = u32::from(hidden);
                let _ = match code {
                    0..=0xffff => write!(safe, "\\u{code:04x}"),
                    _ => write!(safe, "\\U{code:08x}"),
                };
            }
        }
    }
    safe
}

/// Whether a reader sees a character as what it is: neither a control nor a format character nor an odd blank.
fn is_visible(character: char) -> bool {
    character == ' ' || matches!(character, '\'' | '"' | '\\') || character.escape_debug().count() == 1
}

/// A comment of one line, whatever its text holds.
fn comment(text: &mut String, indent: &str, line: &str) {
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        if is_visible(character) {
            safe.push(character);
        } else {
            let _ = write!(safe, "{}", character.escape_unicode());
        }
    }
    let _ = writeln!(text, "# {indent}{}", safe.trim_end());
}
