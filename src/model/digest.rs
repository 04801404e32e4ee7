//! Digests of configuration and live objects, so that a saved plan can tell whether they moved.

use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 over canonical JSON; shown and written in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digests anything that serialises; every map in the model is ordered, so equal values digest equally.
    ///
    /// The text is never held: that of ten thousand tenants takes more memory than the tenants.
    pub fn of(value: &impl Serialize) -> Self {
        let mut text = BufWriter::with_capacity(1024, Hasher(Sha256::new()));
        // Neither can fail: what is digested serialises, and a hash takes everything.
        let written = serde_json::to_writer(&mut text, value).is_ok();
        let hasher = text.into_inner().ok().filter(|_| written);
        Self(
            hasher
                .map(|hasher| hasher.0)
                .unwrap_or_default()
                .finalize()
                .into(),
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("a digest is not 64 hexadecimal digits"))
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
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
