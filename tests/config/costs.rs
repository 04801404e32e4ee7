//! What a hostile expression costs: functions that make much of little are refused before they make it.

use crate::bounds::{refused, validate};

/// Expressions, each with the code of its refusal.
const REFUSED: &[(&str, &str)] = &[
    ("range(1000000000000)", "too_large"),
    ("range(0, 1, 0.000000000001)", "too_large"),
    ("range(1e22, 2e22, 1)", "wrong_argument"),
    ("pow(10, 400)", "arithmetic"),
    (
        "setproduct(range(100), range(100), range(100), range(100), range(100))",
        "too_large",
    ),
    (r#"format("%999999999d", 1)"#, "wrong_argument"),
    (r#"format("%.999999999f", 1)"#, "wrong_argument"),
    (r#"[for i in range(1000000) : format("%1024d", i)]"#, "too_large"),
    (
        r#"[for i in range(1000) : formatlist("%1024d", range(1000))]"#,
        "too_large",
    ),
    (r#"indent(1000000000, "a\nb")"#, "too_large"),
    (r#"join(join("x", range(10000)), range(100000))"#, "too_large"),
    (
        r#"replace(join("", range(10000)), "", join("", range(10000)))"#,
        "too_large",
    ),
    (
        r#"replace(join("", range(10000)), "/.*/", join("", [for i in range(10000) : "$0"]))"#,
        "too_large",
    ),
    (r#"regex("((\\w{100}){100}){100}", "x")"#, "wrong_argument"),
    (
        r#"[for i in range(1000000) : can(regex("\\w{50}${i}", "x"))]"#,
        "too_large",
    ),
    (r#"[for i in range(1000000) : can(regex("x", "x"))]"#, "too_large"),
    (
        r#"regexall("(\\w{400}|\\pL{3})*y", join("", range(1000000)))"#,
        "too_large",
    ),
    (
        r#"regex("(x+x+)+y", join("", [for i in range(10000) : "x"]))"#,
        "wrong_argument",
    ),
    (r#"try([for i in range(1000000000) : i], "never")"#, "too_large"),
    (r#"can([for i in range(1000000000) : i])"#, "too_large"),
    ("[for i in range(1000000) : try(nothing(), 1)]", "too_large"),
    (
        "[for i in range(1000000) : try({ a = 1 }.nothing, 1)]",
        "too_large",
    ),
    (
        "[for i in range(1000000) : sha512(jsonencode(range(10000)))]",
        "too_large",
    ),
    (
        r#"jsondecode(join("", [for i in range(100000) : "["]))"#,
        "wrong_argument",
    ),
    (
        r#"csvdecode("${join(",", range(2000))}\n${join("\n", [for i in range(2000) : join(",", range(2000))])}")"#,
        "too_large",
    ),
    ("flatten([for i in range(1000) : range(10000)])", "too_large"),
    ("zipmap(range(10000000), range(10000000))", "too_large"),
];

#[test]
fn what_makes_much_of_little_is_refused() {
    for (expression, code) in REFUSED {
        refused(expression, format!("locals {{\n  x = {expression}\n}}\n"), code);
    }
}

/// What is near to a name that does not exist is looked for among all that do.
#[test]
fn suggestions_are_paid_for() {
    let names: String = (0..10_000).map(|i| format!("  l{i} = {i}\n")).collect();
    let keys: String = (0..3_000).map(|i| format!("k{i} = 1, ")).collect();
    for expression in ["local.lx", "local.all.kx", "lookup(local.all, \"kx\")"] {
        let text = format!(
            "locals {{\n{names}  all = {{ {keys} }}\n  x = [for i in range(1000000) : try({expression}, 1)]\n}}\n"
        );
        refused(expression, text, "too_large");
    }
}

#[test]
fn loops_do_not_make_tenants_without_end() {
    let block = "tenant \"t\" {\n  for_each = toset([for i in range(1000000) : \"t${i}\"])\n}\n";
    refused("for_each", block, "too_large");
    let clients = "clients = [for i in range(1000000) : { name = \"t${i}\" }]\n";
    refused("clients", clients, "too_large");
    let alike = "tenant \"t\" {\n  for_each = toset([for i in range(10000) : \"t${i}\"])\n  nothing  = each.key\n  rds_iam_auth = false\n}\n";
    refused("the same mistake for each", alike, "unknown_argument");
}

/// Values within values, as deeply as locals can nest them, survive every function that looks into them.
#[test]
fn deep_values_are_survived() {
    let chain: String = (0..3_000)
        .map(|i| format!("  l{} = [local.l{i}]\n", i + 1))
        .collect();
    for expression in [
        "jsonencode(local.l3000)",
        "flatten(local.l3000)",
        "toset([local.l3000, local.l2999])",
        "format(\"%v\", local.l3000)",
    ] {
        let text = format!("locals {{\n  l0 = 1\n{chain}  x = {expression}\n}}\n");
        let (code, said) = validate(expression, text, &[]);
        assert_eq!(code, 0, "{expression}: {said}");
    }
}

/// Blank lines are no words, and there is room for 16 million of them.
#[test]
fn long_files_are_refused_before_they_are_taken_apart() {
    let lines = "\n".repeat(16 << 20);
    let (code, said) = validate("blank lines", &lines, &[]);
    assert_eq!(code, 0, "{said}");
    refused("blank lines and a mistake", lines[1..].to_owned() + "=", "syntax");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("a.hcl"), &lines).expect("written");
    std::fs::write(
        directory.path().join("b.hcl.json"),
        format!("{{{}}}", &lines[2..]),
    )
    .expect("written");
    for arguments in [["fmt", "a.hcl"].as_slice(), &["validate", "--file", "b.hcl.json"]] {
        let (output, _) = crate::bounds::run(directory.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("error[too_large]"), "{said}");
    }
}
