//! One prepared data directory for each version, copied for every server: much faster than making it anew.

use std::{
    fmt::Write as _,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Context, Error},
    host::{self, Account},
    postgres::{MASTER_PASSWORD, Postgres, SUPERUSER},
};

const AURORA: &str = include_str!("aurora.sql");
const INITDB: &[&str] = &[
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C",
    "--auth=trust",
    "--username",
    SUPERUSER,
];

/// The prepared data directory, made now if there is none yet.
pub(crate) fn data_directory(major: u16, prefix: &Path, account: Account) -> Result<PathBuf, Error> {
    let templates = host::cache().join("templates");
    let target = templates.join(name(major, prefix));
    if target.exists() {
        return Ok(target);
    }
    account.directory(&templates, 0o755)?;
    let lock = templates.join(format!(".lock-{major}"));
    let lock = File::create(&lock).context(|| format!("opening {}", lock.display()))?;
    // Tests are many threads in many processes; the first makes the template and the others wait here.
    lock.lock().context(|| "locking the templates".into())?;
    if !target.exists() {
        make(major, prefix, account, &target)?;
    }
    Ok(target)
}

/// A name that changes with everything that goes into the directory.
fn name(major: u16, prefix: &Path) -> String {
    let content = format!("{}|{INITDB:?}|{AURORA}|{MASTER_PASSWORD}", prefix.display());
    let digest = Sha256::digest(content.as_bytes());
    digest.iter().take(6).fold(format!("{major}-"), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn make(major: u16, prefix: &Path, account: Account, target: &Path) -> Result<(), Error> {
    let parent = target.parent().unwrap_or(target);
    let staging = tempfile::Builder::new().prefix(".new-").tempdir_in(parent);
    let staging = staging.context(|| format!("making a directory in {}", parent.display()))?;
    account.own(staging.path(), 0o700)?;
    let data = staging.path().join("data");
    let mut initdb = account.command(&prefix.join("bin/initdb"));
    initdb
        .args(INITDB)
        .arg("-D")
        .arg(&data)
        .env("LD_LIBRARY_PATH", prefix.join("lib"))
        .stdin(Stdio::null());
    let output = initdb.output().context(|| "running initdb".into())?;
    if !output.status.success() {
        return Err(Error::Server(format!(
            "initdb failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    // Beside the target: servers may keep their data on another file system, from where it could not be moved.
    let server = Postgres::start_in(parent, major, prefix, account, &data, &super::Options::default())?;
    for statement in AURORA.split("\n\n").filter(|statement| has_sql(statement)) {
        server.sql(
            "postgres",
            &statement.replace("{master_password}", MASTER_PASSWORD),
        )?;
    }
    server.stop()?;
    let made = server.data();
    fs::rename(&made, target).context(|| format!("moving {} to {}", made.display(), target.display()))
}

fn has_sql(statement: &str) -> bool {
    statement
        .lines()
        .any(|line| !line.trim().is_empty() && !line.starts_with("--"))
}
