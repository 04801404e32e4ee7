//! Files that nobody writes by accident.

use std::time::{Duration, Instant};

use tenantctl::desired::lint;

use crate::{load, report};

/// Refused, and soon: nothing that a pull request may hold costs the stack, the memory or the day.
#[test]
fn hostile_files_are_refused_in_time() {
    let many_keys: String = (0..200_000).map(|i| format!("k{i} = 1, ")).collect();
    let chain: String = (0..9_000)
        .map(|i| format!("  l{} = local.l{i}\n", i + 1))
        .collect();
    let doubling: String = (0..60)
        .map(|i| format!("  l{} = [local.l{i}, local.l{i}]\n", i + 1))
        .collect();
    let texts: String = (0..60)
        .map(|i| format!("  l{} = \"${{local.l{i}}}${{local.l{i}}}\"\n", i + 1))
        .collect();
    let loops = "[for a in local.n : [for b in local.n : [for c in local.n : [for d in local.n : 1]]]]";
    let numbers = format!("[{}]", "1, ".repeat(1000));
    let files = [
        ("lists", format!("clients = {}", "[".repeat(100_000))),
        ("objects", format!("clients = {}", "{ a = ".repeat(100_000))),
        ("parentheses", format!("clients = {}", "(".repeat(100_000))),
        ("blocks", "a {\n".repeat(100_000)),
        ("templates", format!("clients = {}", "\"${".repeat(100_000))),
        (
            "closed lists",
            format!("clients = {}{}", "[".repeat(60), "]".repeat(60)),
        ),
        (
            "closed objects",
            format!("clients = {}1{}", "{ a = ".repeat(60), "}".repeat(60)),
        ),
        (
            "closed calls",
            format!("clients = {}1{}", "f(".repeat(60), ")".repeat(60)),
        ),
        ("negations", format!("clients = {}1", "!".repeat(100_000))),
        ("minus", format!("clients = {}1", "-".repeat(100_000))),
        ("sums", format!("clients = 1{}", " + 1".repeat(100_000))),
        (
            "conditionals",
            format!("clients = {}1", "true ? 1 : ".repeat(100_000)),
        ),
        ("indexes", format!("clients = a{}", "[0]".repeat(100_000))),
        ("keys", format!("clients = [{{ {many_keys} }}]")),
        ("comment", format!("/*{}", "/*".repeat(1_000_000))),
        (
            "hidden keys",
            format!("a = <<A\n/*\nA\nclients = [{{ {many_keys} }}]"),
        ),
        (
            "quoted keys",
            format!("a = \"$${{\n\"\nclients = [{{ {many_keys} }}]"),
        ),
        ("heredocs", "a = <<A\n".repeat(100_000)),
        ("text", format!("tenant \"{}\" {{}}", "x".repeat(10_000_000))),
        (
            "network",
            format!(
                "tenant \"a\" {{ allowed_ips = [\"{}\"] }}",
                "1".repeat(10_000_000)
            ),
        ),
        (
            "chain",
            format!("locals {{\n  l0 = 1\n{chain}}}\nclients = local.l9000"),
        ),
        (
            "doubling",
            format!("locals {{\n  l0 = 1\n{doubling}}}\nclients = local.l60"),
        ),
        (
            "texts",
            format!("locals {{\n  l0 = \"xxxxxxxxxxxxxxxx\"\n{texts}}}\nclients = local.l60"),
        ),
        (
            "loops",
            format!("locals {{\n  n = {numbers}\n}}\nclients = {loops}"),
        ),
    ];
    for (name, text) in files {
        let start = Instant::now();
        let loaded = load(&text);
        let shown = report(&loaded);
        let elapsed = start.elapsed();
        assert!(loaded.config().is_none(), "{name} is accepted");
        assert!(lint::validate(&loaded).has_errors(), "{name}: {shown}");
        assert!(shown.len() < 20_000, "{name}: {} bytes", shown.len());
        // Debug builds are ten times slower than what users run, and other tests run beside this one; what grows with the
        // square of the text takes hours.
        assert!(elapsed < Duration::from_secs(60), "{name}: {elapsed:?}");
    }
}

#[test]
fn control_characters_and_long_lines_do_not_reach_the_terminal() {
    let long = "x".repeat(100_000);
    let text =
        format!("tenant \"a\u{1b}[31m\u{202e}\" {{\n  {long} = 1\n  rds_iam_auth = \"\u{7}{long}\"\n}}\n");
    let loaded = load(&text);
    let shown = report(&loaded);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
    assert!(!shown.contains('\u{202e}'), "{shown}");
    assert!(shown.len() < 5_000, "{}", shown.len());
}
