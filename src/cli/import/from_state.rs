//! `import --from-tfstate`: a tenants file from Terraform states, and what Terraform has to forget. Without any network.

use std::fmt::Write as _;
use std::path::Path;

use super::base::{Base, UNKNOWN};
use super::{ImportArgs, counts, deliver};
use crate::cli::Ended;
use crate::cli::exit::Failure;
use crate::cli::ui::Ui;
use crate::import::tfstate::{self, Fates, State};
use crate::import::{Found, draft};
use crate::model::Secret;

pub(super) fn run(directory: &Path, args: &ImportArgs, ui: &Ui) -> Result<Ended, Failure> {
    let state = read(args)?;
    for unreadable in &state.account.unreadable {
        ui.complain(&format!("not understood, and left out: {unreadable}"));
    }
    let facts = &state.facts;
    let base = Base::offline(directory, args, state.identifier.as_deref(), &facts.region, ui)?;
    let known = base.known();
    let admin = base
        .cluster
        .admin
        .username
        .as_ref()
        .unwrap_or(&facts.master_username);
    let found = Found {
        live: &state.live,
        account: &state.account,
        facts,
        capabilities: base.capabilities,
        admin,
        admin_database: &base.cluster.admin.database,
        workspace: &base.config.workspace,
        naming: base.naming(),
        known: &known,
    };
    let settled = base.settle(facts, draft(&found), ui)?;
    if settled.draft.tenants.is_empty() {
        return Err(Failure::Said(nothing(&state)));
    }
    deliver(args, &settled.text, ui)?;
    let fates = tfstate::fates(&state, &settled.draft);
    // What can be run goes where it can be taken from: the file has standard output, unless it has a name.
    let commands = commands(args, &fates);
    if args.out.is_some() {
        ui.data(&commands);
    } else {
        ui.complain(&commands);
    }
    ui.note(&counts(&settled.draft));
    if base.cluster.identifier.value == UNKNOWN {
        ui.complain(
            "the state does not say which cluster this is: put its RDS identifier in the place of \"your-cluster\"",
        );
    }
    ui.note("Look at tenantctl plan, adopt, and look again, before Terraform forgets anything: docs/coming-from-terraform.md");
    Ok(Ended::Well)
}

fn read(args: &ImportArgs) -> Result<State, Failure> {
    let mut texts = Vec::new();
    for path in &args.from_tfstate {
        // A state holds passwords and keys in clear text.
        let text = std::fs::read_to_string(path).map(Secret::new);
        texts.push(text.map_err(|error| Failure::Said(format!("{}: {error}", path.display())))?);
    }
    let texts: Vec<&str> = texts.iter().map(Secret::expose).collect();
    tfstate::read(&texts)
        .map_err(|(file, error)| Failure::Said(format!("{}: {error}", args.from_tfstate[file].display())))
}

fn nothing(state: &State) -> String {
    let kinds: Vec<_> = state
        .kinds()
        .into_iter()
        .filter(|(kind, _)| kind.starts_with("aws_iam") || kind.starts_with("postgresql"))
        .map(|(kind, count)| format!("{count} × {kind}"))
        .collect();
    let has = match kinds.as_slice() {
        [] => "no resource of IAM or of the postgresql provider".to_owned(),
        kinds => kinds.join(", "),
    };
    format!(
        "no tenant was found; the state has {has}. A tenant is a postgresql_role with a database of its own. If IAM and \
         Postgres are in states of their own, pass --from-tfstate for each"
    )
}

fn commands(args: &ImportArgs, fates: &Fates) -> String {
    let mut text =
        String::from("# Once tenantctl has adopted what the file names, Terraform has to forget it:\n");
    let several = args.from_tfstate.len() > 1;
    let mut last = None;
    for (file, address) in &fates.taken_over {
        if several && last != Some(file) {
            let _ = writeln!(text, "# in {}", args.from_tfstate[*file].display());
            last = Some(file);
        }
        let _ = writeln!(text, "terraform state rm {}", quoted(address));
    }
    comment(
        &mut text,
        "These policies say what tenantctl's own say. Terraform may delete them after the first tenantctl apply:",
        &fates.doubled,
    );
    comment(
        &mut text,
        "These hang on tenants, and tenantctl does not manage them. Keep them in Terraform, or they are deleted:",
        &fates.beside,
    );
    if !fates.others.is_empty() {
        let others: Vec<_> = fates
            .others
            .iter()
            .map(|(kind, count)| format!("{count} × {kind}"))
            .collect();
        let _ = writeln!(text, "# Left to Terraform: {}", others.join(", "));
    }
    text
}

fn comment(text: &mut String, head: &str, addresses: &[(usize, String)]) {
    if !addresses.is_empty() {
        let _ = writeln!(text, "# {head}");
        for (_, address) in addresses {
            let _ = writeln!(text, "#   {}", crate::report::printable(address));
        }
    }
}

/// For a POSIX shell, which changes nothing between single quotes.
fn quoted(address: &str) -> String {
    format!("'{}'", address.replace('\'', "'\\''"))
}
