//! Holds the laws of the architecture (see the crate documentation) that the compiler does not.
//!
//! Every law is a function from a source file to its violations. It reads tokens, so that comments and strings mean
//! nothing to it, and is shown in `bite` to find a snippet that violates it.

mod bite;
mod laws;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use source::Source;

fn read_sources(directory: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = vec![root.join(directory)];
    let mut sources = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of this package") {
            let path = entry.expect("a readable directory").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(root)
                    .expect("below the package")
                    .to_string_lossy()
                    .replace('\\', "/");
                sources.push((name, fs::read_to_string(&path).expect("a readable source file")));
            }
        }
    }
    sources.sort();
    sources
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    read_sources("src")
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect()
});

fn uphold(law: fn(&Source) -> Vec<String>) {
    assert!(SOURCES.len() > 50, "the sources were not found");
    let violations: Vec<_> = SOURCES.iter().flat_map(law).collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn modules_import_only_what_comes_before_them() {
    uphold(laws::import_order);
}

#[test]
fn what_computes_neither_waits_nor_knows_a_client() {
    uphold(laws::purity);
    uphold(laws::plain_data);
}

#[test]
fn remote_calls_are_made_in_live_and_apply_alone() {
    uphold(laws::remote);
}

#[test]
fn only_approve_makes_an_approved_plan() {
    uphold(laws::approval);
    uphold(laws::approval_is_underived);
}

#[test]
fn nothing_has_a_dry_run() {
    uphold(laws::no_dry_run);
}

#[test]
fn only_the_ui_prints() {
    uphold(laws::one_printer);
}

#[test]
fn no_arn_is_of_one_partition() {
    uphold(laws::no_literal_arn);
}

#[test]
fn no_lint_is_allowed_away() {
    uphold(laws::no_allow);
}

#[test]
fn files_are_short() {
    let sources = ["src", "tests", "testbed"].map(read_sources).concat();
    let violations: Vec<_> = sources
        .iter()
        .flat_map(|(path, text)| laws::length(path, text))
        .collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

/// Everything at the root of the repository. What an experiment left there goes with `git add --all` unseen.
const ROOT: &str = ".cargo .ci .dockerignore .gitignore Cargo.lock Cargo.toml Dockerfile LICENSE README.md action.yml bench \
                    benches ci clippy.toml deny.toml docs examples fuzz rustfmt.toml scripts src state testbed tests";

#[test]
fn the_root_holds_what_belongs_there() {
    let mut git = Command::new("git");
    git.args(["-C", env!("CARGO_MANIFEST_DIR"), "ls-files"]);
    let tracked = String::from_utf8(git.output().expect("git runs").stdout).expect("names are UTF-8");
    let at_root: BTreeSet<_> = tracked
        .lines()
        .filter_map(|path| path.split('/').next())
        .collect();
    assert_eq!(at_root, ROOT.split_whitespace().collect());
}
