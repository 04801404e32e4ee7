//! Help, completions and manual pages.

use std::process::Command;

use super::{run, tenantctl};

/// Every command, as the help names them.
fn commands() -> Vec<String> {
    let help = tenantctl(&["-h"]).stdout;
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let names: Vec<_> = names
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() > 10, "{help}");
    names
}

#[test]
fn the_help_of_everything_reads_so() {
    insta::assert_snapshot!("help_short", tenantctl(&["-h"]).stdout);
    insta::assert_snapshot!("help", tenantctl(&["--help"]).stdout);
    for command in commands() {
        let help = tenantctl(&[&command, "--help"]);
        assert_eq!(help.code, 0, "{help:?}");
        insta::assert_snapshot!(format!("help_{command}"), help.stdout);
    }
}

#[test]
fn help_of_a_command_is_shown_either_way_and_shorter_with_h() {
    let long = tenantctl(&["plan", "--help"]);
    assert_eq!(tenantctl(&["help", "plan"]).stdout, long.stdout);
    assert!(tenantctl(&["plan", "-h"]).stdout.len() < long.stdout.len());
    assert_eq!(
        tenantctl(&["plan", "-help"]).stdout,
        long.stdout,
        "Terraform's way"
    );
}

#[test]
fn a_typing_mistake_gets_a_suggestion() {
    for (wrong, right) in [("paln", "plan"), ("aply", "apply"), ("complete", "completions")] {
        let run = tenantctl(&[wrong]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        assert!(run.stderr.contains(&format!("'{right}'")), "{run:?}");
    }
    let option = tenantctl(&["plan", "--tenants", "client01"]);
    assert!(
        option.code == 1 && option.stderr.contains("'--tenant'"),
        "{option:?}"
    );
    let page = tenantctl(&["man", "pla"]);
    assert!(
        page.code == 1 && page.stderr.contains("did you mean `plan`?"),
        "{page:?}"
    );
}

#[test]
fn bash_completes_commands_and_options() {
    let complete = |words: &str, current: &str| {
        let script = format!(
            "source <({} completions bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _tenantctl tenantctl \"{current}\" x; echo \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_tenantctl")
        );
        run(Command::new("bash").args(["-c", &script])).stdout
    };
    assert_eq!(complete("tenantctl pl", "pl"), "plan\n");
    assert_eq!(complete("tenantctl apply --auto", "--auto"), "--auto-approve\n");
}

#[test]
fn every_shell_has_a_script_that_knows_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = tenantctl(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{shell}");
        for command in commands() {
            assert!(run.stdout.contains(&command), "{shell} does not know {command}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert_eq!(tenantctl(&["man", "--dir", path]).code, 0);
    for command in commands() {
        let page = std::fs::read_to_string(directory.path().join(format!("tenantctl-{command}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{page}");
        assert!(
            page.contains("chdir"),
            "the options of every command are missing: {page}"
        );
        assert_eq!(tenantctl(&["man", &command]).stdout, page, "{command}");
    }
    assert!(directory.path().join("tenantctl.1").exists());
    let missing = tenantctl(&["man", "--dir", "/nowhere/at/all"]);
    assert!(
        missing.code == 1 && missing.stderr.contains("/nowhere/at/all"),
        "{missing:?}"
    );
}
