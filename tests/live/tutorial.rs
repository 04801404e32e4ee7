//! The tutorial, as somebody new would follow it: every command of docs/tutorial.md is run, in order, and prints what is
//! written there.

use std::path::Path;
use std::process::{Command, Stdio};

use super::site::Site;

/// A command and what it prints; a line `...` stands for any number of lines, and within a line for any text.
struct Typed {
    command: String,
    prints: Vec<String>,
}

fn typed() -> Vec<Typed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let tutorial = std::fs::read_to_string(path).unwrap();
    let mut all: Vec<Typed> = Vec::new();
    for block in tutorial.split("```console\n").skip(1) {
        let mut lines = block.split("```").next().unwrap().lines();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else {
                let last = all.last_mut().expect("a command before what it prints");
                last.prints.push(line.to_owned());
                continue;
            };
            let mut command = command.to_owned();
            if command.contains("<<'END'") {
                for line in lines.by_ref() {
                    command = format!("{command}\n{line}");
                    if line == "END" {
                        break;
                    }
                }
            }
            let prints = Vec::new();
            all.push(Typed { command, prints });
        }
    }
    all
}

/// Whether a line fits one of the tutorial, in which `...` stands for any text.
fn fits(line: &str, wanted: &str) -> bool {
    let mut rest = line;
    wanted
        .split("...")
        .map(str::trim)
        .all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
}

/// The lines that the tutorial shows are printed in this order; others come only where it says `...`.
fn compare(typed: &Typed, printed: &str) {
    let mut lines = printed.lines().filter(|line| !line.trim().is_empty());
    let mut gap = false;
    for wanted in typed.prints.iter().filter(|line| !line.trim().is_empty()) {
        if wanted.trim() == "..." {
            gap = true;
            continue;
        }
        let found = match gap {
            true => lines.find(|line| fits(line, wanted)),
            false => lines.next().filter(|line| fits(line, wanted)),
        };
        assert!(
            found.is_some(),
            "{}: no {wanted:?} in its place in\n{printed}",
            typed.command
        );
        gap = false;
    }
    let left = lines.next();
    assert!(
        gap || left.is_none(),
        "{}: {left:?} is not in the tutorial, of\n{printed}",
        typed.command
    );
}

fn run(site: &Site, directory: &Path, typed: &Typed) {
    let template = site.command(&[]);
    let binary = Path::new(env!("CARGO_BIN_EXE_tenantctl"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &typed.command])
        .current_dir(directory)
        .stdin(Stdio::null())
        .env_clear();
    for (name, value) in template.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    shell.env("PATH", path).env("HOME", directory);
    for who in ["AUTHOR", "COMMITTER"] {
        shell
            .env(format!("GIT_{who}_NAME"), "Eva")
            .env(format!("GIT_{who}_EMAIL"), "eva@example.com");
    }
    let output = shell.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    match typed.prints.first().and_then(|line| line.strip_prefix("! ")) {
        Some(refusal) => {
            assert_eq!(
                output.status.code(),
                Some(1),
                "{}: {stdout}{stderr}",
                typed.command
            );
            assert!(
                stderr.lines().any(|line| fits(line, refusal)),
                "{}: {stderr}",
                typed.command
            );
        }
        None => {
            assert!(output.status.success(), "{}: {stdout}{stderr}", typed.command);
            compare(typed, &stdout);
        }
    }
}

#[test]
fn every_command_of_the_tutorial_does_what_it_says() {
    let site = Site::start(17);
    let directory = tempfile::tempdir().unwrap();
    let commands = typed();
    assert!(commands.len() > 20, "the tutorial has commands");
    for typed in &commands {
        run(&site, directory.path(), typed);
        if typed.command.starts_with("tenantctl init") {
            // This cluster is behind a tunnel, as the tutorial says that one may be.
            let file = directory.path().join("cluster.hcl");
            let tunnel = format!(
                "  endpoint = {:?}\n  sslrootcert = {:?}\n\n  admin {{",
                site.world.endpoint(),
                site.world.front_door.ca_file()
            );
            let text = std::fs::read_to_string(&file)
                .unwrap()
                .replace("  admin {", &tunnel);
            std::fs::write(&file, text).unwrap();
        }
    }
    let tenants = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname ~ '^client'";
    assert_eq!(site.value("postgres", tenants), "client01 client02");
    let ignored = Command::new("git")
        .args(["ls-files"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let ignored = String::from_utf8(ignored.stdout).unwrap();
    let kept: Vec<_> = ignored
        .lines()
        .filter(|name| !name.starts_with(".github/workflows/"))
        .collect();
    assert_eq!(
        kept,
        [".gitignore", "cluster.hcl", "tenants.hcl"],
        "no plan is in the repository"
    );
}
