//! The tables of docs/cli.md and docs/errors.md, made from the code. `UPDATE_DOCS=1 cargo test --lib reference` writes
//! them.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};

use super::help;
use crate::live::remedy;

/// The headings of what every command has, or every command that reads the file: described once.
const SHARED: [&str; 2] = ["Options of every command", "The tenants file"];

#[test]
fn the_reference_of_the_commands_is_current() {
    let mut command = help::command();
    command.build();
    let mut made = vec![
        ("every command".to_owned(), options(&command, |_| true)),
        ("the file".to_owned(), {
            let plan = command.find_subcommand("plan").expect("a command");
            options(plan, |option| option.get_help_heading() == Some(SHARED[1]))
        }),
    ];
    for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
        let own = |option: &Arg| {
            option
                .get_help_heading()
                .is_none_or(|heading| !SHARED.contains(&heading))
        };
        let usage = one.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let table = options(one, own);
        made.push((one.get_name().to_owned(), format!("```\n{usage}\n```\n{table}")));
    }
    compare("docs/cli.md", &made);
}

#[test]
fn the_reference_of_the_errors_is_current() {
    let mut made = Vec::new();
    for (source, rows) in remedy::tables() {
        let mut table = format!("\n| {source} | code | cause | remedy |\n|---|---|---|---|\n");
        for row in rows {
            let mut of: Vec<_> = row.of.iter().map(|code| format!("`{code}`")).collect();
            if !row.says.is_empty() {
                of.push(format!("\"{}\"", row.says.trim_matches('"')));
            }
            let cells = [row.cause, row.help].map(cell);
            let _ = writeln!(
                table,
                "| {} | `{}` | {} | {} |",
                of.join(" "),
                row.code,
                cells[0],
                cells[1]
            );
        }
        made.push((source.to_owned(), table));
    }
    compare("docs/errors.md", &made);
}

/// Arguments and options in the order of `--help`.
fn options(command: &Command, wanted: impl Fn(&Arg) -> bool) -> String {
    let mut arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| wanted(argument) && argument.get_id() != "help" && argument.get_id() != "version")
        .collect();
    if arguments.is_empty() {
        return String::new();
    }
    arguments.sort_by_key(|argument| !argument.is_positional());
    let mut table = "\n| option | meaning |\n|---|---|\n".to_owned();
    for argument in arguments {
        let help = argument.get_long_help().or(argument.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        let mut meaning: Vec<String> = help.split("\n\n").map(sentence).collect();
        let values: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        if !values.is_empty() && argument.get_action().takes_values() {
            meaning.push(format!("Default: `{}`.", values.join(" ")));
        }
        let _ = writeln!(table, "| {} | {} |", name(argument), cell(&meaning.join(" ")));
    }
    table
}

fn name(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .map(|names| names.join(" "))
        .unwrap_or_default();
    let value = if argument.get_action().takes_values() {
        value
    } else {
        String::new()
    };
    let Some(long) = argument.get_long() else {
        return format!("`{value}`");
    };
    let short = argument
        .get_short()
        .map_or_else(String::new, |short| format!("`-{short}`, "));
    format!("{short}`{}`", format!("--{long} {value}").trim_end())
}

/// The first line of a help text has no full stop; in running text it needs one.
fn sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    match text.ends_with(['.', ':']) {
        true => text,
        false => format!("{text}."),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<").replace('*', "\\*")
}

/// Compares what stands between `<!-- made from the code: NAME -->` and `<!-- end -->` with what was made; writes it
/// instead when asked to.
fn compare(file: &str, made: &[(String, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let mut text = std::fs::read_to_string(&path).expect("the documentation");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, made) in made {
        let start = format!("<!-- made from the code: {name} -->\n");
        let found = text.find(&start);
        let from = found.unwrap_or_else(|| panic!("{file} has no place for {name}: {start}")) + start.len();
        let to = from + text[from..].find("<!-- end -->").expect("an end");
        if update {
            text.replace_range(from..to, made);
        }
        let is = &text[from..from + text[from..].find("<!-- end -->").expect("an end")];
        assert_eq!(
            is, made,
            "{file}, {name}: run UPDATE_DOCS=1 cargo test --lib reference"
        );
    }
    let places = text.matches("<!-- made from the code: ").count();
    assert_eq!(
        places,
        made.len(),
        "{file} has a place for something that is no more"
    );
    if update {
        std::fs::write(path, text).expect("to write the documentation");
    }
}
