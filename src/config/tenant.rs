//! The arguments of a tenant: of its block, of its list entry, of the defaults.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;

use super::Spanned;
use super::arguments::{Arguments, wrong_type};
use super::context::Context;
use super::network;
use super::settings;
use super::table::HANDOVER;
use super::types::{DeletionPolicy, Handover, Isolation, Tenant, TenantSource, TenantState};
use super::value::Kind;
use crate::address::TenantId;
use crate::diag::{Diagnostic, Span, quote};

/// What was written; an argument that is absent here comes from the defaults, whole.
#[derive(Default)]
pub(super) struct Partial {
    cluster: Option<Spanned<String>>,
    isolation: Option<Spanned<Isolation>>,
    databases: Option<Databases>,
    allowed_ips: Option<BTreeMap<IpNet, Span>>,
    rds_iam_auth: Option<bool>,
    connection_limit: Option<i32>,
    settings: Option<BTreeMap<String, String>>,
    extensions: Option<BTreeSet<String>>,
    state: Option<TenantState>,
    deletion_policy: Option<DeletionPolicy>,
    handover: Option<Handover>,
    places: BTreeMap<&'static str, Span>,
    invalid: BTreeSet<&'static str>,
}

type Databases = BTreeMap<String, (Span, Spanned<bool>)>;

impl Partial {
    /// Fills in the defaults.
    pub fn complete(mut self, id: TenantId, span: Span, defaults: &Self) -> Tenant {
        let mut source = TenantSource {
            arguments: defaults.places.clone(),
            ..TenantSource::default()
        };
        // What the tenant says itself is valid or not, whatever the defaults say.
        source.invalid = defaults
            .invalid
            .iter()
            .copied()
            .filter(|name| !self.places.contains_key(name))
            .collect();
        source.arguments.append(&mut self.places);
        source.invalid.append(&mut self.invalid);
        let is_invalid = |name| source.invalid.contains(name);
        // A refused argument of its own is not replaced by the default.
        let databases = self
            .databases
            .or_else(|| defaults.databases.clone().filter(|_| !is_invalid("databases")))
            .unwrap_or_default();
        let allowed_ips = self
            .allowed_ips
            .or_else(|| {
                defaults
                    .allowed_ips
                    .clone()
                    .filter(|_| !is_invalid("allowed_ips"))
            })
            .unwrap_or_default();
        source.databases = databases
            .iter()
            .map(|(name, (span, _))| (name.clone(), *span))
            .collect();
        let networks = allowed_ips.keys().copied().collect();
        source.allowed_ips = allowed_ips;
        Tenant {
            id,
            span,
            cluster: self.cluster.or_else(|| defaults.cluster.clone()),
            isolation: self.isolation.or(defaults.isolation.clone()).unwrap_or(Spanned {
                value: Isolation::Database,
                span,
            }),
            databases: databases
                .into_iter()
                .map(|(name, (_, wanted))| (name, wanted))
                .collect(),
            allowed_ips: networks,
            rds_iam_auth: self.rds_iam_auth.or(defaults.rds_iam_auth).unwrap_or(true),
            connection_limit: self.connection_limit.or(defaults.connection_limit),
            settings: self
                .settings
                .or_else(|| defaults.settings.clone())
                .unwrap_or_default(),
            extensions: self
                .extensions
                .or_else(|| defaults.extensions.clone())
                .unwrap_or_default(),
            state: self.state.or(defaults.state).unwrap_or(TenantState::Active),
            deletion_policy: self
                .deletion_policy
                .or(defaults.deletion_policy)
                .unwrap_or_default(),
            handover: self.handover.or_else(|| defaults.handover.clone()),
            source,
        }
    }
}

/// Takes every argument of a tenant; what is left over is unknown.
pub(super) fn decode(context: &mut Context<'_>, mut arguments: Arguments) -> Partial {
    let arguments = &mut arguments;
    let cluster = arguments.string(context, "cluster");
    let isolation = isolation(context, arguments);
    let databases = databases(context, arguments);
    let allowed_ips = network::decode(context, arguments);
    let rds_iam_auth = arguments.bool(context, "rds_iam_auth");
    let connection_limit = connection_limit(context, arguments);
    let settings = settings::decode(context, arguments);
    let extensions = extensions(context, arguments);
    let state = arguments.word(
        context,
        "state",
        &[
            ("active", TenantState::Active),
            ("suspended", TenantState::Suspended),
        ],
    );
    let deletion_policy = arguments.word(
        context,
        "deletion_policy",
        &[
            ("retain", DeletionPolicy::Retain),
            ("delete", DeletionPolicy::Delete),
        ],
    );
    let handover = handover(context, arguments);
    arguments.finish(context);
    Partial {
        cluster: cluster.map(|(value, span)| Spanned { value, span }),
        isolation,
        databases,
        allowed_ips,
        rds_iam_auth,
        connection_limit,
        settings,
        extensions,
        state: state.map(|(state, _)| state),
        deletion_policy: deletion_policy.map(|(policy, _)| policy),
        handover,
        places: std::mem::take(&mut arguments.places),
        invalid: std::mem::take(&mut arguments.invalid),
    }
}

