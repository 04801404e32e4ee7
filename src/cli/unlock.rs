//! `unlock`: ends the session that holds the lock, once it has been named.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args;

use super::args::OneClusterArgs;
use super::clusters;
use super::exit::Failure;
use super::ui::Ui;
use super::{Ended, FileArgs};
use crate::apply::unlock;
use crate::live::connect::Purpose;

/// End the session that holds the lock, once it has been named
///
/// For a run that hangs, or that died and left its server at work. Whoever holds the lock is shown, with what it does
/// right now, before you are asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  $ tenantctl unlock")]
pub(super) struct UnlockArgs {
    #[command(flatten)]
    pub(super) files: FileArgs,
    #[command(flatten)]
    cluster: OneClusterArgs,
    /// Do not ask
    #[arg(long)]
    pub(super) auto_approve: bool,
}

pub(super) async fn run(directory: &Path, args: &UnlockArgs, ui: &Ui) -> Result<Ended, Failure> {
    let session =
        clusters::open_one(directory, &args.files, args.cluster.cluster.as_deref(), None, ui).await?;
    let workspace = &session.desired.workspace;
    let admin = session.admin(Purpose::Write).await?;
    let holders = unlock::holders(&admin, workspace).await?;
    if holders.is_empty() {
        ui.data(&format!(
            "Nobody holds the lock of workspace \"{workspace}\": there is nothing to free.\n"
        ));
        return Ok(Ended::Well);
    }
    ui.complain(&format!("workspace \"{workspace}\" is locked by"));
    for holder in &holders {
        let line = format!("  {holder}: {}", holder.doing());
        ui.complain(&crate::report::printable(&line));
    }
    let question = if holders.len() == 1 {
        "End this session?"
    } else {
        "End these sessions?"
    };
    if !args.auto_approve {
        if !std::io::stdin().is_terminal() {
            return Err(Failure::Said(
                "there is no terminal to ask on: look at who that is, and pass --auto-approve to end it"
                    .into(),
            ));
        }
        if !ui.ask(question) {
            return Err(Failure::Said("nothing was ended".into()));
        }
    }
    let now = unlock::end(&admin, workspace, &holders).await?;
    ui.data(&format!(
        "Ended {}. A statement that was on its way is done or rolled back as a whole; that run starts nothing more, and \
         the next apply finishes its work.\n",
        match holders.len() {
            1 => "1 session".to_owned(),
            many => format!("{many} sessions"),
        }
    ));
    match now.first() {
        None => ui.data(&format!("The lock of workspace \"{workspace}\" is free.\n")),
        Some(next) => {
            let line =
                format!("The lock of workspace \"{workspace}\" went to whoever was waiting for it: {next}");
            ui.data(&(crate::report::printable(&line) + "\n"));
        }
    }
    Ok(Ended::Well)
}
