//! A law that finds nothing proves nothing: each finds what violates it here.

use crate::laws::{
    LONGEST_FILE, approval, approval_is_underived, import_order, length, no_allow, no_dry_run,
    no_literal_arn, one_printer, plain_data, purity, remote,
};
use crate::source::Source;

fn violates(law: fn(&Source) -> Vec<String>, path: &str, text: &str) -> bool {
    !law(&Source::new(path, text)).is_empty()
}

#[test]
fn the_import_order_bites() {
    let bad = [
        ("src/model/role.rs", "use crate::plan::Plan;"),
        ("src/live/mod.rs", "use crate::desired::Desired;"),
        ("src/desired/compile.rs", "fn f() -> crate::live::Live {}"),
        ("src/diff/mod.rs", "use crate::{address::Address, report};"),
        ("src/diff/mod.rs", "use crate::{model::{self, role}, apply::run};"),
        ("src/diff/mod.rs", "use super::cli;"),
        ("src/diff/hold.rs", "use super::super::cli;"),
        (
            "src/diff/mod.rs",
            "#[cfg(test)] mod tests { use super::super::cli; }",
        ),
        ("src/address.rs", "use super::{model, diag};"),
        ("src/plan/mod.rs", "use crate::*;"),
    ];
    for (path, text) in bad {
        assert!(violates(import_order, path, text), "{path}: {text}");
    }
    let good = [
        ("src/diff/mod.rs", "use crate::model::{World, apply};"),
        ("src/diff/mod.rs", "use super::model;"),
        ("src/diff/hold.rs", "use super::report;"),
        ("src/diff/mod.rs", "mod tests { use super::report; }"),
        ("src/live/read.rs", "use crate::live::iam; use super::postgres;"),
        (
            "src/model/role.rs",
            "/// See [`crate::plan`]. \n// use crate::cli;\n const C: &str = \"crate::cli\";",
        ),
        ("src/lib.rs", "pub mod cli; use crate::cli::main;"),
    ];
    for (path, text) in good {
        assert!(!violates(import_order, path, text), "{path}: {text}");
    }
}

#[test]
fn purity_bites() {
    for text in [
        "async fn f() {}",
        "fn f() { g().await }",
        "use tokio::fs;",
        "fn f(c: &tokio_postgres::Client) {}",
    ] {
        assert!(violates(purity, "src/plan/build.rs", text), "{text}");
        assert!(!violates(purity, "src/live/read.rs", text), "{text}");
    }
    assert!(violates(
        purity,
        "src/diff/mod.rs",
        "fn f(c: aws_sdk_iam::Client) {}"
    ));
    assert!(!violates(
        purity,
        "src/diff/mod.rs",
        "// async\n const WORD: &str = \"await\";"
    ));
    assert!(!violates(
        purity,
        "src/diff/mod.rs",
        "#[cfg(test)] mod tests { async fn f() {} }"
    ));
    assert!(violates(
        purity,
        "src/diff/mod.rs",
        "#[cfg(test)] mod tests { } async fn f() {}"
    ));
    assert!(violates(
        purity,
        "src/diff/mod.rs",
        "#[cfg(test)] use x::y; async fn f() {}"
    ));
    for text in [
        "use crate::live::connect::Connector;",
        "use crate::live;",
        "use crate::live::{Live, aws};",
    ] {
        assert!(violates(plain_data, "src/diff/mod.rs", text), "{text}");
    }
    assert!(violates(
        plain_data,
        "src/report/text.rs",
        "use crate::apply::run;"
    ));
    assert!(!violates(
        plain_data,
        "src/report/text.rs",
        "use crate::apply::{Outcome, Report};"
    ));
    assert!(!violates(
        plain_data,
        "src/plan/build.rs",
        "use crate::live::Live;"
    ));
}

#[test]
fn the_law_of_remote_calls_bites() {
    for text in [
        "use aws_sdk_rds::Client;",
        "fn f(e: tokio_postgres::Error) {}",
        "use tokio_postgres_rustls as t;",
    ] {
        assert!(violates(remote, "src/cli/plan.rs", text), "{text}");
        assert!(violates(remote, "src/main.rs", text), "{text}");
        assert!(!violates(remote, "src/apply/iam.rs", text), "{text}");
    }
}

#[test]
fn the_law_of_approval_bites() {
    let bad = [
        "fn f(p: Plan) -> ApprovedPlan { ApprovedPlan(p) }",
        "fn f(p: Option<Plan>) { p.map(ApprovedPlan) }",
        "fn f(p: Plan) { super::ApprovedPlan(p) }",
        "impl ApprovedPlan { fn new(p: Plan) -> Self { Self(p) } }",
        "impl From<Plan> for ApprovedPlan { fn from(p: Plan) -> Self { Self(p) } }",
    ];
    for text in bad {
        assert!(violates(approval, "src/apply/run.rs", text), "{text}");
    }
    assert!(!violates(approval, "src/apply/approve.rs", bad[0]));
    let good = [
        "pub struct ApprovedPlan(Plan);",
        "pub async fn run(approved: ApprovedPlan, lock: &Lock) { let ApprovedPlan(plan) = approved; }",
        "use super::{ApplyError, ApprovedPlan, Target};",
    ];
    for text in good {
        assert!(!violates(approval, "src/apply/run.rs", text), "{text}");
    }
    assert!(violates(
        approval_is_underived,
        "src/apply/mod.rs",
        "#[derive(Clone)] pub struct ApprovedPlan(Plan);"
    ));
    assert!(!violates(
        approval_is_underived,
        "src/apply/mod.rs",
        "/// Checked.\npub struct ApprovedPlan(Plan);"
    ));
}

#[test]
fn the_small_laws_bite() {
    assert!(violates(
        no_dry_run,
        "src/apply/run.rs",
        "fn run(dry_run: bool) {}"
    ));
    assert!(violates(
        no_dry_run,
        "src/cli/mod.rs",
        "#[arg(long = \"dry-run\")] struct A;"
    ));
    for text in [
        "fn f() { println!(\"x\") }",
        "fn f() { let o = std::io::stderr().lock(); }",
        "fn f() { dbg!(1); }",
    ] {
        assert!(violates(one_printer, "src/cli/plan.rs", text), "{text}");
        assert!(!violates(one_printer, "src/cli/ui.rs", text), "{text}");
    }
    let arn = "const ROOT: &str = \"arn:aws:iam::1:root\";";
    assert!(violates(no_literal_arn, "src/model/iam.rs", arn));
    assert!(!violates(no_literal_arn, "src/model/policy/tests.rs", arn));
    assert!(!violates(
        no_literal_arn,
        "src/model/iam.rs",
        "/// Like `arn:aws:iam::1:root`.\nstruct Arn;"
    ));
    for text in ["#[allow(dead_code)] fn f() {}", "#![allow(unused)]"] {
        assert!(violates(no_allow, "src/model/iam.rs", text), "{text}");
    }
    assert!(!violates(
        no_allow,
        "src/model/iam.rs",
        "#[expect(dead_code, reason = \"soon\")] fn f() {}"
    ));
    assert!(!length("src/new.rs", &"\n".repeat(LONGEST_FILE + 1)).is_empty());
    assert!(length("src/new.rs", &"\n".repeat(LONGEST_FILE)).is_empty());
}
