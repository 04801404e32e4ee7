//! Hand-over files: a tenant's secret, encrypted to its holder before it touches a disk.
//!
//! `DIR/handover/TENANT.age`, armored age (<https://age-encryption.org/v1>), for an X25519 recipient (`age1..`) or an
//! ssh public key. It appears whole or not at all, readable by its owner alone.

mod document;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use age::ssh::ParseRecipientKeyError;

use super::iam::IamWriter;
use crate::live::aws::{AwsError, AwsErrorKind};
use crate::model::Secret;
use crate::plan::step::{HandOver, IamCommand};

/// The directory of hand-over files, in the configuration directory.
pub const DIRECTORY: &str = "handover";
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What is handed over.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An access key of an IAM user.
    AccessKey {
        /// `AKIA..`.
        id: String,
        /// The secret access key.
        secret: Secret,
    },
    /// A password.
    Password(Secret),
}

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// The recipient is none that can be encrypted to. Never quotes it: it may be a private key by mistake.
    #[error("the hand-over recipient {0}")]
    Recipient(String),
    /// The tenant's name is no file name.
    #[error("the tenant's name `{0}` cannot be a file name")]
    TenantName(String),
    /// Encryption failed.
    #[error("the hand-over file could not be encrypted: {0}")]
    Encrypt(String),
    /// A file or directory could not be written.
    #[error("{}: {problem}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: io::Error,
    },
    /// IAM refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The file could not be written, and the key that was to be in it could not be deleted again.
    #[error(
        "{written}; and the access key {id} of {user}, whose secret is lost, could not be deleted: {deleted}. Delete it: \
         `aws iam delete-access-key --user-name {user} --access-key-id {id}`"
    )]
    Stranded {
        /// The user.
        user: String,
        /// `AKIA..`.
        id: String,
        /// Why the file was not written.
        written: Box<HandOverError>,
        /// Why the key is still there.
        deleted: Box<AwsError>,
    },
}

impl HandOverError {
    /// Whether an access key may exist whose secret nobody holds: its creation was not answered, or it could not be
    /// taken back.
    pub fn may_have_left_a_key(&self) -> bool {
        match self {
            Self::Stranded { .. } => true,
            Self::Aws(error) => matches!(error.kind(), AwsErrorKind::Unreachable | AwsErrorKind::Other),
            Self::Recipient(_) | Self::TenantName(_) | Self::Encrypt(_) | Self::Write { .. } => false,
        }
    }
}

