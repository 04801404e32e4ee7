//! IAM policy documents, parsed so that two spellings of one meaning compare equal.

use serde::{Deserialize, Serialize};

/// A policy document in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyDocument(serde_json::Value);
