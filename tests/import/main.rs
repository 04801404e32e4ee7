//! `import --from-tfstate`: from Terraform states to a file, and to what Terraform has to forget. Nothing here has a
//! server: the binary is run as it is, without network or credentials.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by panicking"
)]

mod refused;
mod state;
mod states;
