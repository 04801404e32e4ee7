//! tenantctl reconciles the tenants of a multi-tenant Postgres.
//!
//! One direction: `config → desired`, `live`, both into `diff → plan → apply → report`, and into `audit → report`; back
//! from `live` to a file goes `import`. A module imports only modules before it in this list: `address, diag, model,
//! engine, config, desired, live, import, audit, diff, plan, apply, report, cli`; `desired` and `live` never see each other; only `live` reads from and only `apply`
//! writes to anything remote; `apply::run` takes nothing but what `apply::approve` has checked.

pub mod address;
pub mod apply;
pub mod audit;
pub mod cli;
pub mod config;
pub mod desired;
pub mod diag;
pub mod diff;
pub mod engine;
pub mod import;
pub mod live;
pub mod model;
pub mod plan;
pub mod report;
