//! Reads the files: the only input of a load.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::LoadRequest;
use crate::diag::{Diagnostic, Diagnostics, SourceMap, Span};

/// The largest file that is read.
const FILE_BYTES: u64 = 16 << 20;
/// The most that all files of a load may hold.
const TOTAL_BYTES: usize = 16 << 20;

/// What was read.
pub(super) struct Read {
    pub sources: SourceMap,
    /// Indexes of tenants files.
    pub files: Vec<usize>,
    /// Indexes of variable files.
    pub variable_files: Vec<usize>,
    pub diagnostics: Diagnostics,
}

/// Reads what the request names, or every `*.hcl` of the directory in the order of their names.
pub(super) fn read(request: &LoadRequest) -> Read {
    let mut read = Read {
        sources: SourceMap::default(),
        files: Vec::new(),
        variable_files: Vec::new(),
        diagnostics: Diagnostics::default(),
    };
    let paths = if request.files.is_empty() {
        list(request, &mut read.diagnostics)
    } else {
        once_each(&request.dir, &request.files)
    };
    let mut total = 0;
    for path in &paths {
        if let Some(index) = add(&mut read, &request.dir, path, &mut total) {
            read.files.push(index);
        }
    }
    for path in &request.var_files {
        if let Some(index) = add(&mut read, &request.dir, path, &mut total) {
            read.variable_files.push(index);
        }
    }
    read
}

/// A file named twice is read once.
fn once_each(dir: &Path, paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths
        .iter()
        .filter(|path| {
            let full = dir.join(path);
            seen.insert(fs::canonicalize(&full).unwrap_or(full))
        })
        .cloned()
        .collect()
}

/// The names of the tenants files of a directory, sorted: every `*.hcl` and `*.hcl.json` that is not hidden.
///
/// # Errors
/// The directory cannot be read.
pub fn tenants_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)?
        .filter_map(Result::ok)
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| {
            let shown = name.to_string_lossy();
            let is_ours = shown.ends_with(".hcl") || shown.ends_with(".hcl.json");
            is_ours && !shown.starts_with('.') && !dir.join(name).is_dir()
        })
        .collect();
    paths.sort();
    Ok(paths)
}

fn list(request: &LoadRequest, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let dir = &request.dir;
    let mut paths = match tenants_files(dir) {
        Ok(paths) => paths,
        Err(error) => {
            let message = format!("cannot read the directory {}: {error}", dir.display());
            diagnostics.push(
                Diagnostic::error("unreadable", message).help("name the configuration directory with -C DIR"),
            );
            return Vec::new();
        }
    };
    // A variable file that sits in the directory is still a variable file.
    paths.retain(|path| !request.var_files.contains(path));
    if paths.is_empty() {
        let is_list_given = !request.var_files.is_empty();
        if !is_list_given {
            let message = format!("there is no *.hcl file in {}", dir.display());
            diagnostics.push(
                Diagnostic::error("no_files", message).help(
                    "begin with tenantctl init, or name the directory with -C DIR or files with --file",
                ),
            );
        }
    }
    paths
}

fn add(read: &mut Read, dir: &Path, path: &Path, total: &mut usize) -> Option<usize> {
    let full = dir.join(path);
    let name = if dir == Path::new(".") || dir.as_os_str().is_empty() {
        path.display().to_string()
    } else {
        full.display().to_string()
    };
    match read_text(&full, total) {
        Ok(text) => Some(read.sources.add(name, text)),
        Err(Refusal::Said(code, reason)) => {
            let message = format!("cannot read {name}: {reason}");
            read.diagnostics.push(Diagnostic::error(code, message));
            None
        }
        Err(Refusal::NotText(bytes)) => {
            let refusal = not_utf8(&mut read.sources, name, &bytes);
            read.diagnostics.push(refusal);
            None
        }
    }
}

/// Why a file has no text.
enum Refusal {
    Said(&'static str, String),
    NotText(Vec<u8>),
}

/// The first character that is none, with its place: what comes before it is shown.
fn not_utf8(sources: &mut SourceMap, name: String, bytes: &[u8]) -> Diagnostic {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let message = format!("cannot read {name}: it is UTF-16 text, not UTF-8");
        return Diagnostic::error("not_utf8", message)
            .help("save it as UTF-8; in PowerShell, add `-Encoding utf8` to the command that wrote it");
    }
    let start = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let message = format!(
        "cannot read {name}: the byte 0x{:02X} is not UTF-8 text",
        bytes.get(start).unwrap_or(&0)
    );
    let file = sources.add(name, String::from_utf8_lossy(bytes));
    Diagnostic::error("not_utf8", message)
        .at(Span {
            file,
            start,
            end: start + '\u{fffd}'.len_utf8(),
        })
        .help("save the file as UTF-8; an editor shows its encoding in the status bar")
}

fn read_text(path: &Path, total: &mut usize) -> Result<String, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Said("unreadable", error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    *total += bytes.len();
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Refusal::Said("too_large", "it is larger than 16 MiB".to_owned()));
    }
    if *total > TOTAL_BYTES {
        return Err(Refusal::Said(
            "too_large",
            "the files are larger than 16 MiB together".to_owned(),
        ));
    }
    String::from_utf8(bytes).map_err(|error| Refusal::NotText(error.into_bytes()))
}
