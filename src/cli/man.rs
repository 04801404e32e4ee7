//! `man`: the help as manual pages.

use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, help};

/// Print the manual page, or write all of them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl man | man -l -
  $ tenantctl man plan | man -l -
  $ tenantctl man --dir ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// The page of this command; default: that of tenantctl itself
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Option<String>,
    /// Write every page into this directory, which has to be there
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<Ended, Failure> {
    let mut command = help::command();
    if let Some(directory) = &args.dir {
        clap_mangen::generate_to(command, directory).map_err(|error| {
            Failure::Said(format!(
                "the pages cannot be written to {}: {error}. The directory has to be there",
                directory.display()
            ))
        })?;
        return Ok(Ended::Well);
    }
    // Brings the options of every command into each of them.
    command.build();
    if let Some(name) = &args.command {
        let names: Vec<_> = command
            .get_subcommands()
            .map(|one| one.get_name().to_owned())
            .collect();
        let known = names.iter().map(String::as_str);
        let Some(found) = command.find_subcommand(name) else {
            let meant =
                crate::diag::suggestion(name, known).map_or_else(String::new, |meant| format!("; {meant}"));
            return Err(Failure::Said(format!("there is no command \"{name}\"{meant}")));
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| Failure::Said(format!("the page cannot be made: {error}")))?;
    ui.bytes(&page);
    Ok(Ended::Well)
}