fn isolation(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Spanned<Isolation>> {
    let words = [
        ("database", Isolation::Database),
        ("schema", Isolation::Schema),
        ("row", Isolation::Row),
        ("cluster", Isolation::Cluster),
    ];
    let (value, span) = arguments.word(context, "isolation", &words)?;
    if value == Isolation::Database {
        return Some(Spanned { value, span });
    }
    let word = words
        .iter()
        .find(|(_, known)| *known == value)
        .map_or("", |(word, _)| word);
    let refusal = Diagnostic::error("not_built_yet", format!("isolation \"{word}\" is not built yet"))
        .at(span)
        .help("use \"database\"");
    arguments.refuse(context, "isolation", refusal)
}

/// `{ db1 = true }` or `["db1"]`.
fn databases(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Databases> {
    let value = arguments.take("databases")?;
    let mut databases = Databases::new();
    let mut invalid = false;
    match &value.kind {
        Kind::Object(entries) => {
            for entry in entries.iter() {
                let Kind::Bool(wanted) = entry.value.kind else {
                    let what = format!("database {}", quote(&entry.key));
                    wrong_type(context, &what, "a bool", &entry.value);
                    invalid = true;
                    continue;
                };
                let wanted = Spanned {
                    value: wanted,
                    span: entry.value.span,
                };
                databases.insert(entry.key.to_string(), (entry.key_span, wanted));
            }
        }
        Kind::List(items) | Kind::Set(items) => {
            for item in items.iter() {
                let Kind::String(name) = &item.kind else {
                    wrong_type(context, "`databases`", "a string", item);
                    invalid = true;
                    continue;
                };
                let wanted = Spanned {
                    value: true,
                    span: item.span,
                };
                databases.entry(name.to_string()).or_insert((item.span, wanted));
            }
        }
        _ => return arguments.refuse_type(context, "databases", "an object or a list", &value),
    }
    if invalid {
        arguments.invalid.insert("databases");
    }
    Some(databases)
}

fn connection_limit(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<i32> {
    let value = arguments.take("connection_limit")?;
    let Kind::Number(number) = &value.kind else {
        return arguments.refuse_type(context, "connection_limit", "a number", &value);
    };
    let limit = number.as_i64().and_then(|limit| i32::try_from(limit).ok());
    if let Some(limit) = limit.filter(|limit| *limit >= -1) {
        return Some(limit);
    }
    let message = format!("`connection_limit` cannot be {}", quote(&number.to_string()));
    let refusal = Diagnostic::error("invalid_value", message)
        .at(value.span)
        .help(format!(
            "it is a whole number from 0 to {}, or -1 for no limit",
            i32::MAX
        ));
    arguments.refuse(context, "connection_limit", refusal)
}

fn extensions(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<BTreeSet<String>> {
    let items = arguments.list(context, "extensions")?;
    let mut extensions = BTreeSet::new();
    for item in items {
        let Kind::String(name) = &item.kind else {
            wrong_type(context, "`extensions`", "a string", &item);
            arguments.invalid.insert("extensions");
            continue;
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
            let message = format!("{} is no name of an extension", quote(name));
            arguments.refuse::<()>(
                context,
                "extensions",
                Diagnostic::error("invalid_value", message).at(item.span),
            );
            continue;
        }
        extensions.insert(name.to_string());
    }
    Some(extensions)
}

fn handover(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Handover> {
    let value = arguments.take("handover")?;
    let owner = "the handover".to_owned();
    let Some(mut inner) = Arguments::of_value(context, &value, &HANDOVER, owner, value.span) else {
        arguments.invalid.insert("handover");
        return None;
    };
    let recipient = inner.string(context, "recipient");
    inner.finish(context);
    if recipient.is_none() {
        inner.missing(context, "recipient");
    }
    let Some((recipient, span)) = recipient else {
        arguments.invalid.insert("handover");
        return None;
    };
    let recipient = recipient.trim().to_owned();
    match check_recipient(&recipient, span) {
        None => Some(Handover { recipient }),
        Some(refusal) => arguments.refuse(context, "handover", refusal),
    }
}

fn check_recipient(recipient: &str, span: Span) -> Option<Diagnostic> {
    let is_private =
        recipient.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") || recipient.contains("PRIVATE KEY");
    if is_private {
        return Some(
            Diagnostic::error(
                "secret_in_file",
                "this is a private key: the recipient is the public one",
            )
            .at(span)
            .help("replace the key pair: whoever read this file has it")
            .conceal(),
        );
    }
    let is_valid = recipient.parse::<age::x25519::Recipient>().is_ok()
        || recipient.parse::<age::ssh::Recipient>().is_ok();
    if is_valid {
        return None;
    }
    let message = format!("{} is no public key that age encrypts to", quote(recipient));
    Some(
        Diagnostic::error("invalid_recipient", message).at(span).help(
            "give an age recipient \"age1...\", or a public key \"ssh-ed25519 ...\" or \"ssh-rsa ...\"",
        ),
    )
}
