//! The objects tenantctl manages, one type for both sides: what is desired and what lives.

use serde::{Deserialize, Serialize};

/// What happens to a tenant's data when the tenant leaves the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionPolicy {
    /// Databases and the role that owns what is in them stay.
    #[default]
    Retain,
    /// Databases are dropped.
    Delete,
}
