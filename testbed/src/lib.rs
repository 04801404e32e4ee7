//! Real servers for tests and for the demo, on loopback and on free ports.
//!
//! - [`Postgres`]: a fresh Postgres 15 to 18, set up the way Aurora presents itself to its master user.
//! - [`Aws`]: an emulator of IAM, STS, RDS and Secrets Manager.
//! - [`AwsProxy`]: stands in front of it, counts calls, and fails on request.
//! - [`FrontDoor`]: stands in front of Postgres and lets members of `rds_iam` in with a token, after checking it.
//! - [`World`]: all of them, wired together.
//!
//! `scripts/setup` installs what they need. Every server goes away with its value, and also when the process that
//! started it dies, however it dies.
//!
//! The interface is blocking, for plain `#[test]` functions; do not call it from inside an async runtime.

mod aws;
mod error;
mod front_door;
mod gate;
mod host;
mod postgres;
mod process;
mod runtime;
mod tls;
mod world;

pub use aws::{Aws, AwsProxy, Behaviour, Cluster, ClusterSpec, Credentials, Fault};
pub use error::Error;
pub use front_door::FrontDoor;
pub use gate::{Gate, Side};
pub use postgres::{MASTER, Options, Postgres, Rows, Superuser};
pub use world::{Neighbour, World};
