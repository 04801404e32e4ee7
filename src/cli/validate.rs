//! `validate`: everything that needs no network.

use std::path::Path;

use clap::Args;

use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs};
use crate::config::{LoadRequest, Loaded, load};
use crate::desired::lint;

/// Check the tenants file without any network
///
/// Finds everything that is wrong at once: unknown names, networks that do not parse, tenants that would collide. It
/// needs no credentials, so a pull request from a stranger can have it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl validate
  $ tenantctl validate --file clients.tfvars --json")]
pub(super) struct ValidateArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    /// One JSON document
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(directory: &Path, args: &ValidateArgs, ui: &Ui) -> Result<Ended, Failure> {
    let loaded = load_files(directory, &args.files);
    let diagnostics = lint::validate(&loaded);
    if args.json {
        let document = serde_json::json!({
            "format_version": crate::plan::FORMAT,
            "valid": !diagnostics.has_errors(),
            "diagnostics": diagnostics.located(&loaded.sources),
        });
        ui.data(&format!("{document:#}\n"));
    } else {
        if !diagnostics.is_empty() {
            ui.diagnose(&diagnostics, &loaded.sources);
        }
        if !diagnostics.has_errors() {
            let tenants = loaded.config().map_or(0, |config| config.tenants.len());
            let noun = if tenants == 1 { "tenant" } else { "tenants" };
            ui.data(&format!("Valid: {tenants} {noun}.\n"));
        }
    }
    Ok(if diagnostics.has_errors() {
        Ended::Badly
    } else {
        Ended::Well
    })
}

pub(super) fn load_files(directory: &Path, files: &FileArgs) -> Loaded {
    load(&LoadRequest {
        dir: directory.to_owned(),
        files: files.files.clone(),
        vars: files.variables.clone(),
        var_files: files.variable_files.clone(),
        cluster_file: files.cluster_file.clone(),
    })
}
