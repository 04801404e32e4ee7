//! Files that nobody writes by accident, given to the program itself: an answer in good time, within bounded memory.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::CLUSTER;

/// What the program may take, in KiB of address space; the tree of the largest file it reads takes about a third.
const MEMORY: u32 = 1_000_000;
/// A release build answers each of these within about a second. Debug builds are ten to twenty times slower, and here
/// several run at a time; what is unbounded, or grows with the square, takes hours.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the program where it cannot have more memory; out of it, it aborts.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> (Output, Duration) {
    let start = Instant::now();
    let output = Command::new("bash")
        .args(["-c", "ulimit -v \"$1\"; shift; exec \"$@\"", "bash"])
        .arg(MEMORY.to_string())
        .arg(env!("CARGO_BIN_EXE_tenantctl"))
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .stdin(Stdio::null())
        .env("GLIBC_TUNABLES", "glibc.malloc.arena_max=2")
        .output()
        .expect("bash and the program");
    (output, start.elapsed())
}

/// What `validate` says about one file: its exit code and its complaints.
#[track_caller]
pub(crate) fn validate(name: &str, text: impl AsRef<[u8]>, arguments: &[&str]) -> (i32, String) {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("tenants.hcl"), text).expect("written");
    let (output, elapsed) = run(directory.path(), &[&["validate"], arguments].concat());
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    let code = output.status.code().unwrap_or(-1);
    assert!(code == 0 || code == 1, "{name}: {} {said}", output.status);
    assert!(elapsed < PATIENCE, "{name}: {elapsed:?}");
    assert!(said.len() < 60_000, "{name}: {} bytes", said.len());
    assert!(
        !said.chars().any(|c| c.is_control() && c != '\n'),
        "{name}: {said}"
    );
    (code, said)
}

#[track_caller]
pub(crate) fn refused(name: &str, text: impl AsRef<[u8]>, code: &str) {
    let (exit, said) = validate(name, text, &[]);
    assert_eq!(exit, 1, "{name} is accepted");
    assert!(said.contains(&format!("error[{code}]")), "{name}: {said}");
}

fn many(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect()
}

#[test]
fn deep_nesting_of_every_kind_is_refused() {
    const DEEP: usize = 100_000;
    for (begin, code) in [
        ("[", "too_large"),
        ("(", "too_large"),
        ("{ a = ", "too_large"),
        ("f(", "too_large"),
        ("\"${", "too_large"),
        ("[for x in ", "too_large"),
        ("!", "syntax"),
        ("-!", "syntax"),
        ("true ? 1 : ", "syntax"),
        ("a ? ", "syntax"),
        ("<<A\n${", "too_large"),
    ] {
        refused(begin, format!("clients = {}1", begin.repeat(DEEP)), code);
    }
    refused(
        "directives",
        format!("a = <<A\n{}\nA\n", "%{if true}\n".repeat(DEEP)),
        "syntax",
    );
    refused(
        "sums",
        format!("clients = 1{}", " || 1 + 1 * 1".repeat(20_000)),
        "syntax",
    );
    refused("blocks", "a {\n".repeat(DEEP), "too_large");
    for deep in ["[", "!", "(", "a ? "] {
        // The longest that Linux passes as one argument is 128 KiB.
        let variable = format!("x={}1", deep.repeat(30_000));
        let text = "variable \"x\" {\n  type = list(any)\n}\n";
        let (code, said) = validate(deep, text, &["--var", &variable]);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("error[syntax]") && said.contains("--var x"),
            "{said}"
        );
    }
}

