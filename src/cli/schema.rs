//! `schema`: the JSON schema of tenants files in JSON.

use clap::Args;

use super::Ended;
use super::exit::Failure;
use super::ui::Ui;
use crate::config;

/// Print the JSON schema of tenants files
///
/// For editors and for programs that write tenants files: a file named *.hcl.json holds the same as one of HCL, as JSON.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl schema > tenants.schema.json")]
pub(super) struct SchemaArgs {}

pub(super) fn run(_args: &SchemaArgs, ui: &Ui) -> Result<Ended, Failure> {
    ui.data(&format!("{:#}\n", config::schema()));
    Ok(Ended::Well)
}
