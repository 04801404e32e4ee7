//! Who gets credentials for a tenant, by IAM: for people to read, whether it is a finding or not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::address::TenantId;

/// Who can come as one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holders {
    /// Whom the trust policy of the tenant's role lets in.
    pub may_assume: Vec<Assumer>,
    /// ARNs of the users and roles that may `rds-db:connect` as the tenant, its own role and administrators included.
    pub may_connect: BTreeSet<String>,
}

/// One principal of a trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assumer {
    /// Its ARN, or what it is.
    pub who: String,
    /// The networks from which, or `anywhere`.
    pub from: Vec<String>,
}

/// By tenant: those of the file that log in by IAM, and those that others made or that are left.
pub type Credentials = BTreeMap<TenantId, Holders>;
