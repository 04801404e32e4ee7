//! The objects tenantctl manages, one type for both sides: what is desired and what lives.
//!
//! Both sides are normalised to the live system's spelling before they meet, so that an object that was just
//! applied compares equal: policies are parsed, a NULL ACL is replaced by `acldefault()`, an owner's grants are
//! told apart from everybody else's.

pub mod account;
pub mod cluster;
pub mod database;
pub mod digest;
pub mod evidence;
pub mod grant;
pub mod history;
pub mod iam;
pub mod policy;
pub mod power;
pub mod probe;
pub mod quote;
pub mod role;
pub mod secret;
mod sorted;
pub mod world;

pub use account::{Account, Identity, IdentityKind, IdentityPolicy, UserKeys};
pub use cluster::ClusterFacts;
pub use database::{Database, DatabaseState, DeletionPolicy, Extension, Schema};
pub use digest::Digest;
pub use evidence::{Dependency, Evidence, Fact, FactKind, Known, ParameterGrant, Subscription};
pub use grant::{Grant, GrantItem, Grantor, Privilege};
pub use history::{AppliedRun, AppliedStep};
pub use iam::{AccessKey, IamRole, IamUser, KeyStatus, Mark, Quota, Quotas};
pub use policy::{PolicyDocument, PolicyError, Principal};
pub use power::{MembershipRow, Power};
pub use probe::{Attempt, PROBE_LOGIN, Probe, ProbePlan, StandIn, Visit, Visitor};
pub use role::{Dependents, Membership, Password, Role, RoleSetting};
pub use secret::Secret;
pub use sorted::Sorted;
pub use world::{Object, World};
