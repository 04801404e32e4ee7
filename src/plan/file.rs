//! Saved plans: JSON, without secrets, whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{FORMAT, Plan};

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
}

/// A plan names every tenant and address it touches, so nobody else may read it; a real one is far below the limit.
const SIZE_LIMIT: u64 = 1 << 30;

/// Writes a plan so that a reader sees all of it or none.
///
/// # Errors
/// The directory cannot be written.
pub fn write(path: &Path, plan: &Plan) -> Result<(), FileError> {
    let failed = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    serde_json::to_writer_pretty(&mut file, plan).map_err(|error| failed(error.into()))?;
    file.write_all(b"\n").map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reads a plan.
///
/// # Errors
/// The file cannot be read, is no plan, or is one of another format.
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
    let malformed = |source| FileError::Malformed {
        path: path.to_owned(),
        source,
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(malformed)?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(found) if found != u64::from(FORMAT) => Err(FileError::Format {
            path: path.to_owned(),
            found,
        }),
        _ => serde_json::from_value(value).map_err(malformed),
    }
}
