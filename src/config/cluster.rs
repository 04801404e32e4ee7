//! `cluster` blocks and their `admin`.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, wrong_type};
use super::context::Context;
use super::table::ADMIN;
use super::types::{Admin, AdminAuth, Cluster, Endpoint, Engine, SharedDatabases, SslMode, Tenant};
use super::value::Kind;
use super::{Loaded, Spanned};
use crate::diag::{Diagnostic, Span, quote, suggestion};

/// The environment variable with the password of a cluster's admin.
pub fn password_variable(cluster: &str) -> String {
    let suffix = cluster.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_ascii_uppercase(),
        _ => '_',
    });
    format!("TENANTCTL_PASSWORD_{}", suffix.collect::<String>())
}

/// Decodes the block; none where a required argument is missing, which is reported.
pub(super) fn decode(context: &mut Context<'_>, mut arguments: Arguments, name: String) -> Option<Cluster> {
    let span = arguments.span;
    check_label(context, &arguments, &name);
    let engine = engine(context, &mut arguments);
    let identifier = identifier(context, &mut arguments);
    let region = region(context, &mut arguments);
    let endpoint = endpoint(context, &mut arguments);
    let sslmode = arguments.word(
        context,
        "sslmode",
        &[
            ("disable", SslMode::Disable),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
        ],
    );
    let sslrootcert = text(context, &mut arguments, "sslrootcert").map(PathBuf::from);
    let shared_databases = arguments.word(
        context,
        "shared_databases",
        &[
            ("close", SharedDatabases::Close),
            ("warn", SharedDatabases::Warn),
            ("leave", SharedDatabases::Leave),
        ],
    );
    let admin = admin(context, &mut arguments);
    let readers = readers(context, &mut arguments);
    arguments.finish(context);
    if identifier.is_none() {
        arguments.missing(context, "identifier");
    }
    Some(Cluster {
        name,
        span,
        engine: engine.unwrap_or(Spanned {
            value: Engine::Aurora,
            span,
        }),
        identifier: identifier?,
        region,
        endpoint,
        sslmode: sslmode.map_or(SslMode::VerifyFull, |(mode, _)| mode),
        sslrootcert,
        shared_databases: shared_databases.map_or(SharedDatabases::Close, |(what, _)| what),
        admin,
        readers,
    })
}

/// Refuses clusters that any other file than this one has: a password goes where a cluster block says.
pub(super) fn refuse_elsewhere(loaded: &mut Loaded, file: &Path) {
    let same = |name: &str| match (fs::canonicalize(name), fs::canonicalize(file)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    let Loaded {
        draft,
        diagnostics,
        sources,
    } = loaded;
    let elsewhere = draft.clusters.values();
    for cluster in elsewhere.filter(|cluster| !same(sources.name(cluster.span.file))) {
        let message = format!(
            "cluster {} stands in another file than {}",
            quote(&cluster.name),
            file.display()
        );
        diagnostics.push(
            Diagnostic::error("cluster_elsewhere", message)
                .at(cluster.span)
                .help("--cluster-file names the only file that may have clusters: write it there"),
        );
    }
    diagnostics.sort();
}

/// Whether it is clear which of the file's clusters a tenant is on. A file without any may name those of another file.
pub(super) fn check_place(context: &mut Context<'_>, clusters: &BTreeMap<String, Span>, tenant: &Tenant) {
    let names = || clusters.keys().map(String::as_str);
    let list = || format!("the clusters are {}", names().collect::<Vec<_>>().join(", "));
    let id = quote(tenant.id.as_str());
    match &tenant.cluster {
        _ if clusters.is_empty() || tenant.source.invalid.contains("cluster") => {}
        None if clusters.len() == 1 => {}
        None => context.push(
            Diagnostic::error(
                "missing_argument",
                format!("tenant {id} does not say which cluster it is on"),
            )
            .at(tenant.span)
            .help(format!(
                "write `cluster = \"..\"` into it, or into `defaults`; {}",
                list()
            )),
        ),
        Some(cluster) if clusters.contains_key(&cluster.value) => {}
        Some(cluster) => {
            let message = format!(
                "tenant {id} is on cluster {}, which is not there",
                quote(&cluster.value)
            );
            let near = suggestion(&cluster.value, names());
            let help = near.map_or_else(list, |near| format!("{near}; {}", list()));
            context.push(
                Diagnostic::error("unknown_cluster", message)
                    .at(cluster.span)
                    .help(help),
            );
        }
    }
}

/// Names of login roles; whose they may be is a matter of the lint.
fn readers(context: &mut Context<'_>, arguments: &mut Arguments) -> Vec<Spanned<String>> {
    let mut readers = Vec::new();
    for item in arguments.list(context, "readers").unwrap_or_default() {
        match &item.kind {
            Kind::String(name) => readers.push(Spanned {
                value: name.to_string(),
                span: item.span,
            }),
            _ => wrong_type(context, "a reader", "a string", &item),
        }
    }
    readers
}

/// The label becomes part of an environment variable's name.
fn check_label(context: &mut Context<'_>, arguments: &Arguments, name: &str) {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_plain) {
        context.push(
            Diagnostic::error(
                "invalid_value",
                format!("{} is no name of a cluster", quote(name)),
            )
            .at(arguments.span)
            .help("it begins with a letter and has letters, digits, `_` and `-`"),
        );
    }
}