enum Recipient {
    X25519(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

/// Checks that something can be encrypted to a recipient: `age1..`, `ssh-ed25519 ..` or `ssh-rsa ..` of 2048 bits or
/// more.
///
/// # Errors
///
/// When not, with what it is instead.
pub fn check_recipient(recipient: &str) -> Result<(), HandOverError> {
    parse(recipient).map(drop)
}

/// Writes `DIR/handover/TENANT.age` and returns its path. An older file of the tenant is replaced; a symlink in its
/// place is replaced too, and not followed.
///
/// # Errors
///
/// When the recipient is unusable or the file cannot be written; then nothing was, and what was there still is.
pub fn write(dir: &Path, handover: &HandOver, credential: &Credential) -> Result<PathBuf, HandOverError> {
    let recipient = parse(&handover.recipient)?;
    let file_name = file_name(handover.tenant.as_str())?;
    let directory = prepare(dir)?;
    let target = directory.join(file_name);

    let plain = document::render(handover, credential);
    let cipher = match &recipient {
        Recipient::X25519(recipient) => age::encrypt_and_armor(recipient, plain.as_bytes()),
        Recipient::Ssh(recipient) => age::encrypt_and_armor(recipient, plain.as_bytes()),
    };
    let cipher = cipher.map_err(|error| HandOverError::Encrypt(error.to_string()))?;
    replace(&directory, &target, cipher.as_bytes()).map_err(|problem| HandOverError::Write {
        path: target.clone(),
        problem,
    })?;
    Ok(target)
}

/// Creates an access key and hands it over. Returns its id and the file.
///
/// Everything that can be checked is checked before the key exists, and a key whose secret could not be handed over is
/// deleted again: it would take one of the user's two slots and be of use to nobody.
///
/// # Errors
///
/// When the key cannot be created or its file not written.
pub async fn create_access_key(
    writer: &IamWriter,
    user: &str,
    dir: &Path,
    handover: &HandOver,
) -> Result<(String, PathBuf), HandOverError> {
    check_recipient(&handover.recipient)?;
    file_name(handover.tenant.as_str())?;
    prepare(dir)?;
    let (id, secret) = writer.create_access_key(user).await?;
    let credential = Credential::AccessKey {
        id: id.clone(),
        secret,
    };
    let written = match write(dir, handover, &credential) {
        Ok(path) => return Ok((id, path)),
        Err(error) => error,
    };
    let delete = IamCommand::DeleteAccessKey {
        user: user.into(),
        id: id.as_str().into(),
    };
    match writer.run(&delete).await {
        Ok(()) => Err(written),
        Err(deleted) => Err(HandOverError::Stranded {
            user: user.to_owned(),
            id,
            written: Box::new(written),
            deleted: Box::new(deleted),
        }),
    }
}

fn parse(recipient: &str) -> Result<Recipient, HandOverError> {
    let text = recipient.trim();
    let refused = |what: &str| Err(HandOverError::Recipient(what.to_owned()));
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY") {
        return refused(
            "is a private key: write the public one instead, and take this one out of the file and its history",
        );
    }
    if text.starts_with("age1") {
        return match text.parse() {
            Ok(recipient) => Ok(Recipient::X25519(recipient)),
            Err(_) => refused("begins with `age1` but is no X25519 recipient, as `age-keygen` prints one"),
        };
    }
    // The comment after the key says nothing.
    let key: Vec<&str> = text.split_whitespace().take(2).collect();
    match key.join(" ").parse() {
        Ok(recipient) => Ok(Recipient::Ssh(recipient)),
        Err(ParseRecipientKeyError::Unsupported(kind)) => refused(&format!(
            "is an ssh key of type `{kind}`; ssh-ed25519 and ssh-rsa work"
        )),
        Err(ParseRecipientKeyError::RsaModulusTooSmall) => refused("is an RSA key of less than 2048 bits"),
        Err(ParseRecipientKeyError::RsaModulusTooLarge) => refused("is an RSA key too large for age"),
        Err(_) => refused(
            "is neither an age recipient (`age1..`) nor an ssh public key (`ssh-ed25519 ..`, `ssh-rsa ..`)",
        ),
    }
}

/// Names are checked where they are read; one that could leave the directory must not get past here either.
fn file_name(tenant: &str) -> Result<String, HandOverError> {
    let plain = !tenant.is_empty() && !tenant.starts_with('.') && !tenant.contains(['/', '\\', '\0']);
    if plain {
        Ok(format!("{tenant}.age"))
    } else {
        Err(HandOverError::TenantName(tenant.to_owned()))
    }
}

/// The directory, made when it is missing, closed to others when it is not.
fn prepare(dir: &Path) -> Result<PathBuf, HandOverError> {
    let directory = dir.join(DIRECTORY);
    let attempt = || {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(&directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let metadata = fs::symlink_metadata(&directory)?;
        if !metadata.is_dir() {
            // A link could lead to a place that others read.
            return Err(io::Error::new(
                io::ErrorKind::NotADirectory,
                "it has to be a directory, not a file or a link",
            ));
        }
        if metadata.permissions().mode() & 0o777 != DIRECTORY_MODE {
            fs::set_permissions(&directory, Permissions::from_mode(DIRECTORY_MODE))?;
        }
        Ok(())
    };
    match attempt() {
        Ok(()) => Ok(directory),
        Err(problem) => Err(HandOverError::Write {
            path: directory,
            problem,
        }),
    }
}

/// Replaces a file as a whole: after a crash there is the old one or the new one.
fn replace(directory: &Path, target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix(".handover-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    // The rename is in the directory, and lasts only once that is on the disk.
    File::open(directory)?.sync_all()
}
