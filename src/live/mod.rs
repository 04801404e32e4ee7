//! Reading what lives.

pub mod access;
pub mod aws;
pub mod iam;
pub mod rds;
