//! Digests of configuration and live objects, so that a saved plan can tell whether they moved.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 over canonical JSON, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digests anything that serialises; every map in the model is ordered, so equal values digest equally.
    pub fn of(value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).unwrap_or_default();
        let hash = Sha256::digest(&text);
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
