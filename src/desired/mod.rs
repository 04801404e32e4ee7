//! From a configuration to what has to live. Pure.

pub mod lint;
pub mod naming;
