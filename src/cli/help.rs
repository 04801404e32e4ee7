//! `--help`: commands in groups, in the order in which somebody new meets them.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use super::Cli;

/// Which commands stand together. One that nobody put into a group stands at the end.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Every day", &["init", "fmt", "validate", "plan", "apply"]),
    ("Take over what exists", &["import", "adopt"]),
    ("Look", &["audit", "why", "history"]),
    ("Log in as a tenant", &["connect", "token"]),
    ("Repair", &["unlock"]),
    ("Set up", &["iam-policy", "schema", "completions", "man", "help"]),
];

const LAST: &str = "\
`tenantctl COMMAND --help` shows examples. To begin:
  $ tenantctl init
  $ tenantctl plan
  $ tenantctl apply";

/// The command line with its help, as everything that shows it uses it.
pub(super) fn command() -> Command {
    let command = Cli::command();
    let text = grouped(&command);
    let header = command.get_styles().get_header();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{text}\n{header}Options of every command:{header:#}\n\
         {{options}}{{after-help}}"
    );
    command.help_template(template).after_help(LAST)
}

fn grouped(command: &Command) -> String {
    let header = command.get_styles().get_header();
    let literal = command.get_styles().get_literal();
    let about = |name: &str| match (command.find_subcommand(name), name) {
        (Some(found), _) => found.get_about().map(ToString::to_string),
        // clap adds it once it parses.
        (None, "help") => Some("Show this, or the help of a command".to_owned()),
        (None, _) => None,
    };
    let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
    let others: Vec<&str> = command
        .get_subcommands()
        .map(Command::get_name)
        .filter(|name| !grouped.contains(name))
        .collect();
    let mut text = String::new();
    for (heading, names) in GROUPS.into_iter().chain([("Others", others.as_slice())]) {
        let lines: Vec<_> = names
            .iter()
            .filter_map(|name| Some((name, about(name)?)))
            .collect();
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{header}{heading}:{header:#}");
        }
        for (name, about) in lines {
            let _ = writeln!(text, "  {literal}{name:<12}{literal:#} {about}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::terraform_style;

    #[test]
    fn every_command_is_in_a_group() {
        let help = grouped(&command());
        assert!(
            !help.contains("Others:"),
            "put it into GROUPS of src/cli/help.rs:\n{help}"
        );
    }

    #[test]
    fn every_command_has_examples_that_it_understands() {
        for one in command().get_subcommands() {
            let name = one.get_name();
            let examples = one.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<_> = examples
                .lines()
                .filter_map(|line| line.strip_prefix("  $ "))
                .collect();
            assert!(!lines.is_empty(), "no example under {name} --help");
            for line in lines {
                let start = line.find("tenantctl").expect("an example of tenantctl");
                let end = line.find([')', '|', '>']).unwrap_or(line.len());
                let words = line[start..end].split_whitespace().map(str::to_owned);
                let parsed = command().try_get_matches_from(terraform_style(words));
                let matches = parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(matches.subcommand_name(), Some(name), "{line}");
            }
        }
    }
}
