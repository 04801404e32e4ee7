//! Digests of configuration and live objects, so that a saved plan can tell whether they moved.

use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 over canonical JSON, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digests anything that serialises; every map in the model is ordered, so equal values digest equally.
    ///
    /// The text is never held: that of ten thousand tenants takes more memory than the tenants.
    pub fn of(value: &impl Serialize) -> Self {
        let mut text = BufWriter::with_capacity(1024, Hasher(Sha256::new()));
        // Neither can fail: what is digested serialises, and a hash takes everything.
        let written = serde_json::to_writer(&mut text, value).is_ok();
        let hasher = text.into_inner().ok().filter(|_| written);
        let hash = hasher.map(|hasher| hasher.0).unwrap_or_default().finalize();
        let mut digits = String::with_capacity(2 * hash.len());
        for byte in hash {
            digits.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        Self(digits)
    }
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