/// The most that fits costs no more than was allowed.
#[test]
fn large_files_stay_within_bounds() {
    const MIB: usize = 1 << 20;
    refused("more than is read", " ".repeat(17 * MIB), "too_large");
    refused(
        "references",
        format!("clients = [{}]", "a.b,".repeat(4 * MIB)),
        "too_large",
    );
    refused(
        "the most references",
        format!("clients = [{}]", "a.b,".repeat(249_000)),
        "unknown_reference",
    );
    refused(
        "objects",
        format!("clients = [{}]", "{a=1},".repeat(50_000)),
        "missing_argument",
    );
    refused(
        "numbers",
        format!("clients = [{}]", "1,".repeat(200_000)),
        "wrong_type",
    );
    refused(
        "labels",
        format!("tenant {} {{}}\n", "\"a\" ".repeat(20_000)),
        "wrong_labels",
    );
    refused(
        "a name",
        format!("{} = 1\n", "x".repeat(10 * MIB)),
        "unknown_argument",
    );
    refused(
        "a text",
        format!("a = \"{}\"\n", "x".repeat(10 * MIB)),
        "too_large",
    );
    let (code, _) = validate("a comment", format!("#{}\n{CLUSTER}", "x".repeat(15 * MIB)), &[]);
    assert_eq!(code, 0);
    refused(
        "keys",
        format!("clients = [{{ {} }}]", many(6_000, |i| format!("a.b{i} = 1, "))),
        "too_large",
    );
    refused(
        "unclosed keys",
        format!("clients = [{{ {}", many(6_000, |i| format!("a.b{i} = 1, "))),
        "too_large",
    );
}

#[test]
fn locals_that_multiply_or_turn_in_circles_are_refused() {
    let circle = many(4_000, |i| format!("  a{i} = local.a{}\n", (i + 1) % 4_000));
    refused("a circle", format!("locals {{\n{circle}}}\n"), "cyclic_locals");
    let all = many(400, |i| format!("local.a{i}, "));
    let everyone = many(400, |i| format!("  a{i} = [{all}]\n"));
    refused(
        "everyone to everyone",
        format!("locals {{\n{everyone}}}\n"),
        "cyclic_locals",
    );
    let tenfold = many(30, |i| {
        format!("  a{} = [{}]\n", i + 1, format!("local.a{i}, ").repeat(10))
    });
    refused(
        "a thousand million",
        format!("locals {{\n  a0 = [1]\n{tenfold}}}\nclients = local.a30\n"),
        "too_large",
    );
    let numbers = "1, ".repeat(1000);
    let long = "x".repeat(60_000);
    for (name, inner) in [
        ("numbers", "[for b in local.n : [for c in local.n : 1]]"),
        ("texts", "[for b in local.n : \"${local.s}${local.s}\"]"),
        ("objects", "{ for i, b in local.n : \"k${i}\" => { a = b } }"),
        ("groups", "{ for i, b in local.n : \"k\" => i... }"),
    ] {
        let text = format!(
            "locals {{\n  n = [{numbers}]\n  s = \"{long}\"\n}}\nclients = [for a in local.n : {inner}]\n"
        );
        refused(name, text, "too_large");
    }
}

#[test]
fn many_tenants_and_many_mistakes() {
    let tenant = |i: usize| {
        format!("tenant \"t{i}\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.7/32\"]\n}}\n")
    };
    let (code, said) = validate(
        "twenty thousand tenants",
        CLUSTER.to_owned() + &many(20_000, tenant),
        &[],
    );
    assert_eq!((code, said.as_str()), (0, ""));
    refused("more", CLUSTER.to_owned() + &many(100_000, tenant), "too_large");
    refused(
        "the same",
        CLUSTER.to_owned() + &many(5_000, |_| tenant(1)),
        "duplicate_tenant",
    );
    let mistaken = many(10_000, |i| {
        format!("tenant \"t{i}\" {{\n  databses = [\"db1\"]\n}}\n")
    });
    refused("mistakes", mistaken, "unknown_argument");

    let in_one = |list: String| format!("{CLUSTER}tenant \"a\" {{\n  databases = [\"db1\"]\n  {list}\n}}\n");
    let networks = many(50_000, |i| {
        format!("\"203.{}.{}.{}/32\",", i >> 16, i >> 8 & 255, i & 255)
    });
    refused(
        "networks",
        in_one(format!("allowed_ips = [{networks}]")),
        "trust_policy_too_large",
    );
    let nonsense = many(50_000, |i| format!("\"x{i}\","));
    refused(
        "no networks",
        in_one(format!("allowed_ips = [{nonsense}]")),
        "cidr_invalid",
    );
    let (code, said) = validate(
        "extensions",
        in_one(format!(
            "rds_iam_auth = false\n  extensions = [{}]",
            many(50_000, |i| format!("\"e{i}\","))
        )),
        &[],
    );
    assert_eq!(code, 0, "{said}");
}

