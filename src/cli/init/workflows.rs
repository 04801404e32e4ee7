//! The workflows of examples/github-actions, for a directory of somebody else's repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Their names and texts. They are written for the directory `tenants` of a repository.
const WORKFLOWS: [(&str, &str); 3] = [
    (
        "tenants-plan.yml",
        include_str!("../../../examples/github-actions/workflows/tenants-plan.yml"),
    ),
    (
        "tenants-apply.yml",
        include_str!("../../../examples/github-actions/workflows/tenants-apply.yml"),
    ),
    (
        "tenants-drift.yml",
        include_str!("../../../examples/github-actions/workflows/tenants-drift.yml"),
    ),
];

/// The top of the repository that a directory is in, where GitHub looks for workflows, and the way back from there. A
/// directory in no repository is the top of one to come.
pub(super) fn repository(directory: &Path) -> (PathBuf, PathBuf) {
    let full = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let top = full.ancestors().find(|above| above.join(".git").exists());
    match top.filter(|top| *top != full) {
        Some(top) => {
            let within = full
                .strip_prefix(top)
                .map_or_else(|_| PathBuf::new(), Path::to_owned);
            (top.to_owned(), within)
        }
        None => (directory.to_owned(), PathBuf::new()),
    }
}

/// The workflows for a configuration directory, which is given from the top of its repository.
pub(super) fn for_directory(within: &Path, region: Option<&str>) -> Vec<(PathBuf, String)> {
    let within = within.to_string_lossy();
    let (itself, inside, below) = match within.as_ref() {
        "" => (".".to_owned(), String::new(), String::new()),
        path => (path.to_owned(), format!("{path}/"), format!("/{path}")),
    };
    let fit = |text: &str| {
        let text = text
            .replace("[\"tenants/**\"]", &format!("[\"{inside}**\"]"))
            .replace("directory: tenants\n", &format!("directory: {itself}\n"))
            .replace("directory: head/tenants\n", &format!("directory: head{below}\n"))
            .replace("directory: base/tenants\n", &format!("directory: base{below}\n"))
            .replace("path: tenants/handover/", &format!("path: {inside}handover/"));
        match region {
            Some(region) => text.replace("aws-region: eu-central-1", &format!("aws-region: {region}")),
            None => text,
        }
    };
    let directory = Path::new(".github/workflows");
    let all = WORKFLOWS.iter();
    all.map(|(name, text)| (directory.join(name), fit(text)))
        .collect()
}
