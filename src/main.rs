//! The tenantctl binary; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantctl::cli::main()
}
