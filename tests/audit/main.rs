//! `audit` and `why` against real servers: a clean cluster has no finding, each seeded leak is found with its path, and
//! what the arithmetic says of who can connect is what Postgres itself says.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod browser;
mod docs;
mod effective;
mod gate;
mod iam_leaks;
mod inside_leaks;
mod leaks;
mod login_leaks;
mod page;
mod probe;
mod probe_random;
mod probe_stand_in;
mod role_leaks;
mod scale;
mod seeded;
#[path = "../live/site.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod site;
#[path = "../live/state_of.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod state_of;
mod trust_leaks;
