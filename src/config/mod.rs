//! What the tenants file says, with every value's place in it.
//!
//! [`load`] reads the files of a directory, decodes them from `hcl::edit` and returns either a
//! [`Config`] or every problem at once. Nothing here reaches the network or the environment.
//!
//! `source` reads, `syntax` parses, `scope` orders variables and locals, `eval` with `functions` makes values that know
//! their place, `arguments` takes them one by one, and `decode` with `for_each`, `cluster`, `naming`, `tenant`,
//! `network` and `settings` gives them their types.

mod arguments;
mod cluster;
mod constraint;
mod context;
mod decode;
mod eval;
mod for_each;
mod format;
mod functions;
mod hints;
mod json;
mod moved;
mod naming;
mod network;
mod operators;
mod schema;
mod scope;
mod settings;
mod source;
mod syntax;
pub mod table;
mod tenant;
mod tokens;
mod types;
mod value;
mod variables;

use std::path::PathBuf;

pub use self::cluster::password_variable;
pub use self::schema::schema;
use self::scope::File;
pub use self::settings::looks_secret;
pub use self::source::tenants_files;
pub use self::types::{
    Admin, AdminAuth, Cluster, Config, DeletionPolicy, Endpoint, Engine, Handover, Isolation, Moved,
    NamePart, NameTemplate, Naming, SharedDatabases, Spanned, SslMode, Tenant, TenantSource, TenantState,
};
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};

/// What to load.
#[derive(Clone, Debug, Default)]
pub struct LoadRequest {
    /// The configuration directory; other paths are relative to it.
    pub dir: PathBuf,
    /// Tenants files; every `*.hcl` of the directory when empty.
    pub files: Vec<PathBuf>,
    /// `--var NAME=VALUE`, in order: a later one wins.
    pub vars: Vec<(String, String)>,
    /// `--var-file FILE`, in order: a later one wins, and `--var` wins over all.
    pub var_files: Vec<PathBuf>,
    /// The only file that may have `cluster` blocks; any of them when absent.
    pub cluster_file: Option<PathBuf>,
}

/// The outcome of a load.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was understood, errors or not.
    draft: Config,
    /// Everything that was found, in the order of the files.
    pub diagnostics: Diagnostics,
    /// The files.
    pub sources: SourceMap,
}

impl Loaded {
    /// The configuration, unless there was an error.
    pub fn config(&self) -> Option<&Config> {
        (!self.diagnostics.has_errors()).then_some(&self.draft)
    }

    /// The configuration, unless there was an error, and the files.
    pub fn into_config(self) -> (Option<Config>, SourceMap) {
        let config = (!self.diagnostics.has_errors()).then_some(self.draft);
        (config, self.sources)
    }

    /// What was understood even where there was an error. For checks that look for more errors: planning it would
    /// remove every tenant that did not parse.
    pub fn draft(&self) -> &Config {
        &self.draft
    }
}

/// Reads and decodes a configuration.
pub fn load(request: &LoadRequest) -> Loaded {
    let read = source::read(request);
    let mut loaded = finish(read, &request.vars);
    if let Some(file) = &request.cluster_file {
        cluster::refuse_elsewhere(&mut loaded, &request.dir.join(file));
    }
    loaded
}

/// Reads and decodes a configuration together with texts that are not in a file yet: pairs of a name to show and the text.
pub fn load_with(request: &LoadRequest, texts: &[(&str, &str)]) -> Loaded {
    let mut read = source::read(request);
    for (name, text) in texts {
        let index = read.sources.add(*name, *text);
        read.files.push(index);
    }
    finish(read, &request.vars)
}

/// Decodes texts that were read elsewhere: pairs of a name to show and the text.
pub fn load_texts(
    files: &[(&str, &str)],
    variable_files: &[(&str, &str)],
    vars: &[(String, String)],
) -> Loaded {
    let mut sources = SourceMap::default();
    let mut add = |files: &[(&str, &str)]| {
        files
            .iter()
            .map(|(name, text)| sources.add(*name, *text))
            .collect::<Vec<_>>()
    };
    let (files, variable_files) = (add(files), add(variable_files));
    let read = source::Read {
        sources,
        files,
        variable_files,
        diagnostics: Diagnostics::default(),
    };
    finish(read, vars)
}

/// A function, for the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionReference {
    /// What it is about, such as `Strings`.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Such as `lookup(map, key[, default])`.
    pub signature: String,
    /// What it returns, in one sentence without a full stop.
    pub meaning: &'static str,
}

/// All functions, by group.
pub fn functions() -> Vec<FunctionReference> {
    functions::GROUPS
        .iter()
        .flat_map(|(group, functions)| functions.iter().map(move |function| (group, function)))
        .map(|(group, function)| FunctionReference {
            group,
            name: function.name,
            signature: function.signature(),
            meaning: function.meaning,
        })
        .collect()
}

/// A text in canonical layout: what it means stays the same, to the last comment.
///
/// # Errors
/// The text does not parse; the name stands in what is said about it.
pub fn format_text(name: &str, text: &str) -> Result<String, (Diagnostics, SourceMap)> {
    let mut sources = SourceMap::default();
    let file = sources.add(name, text);
    let parse =
        |text: &str| syntax::parse(file, text, &mut syntax::Budget::default()).map(format::without_blanks);
    let refused = |error: Diagnostic| {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(error);
        (diagnostics, sources.clone())
    };
    let span = Span {
        file,
        start: 0,
        end: 0,
    };
    if tokens::is_long(text) {
        let refusal = Diagnostic::error("too_large", "the file has more than a million lines").at(span);
        return Err(refused(refusal));
    }
    let before = parse(text).map_err(|error| refused(*error))?;
    let formatted = format::format(text);
    // The layout is made from words and signs, not from the tree: whatever they have in common is looked at here.
    if parse(&formatted).is_ok_and(|after| after == before) {
        return Ok(formatted);
    }
    let bug = Diagnostic::error(
        "format",
        "the file cannot be laid out without changing what it means",
    )
    .at(span)
    .help("please report this file, or the part of it that may be shown; it was not touched");
    Err(refused(bug))
}

fn finish(read: source::Read, vars: &[(String, String)]) -> Loaded {
    let source::Read {
        mut sources,
        files,
        variable_files,
        mut diagnostics,
    } = read;
    let overrides = scope::add_overrides(&mut sources, vars);
    let mut budget = syntax::Budget::default();
    let mut parse_all = |indexes: &[usize]| -> Vec<File> {
        let mut parsed = Vec::new();
        for &index in indexes {
            let text = sources.text(index);
            let body = if json::is_json(sources.name(index)) {
                json::to_hcl(index, text).and_then(|text| syntax::parse(index, &text, &mut budget))
            } else {
                syntax::parse(index, text, &mut budget)
            };
            match body {
                Ok(body) => parsed.push(File { index, body }),
                Err(error) => diagnostics.push(*error),
            }
        }
        parsed
    };
    let files = parse_all(&files);
    let variable_files = parse_all(&variable_files);
    let mut context = context::Context::new(&sources, diagnostics.has_errors());
    scope::build(&mut context, &files, &variable_files, &overrides);
    let draft = decode::decode(&mut context, &files, &variable_files);
    diagnostics.append(context.diagnostics);
    diagnostics.sort();
    Loaded {
        draft,
        diagnostics,
        sources,
    }
}
