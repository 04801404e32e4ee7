//! Saved plans: JSON, without secrets, whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{FORMAT, Plan, PlannedChange};

/// Why a plan file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// There is no such directory.
    #[error("{} cannot be written: there is no directory {}; make it, or name another file", path.display(), directory.display())]
    NoDirectory {
        /// The file.
        path: PathBuf,
        /// Where it should be.
        directory: PathBuf,
    },
    /// Not a plan.
    #[error("{}: not a plan of tenantctl: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A plan of another format.
    #[error("{}: this plan has format {found}, this version of tenantctl reads {FORMAT}; plan again", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u64,
    },
    /// A plan whose parts do not belong together.
    #[error("{}: {what}: the file was changed since it was written; plan again", path.display())]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
}

/// Bytes of a plan file, at most. A new tenant takes some 16 KiB.
const SIZE_LIMIT: u64 = 256 << 20;
/// Values in a plan file, at most: what a file says about objects is kept as JSON, up to 100 bytes for each value. A new
/// tenant takes some 250.
const VALUES: usize = 5_000_000;

/// Writes a plan so that a reader sees all of it or none.
///
/// # Errors
/// The directory is not there or cannot be written.
pub fn write(path: &Path, plan: &Plan) -> Result<(), FileError> {
    let text = to_text(plan).map_err(|error| FileError::Io {
        path: path.to_owned(),
        source: error.into(),
    })?;
    write_text(path, &text)
}

/// Writes a file so that a reader sees all of it or none: what was there is replaced at the end, or stays. Only its owner
/// may read it.
///
/// # Errors
/// The directory is not there or cannot be written.
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    whole(path, text)?
        .persist(path)
        .map_err(|error| io(path, error.error))?;
    Ok(())
}

/// Writes a file that is not there yet, whole or not at all.
///
/// # Errors
/// It is there, or the directory is not there or cannot be written.
pub fn write_new(path: &Path, text: &str) -> Result<(), FileError> {
    whole(path, text)?
        .persist_noclobber(path)
        .map_err(|error| io(path, error.error))?;
    Ok(())
}

/// Everything, under another name beside it.
fn whole(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, FileError> {
    let mut file = tempfile::NamedTempFile::new_in(directory_of(path)?).map_err(|error| io(path, error))?;
    let written = file.write_all(text.as_bytes());
    written
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| io(path, error))?;
    Ok(file)
}

fn io(path: &Path, source: std::io::Error) -> FileError {
    FileError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The directory that a file is to be written to.
///
/// # Errors
/// It is not there.
pub fn directory_of(path: &Path) -> Result<&Path, FileError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if directory.is_dir() {
        return Ok(directory);
    }
    Err(FileError::NoDirectory {
        path: path.to_owned(),
        directory: directory.to_owned(),
    })
}

/// Reads a plan.
///
/// # Errors
/// The file cannot be read, or [`parse`] refuses what it holds.
pub fn read(path: &Path) -> Result<Plan, FileError> {
    let failed = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > SIZE_LIMIT {
        return Err(failed(std::io::Error::other("too large for a plan")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    parse(path, &text)
}

/// What a plan file holds.
///
/// # Errors
/// A value cannot be written as JSON, which no plan has.
pub fn to_text(plan: &Plan) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(plan).map(|text| text + "\n")
}

/// The plan that a file's text holds; the path is for messages.
///
/// # Errors
/// It is no plan, one of another format, or one whose parts do not belong together.
pub fn parse(path: &Path, text: &str) -> Result<Plan, FileError> {
    let malformed = |source| FileError::Malformed {
        path: path.to_owned(),
        source,
    };
    let too_large = || FileError::Io {
        path: path.to_owned(),
        source: std::io::Error::other("too large for a plan"),
    };
    if text.bytes().filter(|byte| *byte == b',').count() > VALUES {
        return Err(too_large());
    }
    // A plan of another format is no error of the file's, whatever else it holds.
    let head: Option<Head> = serde_json::from_str(text).ok();
    match head.and_then(|head| head.format) {
        Some(found) if found != u64::from(FORMAT) => Err(FileError::Format {
            path: path.to_owned(),
            found,
        }),
        _ => {
            let plan = serde_json::from_str(text).map_err(malformed)?;
            check(&plan).map_err(|what| FileError::Inconsistent {
                path: path.to_owned(),
                what,
            })?;
            Ok(plan)
        }
    }
}

/// The part of a plan that every format has.
#[derive(serde::Deserialize)]
struct Head {
    format: Option<u64>,
}

/// Steps are numbered as they stand, and changes name steps that are there: showing a plan and running it count on it.
fn check(plan: &Plan) -> Result<(), String> {
    if let Some((place, step)) = plan
        .steps
        .iter()
        .enumerate()
        .find(|(place, step)| step.id != *place)
    {
        return Err(format!("step {} stands in the place of step {place}", step.id));
    }
    let missing = |change: &&PlannedChange| change.steps.iter().any(|&id| id >= plan.steps.len());
    match plan.changes.iter().find(missing) {
        Some(change) => Err(format!(
            "the change of {} names a step that is not there",
            change.address
        )),
        None => Ok(()),
    }
}
