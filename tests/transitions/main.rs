//! A test is a small world, one edit, one snapshot: what does tenantctl plan when one thing is different?
//!
//! Nothing here opens a connection. [`world`] compiles a tenants file and [`applied`] makes the live world that its
//! apply would leave behind; a test edits either side. [`simulate`] then carries the plan out on paper, and every test
//! goes on to check that a second plan has nothing left to do.

mod adopting;
mod applied;
mod clusters;
mod comments;
mod databases;
mod dependents;
mod grants;
mod guards;
mod identity;
mod importing;
mod memberships;
mod modes;
mod moves;
mod outputs;
mod properties;
mod random;
mod scope_and_names;
mod shared;
mod simulate;
mod tenants;
mod world;
