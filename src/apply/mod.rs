//! Writing.

pub mod handover;
pub mod iam;
pub mod secret_material;
