//! What continuous integration relies on: the permissions that `iam-policy` prints, and every step of the ready
//! workflows, run here as the CI system would run it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod api;
mod expressions;
mod github;
mod gitlab;
#[path = "../live/login.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod login;
mod permissions;
mod readers;
mod repository;
mod runner;
#[path = "../live/site.rs"]
#[expect(dead_code, reason = "tests/live uses the rest")]
mod site;
