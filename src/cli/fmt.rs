//! `fmt`: tenants files in canonical layout.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use similar::TextDiff;

use super::Ended;
use super::exit::Failure;
use super::ui::Ui;
use crate::config;
use crate::report::printable;

/// The largest file that is laid out: no larger one is loaded either.
const FILE_BYTES: u64 = 16 << 20;

/// Bring tenants files into canonical layout
///
/// The layout is that of `terraform fmt`. Comments stay, and so does what the file means. The names of the files that
/// changed are printed. A file that does not parse is left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl fmt
  $ tenantctl fmt --check
  $ tenantctl fmt clients.tfvars
  $ tenantctl fmt - < tenants.hcl

Exit codes: 0, 1 when a file cannot be read or does not parse, 3 when --check found something to change.")]
pub(super) struct FmtArgs {
    /// Write nothing: show what would change, and exit 3 if anything would
    #[arg(long)]
    check: bool,
    /// Files, relative to the configuration directory, or - for standard input; default: every *.hcl of the directory
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(directory: &Path, args: &FmtArgs, ui: &Ui) -> Result<Ended, Failure> {
    if args.files.iter().any(|file| file == Path::new("-")) {
        return standard_input(args, ui);
    }
    let files = if args.files.is_empty() {
        let mut files = config::tenants_files(directory).map_err(|error| {
            Failure::Said(format!(
                "cannot read the directory {}: {error}; name the configuration directory with -C DIR",
                directory.display()
            ))
        })?;
        // JSON is the business of whoever writes it.
        files.retain(|file| file.extension().is_some_and(|extension| extension == "hcl"));
        files
    } else {
        args.files.clone()
    };
    let (mut would_change, mut failed) = (false, false);
    for file in files {
        let path = directory.join(&file);
        let name = file.display().to_string();
        let read = fs::File::open(&path).and_then(read);
        let text = read.map_err(|error| Failure::Said(format!("cannot read {}: {error}", path.display())))?;
        let Some(formatted) = lay_out(&name, &text, ui) else {
            failed = true;
            continue;
        };
        if formatted == text {
            continue;
        }
        would_change = true;
        if args.check {
            ui.data(&diff(&name, &text, &formatted));
        } else {
            write(&path, &formatted)
                .map_err(|error| Failure::Said(format!("cannot write {}: {error}", path.display())))?;
            ui.data(&format!("{}\n", printable(&name)));
        }
    }
    Ok(match (failed, args.check && would_change) {
        (true, _) => Ended::Badly,
        (false, true) => Ended::Code(3),
        (false, false) => Ended::Well,
    })
}

/// Reads standard input and writes the layout, or what would change.
fn standard_input(args: &FmtArgs, ui: &Ui) -> Result<Ended, Failure> {
    if args.files.len() > 1 {
        return Err(Failure::Said(
            "standard input (-) is laid out alone: leave the other files away".to_owned(),
        ));
    }
    let text = read(io::stdin().lock())
        .map_err(|error| Failure::Said(format!("cannot read standard input: {error}")))?;
    let Some(formatted) = lay_out("<stdin>", &text, ui) else {
        return Ok(Ended::Badly);
    };
    if !args.check {
        ui.data(&formatted);
        return Ok(Ended::Well);
    }
    if formatted == text {
        return Ok(Ended::Well);
    }
    ui.data(&diff("<stdin>", &text, &formatted));
    Ok(Ended::Code(3))
}

fn read(source: impl io::Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8 text"))
}

/// The layout; none, once reported, where the text does not parse.
fn lay_out(name: &str, text: &str, ui: &Ui) -> Option<String> {
    match config::format_text(name, text) {
        Ok(formatted) => Some(formatted),
        Err((diagnostics, sources)) => {
            ui.diagnose(&diagnostics, &sources);
            None
        }
    }
}

fn diff(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let shown = unified
        .header(&format!("old/{name}"), &format!("new/{name}"))
        .to_string();
    // A file may hold what moves a cursor.
    let lines = shown.split_inclusive('\n').map(|line| {
        let content = line.trim_end_matches(['\r', '\n']);
        printable(content) + "\n"
    });
    lines.collect()
}

/// Replaces a file as a whole, or not at all. Whoever could read it before can read it after, and a link stays one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
