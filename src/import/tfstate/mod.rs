//! What a Terraform state says of tenants: users, roles and policies of the aws provider, roles, databases and grants of
//! the postgresql provider. Pure, and blind for secrets: only the attributes named in `format.rs` are ever read.
//!
//! The format is version 4 of `terraform.tfstate`, which `terraform state pull` prints:
//! <https://developer.hashicorp.com/terraform/internals/json-format> is another one, and is refused.

mod fate;
mod format;
mod world;

use std::collections::BTreeMap;

use crate::live::Live;
use crate::model::{Account, ClusterFacts};

pub use fate::{Fates, fates};

use self::format::Attributes;

/// One or several states, as far as they are about tenants.
#[derive(Debug)]
pub struct State {
    /// Roles, databases and grants.
    pub live: Live,
    /// Users, roles and their policies.
    pub account: Account,
    /// The cluster that most policies let somebody log in to.
    pub facts: ClusterFacts,
    /// Its identifier, if it is in a state.
    pub identifier: Option<String>,
    resources: Vec<Resource>,
}

/// One instance of a resource.
#[derive(Debug)]
struct Resource {
    /// In which of the states.
    file: usize,
    /// As `terraform state rm` takes it.
    address: String,
    kind: String,
    attributes: Attributes,
}

/// Why a text is no state that can be read. None of it repeats what the text holds, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not JSON.
    #[error(
        "this is no JSON, at line {line}, column {column}: a state is what `terraform state pull` prints"
    )]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON of another shape.
    #[error(
        "this is JSON, but no Terraform state, at line {line}, column {column}: a state is what `terraform state pull` prints"
    )]
    Shape {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// What `terraform show -json` prints.
    #[error("this is what `terraform show -json` prints; pass what `terraform state pull` prints")]
    Shown,
    /// An encrypted state of OpenTofu.
    #[error(
        "this state is encrypted; `tofu state pull` prints it in clear text, to where the keys are configured"
    )]
    Encrypted,
    /// Not version 4.
    #[error(
        "this state has format version {0}, and only 4 can be read: let Terraform 0.12 or later write it once"
    )]
    Version(u64),
    /// No version.
    #[error(
        "this JSON has no `version`, so it is no Terraform state: a state is what `terraform state pull` prints"
    )]
    NoVersion,
}

/// Reads states, each the text of a file.
///
/// # Errors
/// The number of the text that is no state, and why it is none.
pub fn read(texts: &[&str]) -> Result<State, (usize, StateError)> {
    let mut resources = Vec::new();
    for (file, text) in texts.iter().enumerate() {
        let found = format::resources(text).map_err(|error| (file, error))?;
        resources.extend(found.into_iter().map(|(address, kind, attributes)| Resource {
            file,
            address,
            kind,
            attributes,
        }));
    }
    Ok(world::of(resources))
}

impl State {
    /// How many resources there are of each type.
    pub fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for resource in &self.resources {
            *kinds.entry(resource.kind.as_str()).or_default() += 1;
        }
        kinds
    }
}