#[test]
fn bytes_that_are_no_text() {
    refused("not UTF-8", b"tenant \"\xff\xfe\" {}\n", "not_utf8");
    refused("UTF-16", b"\xff\xfet\0e\0", "not_utf8");
    refused("NUL in a name", "tenant \"a\0\" {}\n", "invalid_name");
    refused("NUL in code", "\0", "syntax");
    refused(
        "NUL in a setting",
        "tenant \"a\" {\n  rds_iam_auth = false\n  settings = { application_name = \"x\\u0000\" }\n}\n",
        "invalid_value",
    );
    refused(
        "NUL in a database",
        "tenant \"a\" {\n  rds_iam_auth = false\n  databases = [\"d\\u0000\"]\n}\n",
        "invalid_name",
    );
}

#[test]
fn variable_files_are_bounded_like_tenants_files() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("tenants.hcl"), CLUSTER).expect("written");
    let deep = format!("x = {}", "[".repeat(100_000));
    let wide = format!("x = [{}]", "a.b,".repeat(4 << 20));
    for (text, code) in [
        (deep.into_bytes(), "too_large"),
        (wide.into_bytes(), "too_large"),
        (b"x = \"\xff\"".to_vec(), "not_utf8"),
    ] {
        fs::write(directory.path().join("hostile.tfvars"), text).expect("written");
        let (output, elapsed) = run(directory.path(), &["validate", "--var-file", "hostile.tfvars"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(&format!("error[{code}]")) && said.contains("hostile.tfvars"),
            "{said}"
        );
        assert!(elapsed < PATIENCE, "{elapsed:?}");
    }
}

/// `apply FILE` reads the plan before it goes anywhere.
#[test]
fn plan_files_are_bounded() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("tenants.hcl"), CLUSTER).expect("written");
    let saved = directory.path().join("saved.plan").display().to_string();
    let mut members = String::new();
    for name in [
        "tool_version",
        "workspace",
        "cluster",
        "config_digest",
        "live_digest",
    ] {
        let _ = write!(members, "\"{name}\": \"\", ");
    }
    let change =
        "\"address\": {\"kind\": \"role\", \"name\": \"a\"}, \"tenant\": null, \"action\": \"create\"";
    let huge = format!(
        "{{\"format\": 1, {members} \"changes\": [{{{change}, \"before\": [{}0]}}]}}",
        "0,".repeat(20_000_000)
    );
    for (name, text, said) in [
        ("nothing", String::new(), "not a plan"),
        ("deep", "[".repeat(50_000_000), "not a plan"),
        (
            "deep in a value",
            format!("{{\"format\": 1, \"changes\": {}", "[".repeat(1_000_000)),
            "not a plan",
        ),
        ("a text", format!("\"{}", "x".repeat(50_000_000)), "not a plan"),
        ("values", huge, "too large for a plan"),
        (
            "another format",
            format!("{{\"format\": 3, \"x\": [{}0]}}", "0,".repeat(4_000_000)),
            "has format 3",
        ),
    ] {
        fs::write(&saved, text).expect("written");
        let (output, elapsed) = run(directory.path(), &["apply", &saved]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{name}: {} {complaint}",
            output.status
        );
        assert!(
            complaint.contains(said) && complaint.contains("saved.plan"),
            "{name}: {complaint}"
        );
        assert!(complaint.len() < 1_000, "{name}: {complaint}");
        assert!(elapsed < PATIENCE, "{name}: {elapsed:?}");
    }
}
