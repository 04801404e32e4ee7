//! Changes become steps, in a fixed order of phases. Pure.

pub mod step;

pub use step::{Command, Expectation, HandOver, IamCommand, Phase, Record, SqlCommand, Step};
