//! `completions`: what a shell needs to complete our command line.

use clap::Args;
use clap_complete::Shell;

use super::ui::Ui;
use super::{Ended, help};

/// Print a completion script for a shell
///
/// Most shells read it from a directory of their own; where that is differs by system.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl completions bash > ~/.local/share/bash-completion/completions/tenantctl
  $ tenantctl completions zsh > ~/.zfunc/_tenantctl
  $ tenantctl completions fish > ~/.config/fish/completions/tenantctl.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::command(), "tenantctl", &mut script);
    ui.bytes(&script);
    Ended::Well
}
