//! Saved plans: JSON, without secrets, whole or not at all.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{ClusterPlan, FORMAT, Plan, PlannedChange};

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
    #[error("{}: this plan has format {found}, this version of tenantctl reads {FORMAT} and {SEVERAL}; plan again", path.display())]
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

/// The format of a file with the plans of several clusters.
const SEVERAL: u32 = 2;
/// Bytes of a plan file, at most. A new tenant takes some 16 KiB.
const SIZE_LIMIT: u64 = 256 << 20;
/// Values in a plan file, at most: what a file says about objects is kept as JSON, up to 100 bytes for each value. A new
/// tenant takes some 250.
const VALUES: usize = 5_000_000;

/// A file with the plans of several clusters.
#[derive(Serialize, Deserialize)]
struct Several<P> {
    format: u32,
    clusters: P,
}

/// Writes plans so that a reader sees all of them or none.
///
/// # Errors
/// The directory is not there or cannot be written.
pub fn write(path: &Path, plans: &[ClusterPlan]) -> Result<(), FileError> {
    let text = to_text(plans).map_err(|error| FileError::Io {
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

/// Reads the plans of a file.
///
/// # Errors
/// The file cannot be read, or [`parse`] refuses what it holds.
pub fn read(path: &Path) -> Result<Vec<ClusterPlan>, FileError> {
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

/// What a plan file holds: the plan of the only cluster, or those of all by name.
///
/// # Errors
/// A value cannot be written as JSON, which no plan has.
pub fn to_text(plans: &[ClusterPlan]) -> Result<String, serde_json::Error> {
    let text = match plans {
        [only] if only.cluster.is_none() => serde_json::to_string_pretty(&only.plan),
        several => serde_json::to_string_pretty(&Several {
            format: SEVERAL,
            clusters: several,
        }),
    };
    text.map(|text| text + "\n")
}

/// The plans that a file's text holds; the path is for messages.
///
/// # Errors
/// It is no plan, one of another format, or one whose parts do not belong together.
pub fn parse(path: &Path, text: &str) -> Result<Vec<ClusterPlan>, FileError> {
    let malformed = |source| FileError::Malformed {
        path: path.to_owned(),
        source,
    };
    let inconsistent = |what| FileError::Inconsistent {
        path: path.to_owned(),
        what,
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
    let plans = match head.and_then(|head| head.format) {
        Some(found) if found == u64::from(SEVERAL) => {
            let several: Several<Vec<ClusterPlan>> = serde_json::from_str(text).map_err(malformed)?;
            check_names(&several.clusters).map_err(inconsistent)?;
            several.clusters
        }
        Some(found) if found != u64::from(FORMAT) => {
            return Err(FileError::Format {
                path: path.to_owned(),
                found,
            });
        }
        _ => vec![ClusterPlan::only(serde_json::from_str(text).map_err(malformed)?)],
    };
    plans
        .iter()
        .try_for_each(|plan| check(&plan.plan))
        .map_err(inconsistent)?;
    Ok(plans)
}

/// The part of a plan that every format has.
#[derive(serde::Deserialize)]
struct Head {
    format: Option<u64>,
}

/// Each of several plans is the one plan of a cluster with a name.
fn check_names(plans: &[ClusterPlan]) -> Result<(), String> {
    let names: BTreeSet<_> = plans.iter().filter_map(|plan| plan.cluster.as_deref()).collect();
    if plans.is_empty() || names.len() < plans.len() {
        return Err("each of its plans has to be that of a cluster".to_owned());
    }
    match plans.iter().find(|plan| plan.plan.format != FORMAT) {
        Some(plan) => Err(format!("the plan of a cluster has format {}", plan.plan.format)),
        None => Ok(()),
    }
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
