//! What is no state, and what is said about it: never what it holds.

use crate::state::{SECRET, run, state, write};

fn refused(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a.tfstate", text);
    let done = run(directory.path(), &["--from-tfstate", "a.tfstate"]);
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert_eq!(done.stdout, "");
    done.stderr
}

#[test]
fn each_kind_is_named() {
    let secret = format!("\"{SECRET}\"");
    let all = [
        "",
        "resource \"aws_iam_user\" \"this\" {}",
        "{}",
        "[]",
        "{\"version\": 3, \"modules\": []}",
        "{\"format_version\": \"1.0\", \"values\": {}}",
        "{\"serial\": 1, \"lineage\": \"x\", \"meta\": {}, \"encrypted_data\": \"AAAA\", \"encryption_version\": \"v0\"}",
        &format!("{{\"version\": {secret}}}"),
        &format!("{{\"version\": 4, \"resources\": {secret}}}"),
        &format!(
            "{{\"version\": 4, \"resources\": [{{\"type\": {secret}, \"name\": {{\"a\": {secret}}}}}]}}"
        ),
        &format!(
            "{{\"version\": 4, \"resources\": [{{\"mode\": \"managed\", \"type\": \"x\", \"name\": \"y\", \"instances\": [{{\"attributes\": {secret}}}]}}]}}"
        ),
        &state(&[]),
    ];
    let said: Vec<String> = all.iter().map(|text| refused(text)).collect();
    insta::assert_snapshot!(said.join(""));
}

#[test]
fn a_file_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let done = run(directory.path(), &["--from-tfstate", "none.tfstate"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stderr.contains("none.tfstate: No such file"),
        "{}",
        done.stderr
    );
}

/// Without a state, somebody has to say which cluster.
#[test]
fn no_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let done = run(directory.path(), &[]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("pass --identifier"), "{}", done.stderr);
}