fn engine(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Spanned<Engine>> {
    let words = [("aurora", Engine::Aurora), ("postgres", Engine::Postgres)];
    let (value, span) = arguments.word(context, "engine", &words)?;
    if value == Engine::Postgres {
        let refusal = Diagnostic::error("not_built_yet", "engine \"postgres\" is not built yet")
            .at(span)
            .help("use \"aurora\"");
        return arguments.refuse(context, "engine", refusal);
    }
    Some(Spanned { value, span })
}

fn identifier(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Spanned<String>> {
    let (value, span) = arguments.string(context, "identifier")?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !value.is_empty() && value.len() <= 63 && value.chars().all(is_plain) {
        return Some(Spanned { value, span });
    }
    let message = format!("{} is no RDS cluster identifier", quote(&value));
    let refusal = Diagnostic::error("invalid_value", message).at(span).help(
        "it is the name that `aws rds describe-db-clusters` shows as DBClusterIdentifier, no ARN and no host",
    );
    arguments.refuse(context, "identifier", refusal)
}

fn region(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<String> {
    let (value, span) = arguments.string(context, "region")?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if value.len() <= 32 && value.contains('-') && value.chars().all(is_plain) {
        return Some(value);
    }
    let message = format!("{} is no AWS region", quote(&value));
    let refusal = Diagnostic::error("invalid_value", message)
        .at(span)
        .help("such as \"eu-central-1\"");
    arguments.refuse(context, "region", refusal)
}

fn endpoint(context: &mut Context<'_>, arguments: &mut Arguments) -> Option<Endpoint> {
    let (value, span) = arguments.string(context, "endpoint")?;
    match parse_endpoint(&value) {
        Ok(endpoint) => Some(endpoint),
        Err(help) => {
            let message = format!("{} is no endpoint", quote(&value));
            let refusal = Diagnostic::error("invalid_value", message).at(span).help(help);
            arguments.refuse(context, "endpoint", refusal)
        }
    }
}

fn parse_endpoint(text: &str) -> Result<Endpoint, &'static str> {
    const FORM: &str = "write \"HOST:PORT\", an IPv6 address in brackets: \"[::1]:5432\"";
    let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
    let port: u16 = port
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| port.parse().ok())
        .flatten()
        .filter(|port| *port > 0)
        .ok_or("the port is a number from 1 to 65535")?;
    let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(Some(address)) if address.parse::<Ipv6Addr>().is_ok() => address,
        Some(_) => return Err("there is no IPv6 address between the brackets"),
        None => {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            if host.is_empty() || host.len() > 253 || !host.chars().all(is_plain) {
                return Err(FORM);
            }
            host
        }
    };
    Ok(Endpoint {
        host: host.to_owned(),
        port,
    })
}

fn admin(context: &mut Context<'_>, arguments: &mut Arguments) -> Admin {
    let mut admin = Admin {
        username: None,
        database: "postgres".to_owned(),
        auth: AdminAuth::Password,
    };
    let Some(value) = arguments.take("admin") else {
        return admin;
    };
    let Some(mut inner) = Arguments::of_value(context, &value, &ADMIN, "the admin".to_owned(), value.span)
    else {
        return admin;
    };
    admin.username = text(context, &mut inner, "username");
    if let Some(database) = text(context, &mut inner, "database") {
        admin.database = database;
    }
    let words = [
        ("password", AdminAuth::Password),
        ("iam", AdminAuth::Iam),
        ("secret", AdminAuth::Secret),
    ];
    if let Some((auth, _)) = inner.word(context, "auth", &words) {
        admin.auth = auth;
    }
    if let Some(value) = inner.take_unlisted("password") {
        context.push(
            Diagnostic::error("secret_in_file", "a password does not belong in a file")
                .at(value.span)
                .help("set TENANTCTL_PASSWORD_<CLUSTER> or PGPASSWORD in the environment")
                .conceal(),
        );
    }
    inner.finish(context);
    admin
}

/// A string that is not empty and has no control characters.
fn text(context: &mut Context<'_>, arguments: &mut Arguments, name: &'static str) -> Option<String> {
    let (value, span) = arguments.string(context, name)?;
    if !value.is_empty() && !value.chars().any(char::is_control) {
        return Some(value);
    }
    let refusal =
        Diagnostic::error("invalid_value", format!("`{name}` cannot be {}", quote(&value))).at(span);
    arguments.refuse(context, name, refusal)
}
