//! Every leak on one cluster per version: made, found, mended, and gone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::leaks::{Leak, TENANTS, findings};
use crate::site::Site;
use crate::{iam_leaks, inside_leaks, login_leaks, role_leaks, trust_leaks};

#[test]
fn every_leak_is_found_on_15() {
    every_leak_is_found(15);
}

#[test]
fn every_leak_is_found_on_18() {
    every_leak_is_found(18);
}

fn every_leak_is_found(major: u16) {
    let site = Site::with(major, TENANTS);
    let clean = site.run(&["audit"]);
    assert_eq!(clean.code, 0, "a clean cluster: {clean}");
    assert!(clean.stdout.contains("No findings."), "{clean}");
    let leaks: Vec<Leak> = [
        role_leaks::all(),
        login_leaks::all(),
        inside_leaks::all(),
        iam_leaks::all(),
        trust_leaks::all(),
    ]
    .concat()
    .into_iter()
    .filter(|leak| leak.only.is_none_or(|on| on(major)))
    .collect();
    assert!(leaks.len() >= 40, "{} leaks", leaks.len());
    let mut wrong = Vec::new();
    for leak in &leaks {
        let tried = catch_unwind(AssertUnwindSafe(|| one(&site, leak)));
        match tried {
            Ok(None) => {}
            Ok(Some(complaint)) => wrong.push(format!("{}: {complaint}", leak.what)),
            Err(_) => wrong.push(format!("{}: panicked, see above", leak.what)),
        }
    }
    let (_, left) = findings(&site, &[]);
    if !left.is_empty() {
        wrong.push(format!("at the end there is left: {left:?}"));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        leaks.len(),
        wrong.join("\n")
    );
}

/// Makes the leak, looks and mends it. What was not mended shows in the findings of the next one.
fn one(site: &Site, leak: &Leak) -> Option<String> {
    for act in &leak.act {
        act.run(site);
    }
    let (code, found) = findings(site, leak.arguments);
    for act in &leak.undo {
        act.run(site);
    }
    let mut expected: Vec<_> = leak
        .found
        .iter()
        .map(|finding| finding.map(str::to_owned))
        .collect();
    let mut sorted = found.clone();
    sorted.sort();
    expected.sort();
    if sorted != expected {
        return Some(format!("found {found:#?} instead of {expected:#?}"));
    }
    (code != 2).then(|| format!("exit code {code}"))
}
