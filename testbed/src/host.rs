//! What this machine has: where `scripts/setup` put things, and the user that runs Postgres.

use std::{
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher, Hasher},
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Context, Error};

/// Postgres refuses to run as root, so under root its programs run as the user `postgres`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    Caller,
    Postgres { uid: u32, gid: u32 },
}

impl Account {
    pub(crate) fn find() -> Result<Self, Error> {
        let uid = fs::metadata("/proc/self")
            .context(|| "reading /proc/self".into())?
            .uid();
        if uid != 0 {
            return Ok(Account::Caller);
        }
        let users = fs::read_to_string("/etc/passwd").context(|| "reading /etc/passwd".into())?;
        users
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.first() == Some(&"postgres"))
            .and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)))
            .map(|(uid, gid)| Account::Postgres { uid, gid })
            .ok_or_else(|| Error::NotInstalled("the user postgres".into()))
    }

    /// The command line that runs a program as this account.
    pub(crate) fn command_line(self, program: &Path) -> Vec<String> {
        let mut line = match self {
            Account::Caller => Vec::new(),
            Account::Postgres { .. } => [
                "setpriv",
                "--reuid",
                "postgres",
                "--regid",
                "postgres",
                "--init-groups",
            ]
            .map(String::from)
            .to_vec(),
        };
        line.push(program.display().to_string());
        line
    }

    /// A command that runs a program as this account.
    pub(crate) fn command(self, program: &Path) -> Command {
        let line = self.command_line(program);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir("/");
        command
    }

    /// Gives a file or directory to this account, with these permissions.
    pub(crate) fn own(self, path: &Path, mode: u32) -> Result<(), Error> {
        if let Account::Postgres { uid, gid } = self {
            chown(path, Some(uid), Some(gid)).context(|| format!("giving {} to postgres", path.display()))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .context(|| format!("setting permissions of {}", path.display()))
    }

    /// Makes a directory, with its parents, that this account owns.
    pub(crate) fn directory(self, path: &Path, mode: u32) -> Result<(), Error> {
        fs::create_dir_all(path).context(|| format!("making {}", path.display()))?;
        self.own(path, mode)
    }
}

/// Where `scripts/setup` installs to.
pub(crate) fn cache() -> PathBuf {
    env::var_os("TENANTCTL_TESTBED_DIR")
        .map_or_else(|| PathBuf::from("/var/tmp/tenantctl-testbed"), PathBuf::from)
}

/// Where servers keep their data while they run.
pub(crate) fn data() -> PathBuf {
    env::var_os("TENANTCTL_TESTBED_DATA").map_or_else(|| cache().join("run"), PathBuf::from)
}

/// The prefix of a Postgres installation: Debian's, or one that `scripts/setup` downloaded.
pub(crate) fn postgres_prefix(major: u16) -> Result<PathBuf, Error> {
    let debian = PathBuf::from(format!("/usr/lib/postgresql/{major}"));
    let downloaded = fs::read_dir(cache().join("postgres"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let of_major = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(&format!("{major}.")))
    };
    let mut candidates: Vec<_> = downloaded.filter(of_major).collect();
    candidates.sort();
    candidates.push(debian);
    candidates
        .into_iter()
        .rev()
        .find(|prefix| prefix.join("bin/postgres").exists())
        .ok_or_else(|| Error::NotInstalled(format!("Postgres {major}")))
}

/// The Python that has moto.
pub(crate) fn moto_python() -> Result<PathBuf, Error> {
    let installed = fs::read_dir(cache())
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    installed
        .filter(|path| path.join(".complete").exists())
        .map(|path| path.join("bin/python"))
        .max()
        .ok_or_else(|| Error::NotInstalled("moto".into()))
}

/// A configuration of AWS clients that says nothing.
pub(crate) fn aws_config() -> PathBuf {
    cache().join("aws-config")
}

/// A port that nobody listens on, below the range from which the system serves outgoing connections: a server that
/// is stopped and started again finds it still free.
pub(crate) fn free_port() -> Result<u16, Error> {
    (0..200)
        .map(|_| 20_000 + (RandomState::new().build_hasher().finish() % 12_000) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| Error::Server("no free port between 20000 and 32000".into()))
}
