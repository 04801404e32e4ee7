//! Runs that are killed.

use super::trials::Scenario;

/// The scenarios of this file, in the order of the table.
pub const SCENARIOS: &[Scenario] = &[];
