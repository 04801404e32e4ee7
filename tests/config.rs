//! Tenants files, good and bad: what is understood, and what is said about the rest.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tenantctl::config::{self, Loaded};
use tenantctl::desired::{lint, naming};
use tenantctl::diag::{Severity, Style};

/// What every file that has nothing to say about its cluster begins with.
const CLUSTER: &str = "cluster \"main\" {\n  identifier = \"prod-tenants\"\n}\n";

fn load(text: &str) -> Loaded {
    config::load_texts(&[("tenants.hcl", text)], &[], &[])
}

fn report(loaded: &Loaded) -> String {
    lint::validate(loaded).render(&loaded.sources, Style::default())
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    lint::validate(loaded)
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// One file and all that is said about it; the cluster is added at the end, to leave the lines alone.
macro_rules! reports {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let loaded = load(&format!("{}{}", $text.trim_start(), CLUSTER));
            insta::assert_snapshot!(stringify!($name), report(&loaded));
        }
    )*};
}

reports! {
    unknown_names: r#"
tennant "a" {}
tenant "b" {
  databses    = ["db1"]
  allowed_ips = ["203.0.113.7/32"]
  state       = "actve"
  handover { recipent = "age1" }
}
resource "aws_iam_user" "x" {}
region = "eu-central-1"
"#;

    wrong_types: r#"
tenant "a" {
  databases        = "db1"
  allowed_ips      = "203.0.113.7/32"
  rds_iam_auth     = "yes"
  connection_limit = "many"
  settings         = ["a"]
  extensions       = { pg_trgm = true }
  handover         = "age1"
}
tenant "b" {
  databases        = { db1 = "yes" }
  allowed_ips      = [7]
  connection_limit = 1.5
  settings         = { statement_timeout = ["30s"], "bad name" = 1 }
}
tenant "c" {
  databases        = [true]
  rds_iam_auth     = false
  connection_limit = -2
}
clients = { name = "d" }
"#;

    given_twice: r#"
tenant "a" {
  databases    = ["db1"]
  rds_iam_auth = false
  databases    = ["db2"]
}
tenant "b" {
  databases    = { db1 = true, db1 = false, "db2" = true, "db2" = true }
  rds_iam_auth = false
}
tenant "a" {
  databases = ["db1"]
}
clients = [{ name = "b", databases = ["db1"], rds_iam_auth = false }]
defaults {}
defaults {}
cluster "second" { identifier = "x" }
"#;

    not_built_yet: r#"
tenant "a" {
  isolation    = "schema"
  databases    = ["db1"]
  rds_iam_auth = false
}
"#;

    networks: r#"
tenant "a" {
  databases   = ["db1"]
  allowed_ips = [
    "109.241.200.168/24",
    "109.241.200.168",
    "2001:db8::1",
    " 203.0.113.7/32",
    "203.0.113.256/32",
    "010.0.0.1/32",
    "::ffff:203.0.113.7/128",
    "203.0.113.7/32",
    "203.0.113.7/32",
  ]
}
tenant "none" {
  databases = ["db1"]
}
tenant "world" {
  databases   = ["db1"]
  allowed_ips = ["0.0.0.0/0", "::/0"]
}
tenant "halves" {
  databases   = ["db1"]
  allowed_ips = ["0.0.0.0/1", "128.0.0.0/1"]
}
tenant "private" {
  databases   = ["db1"]
  allowed_ips = ["10.1.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fd00::/8", "203.0.113.7/32"]
}
tenant "password" {
  databases    = ["db1"]
  allowed_ips  = ["0.0.0.0/0"]
  rds_iam_auth = false
}
"#;

    reserved_names: r#"
defaults {
  databases    = ["db1"]
  rds_iam_auth = false
}
tenant "Public" {}
tenant "none" {}
tenant "postgres" {}
tenant "template1" {}
tenant "pg_tenant" {}
tenant "rdsadmin" {}
tenant "AWS" {}
tenant "acme*" {}
tenant "acme/../b" {}
tenant "zażółć" {}
tenant "-x" {}
tenant "" {}
tenant "a\tb" {}
"#;

    names_that_do_not_fit: r#"
tenant "t23456789-123456789-123456789-123456789-123456789-12345678" {
  databases    = { ok = true, "too_long" = true, "" = true, " a" = true, "a$b" = true }
  rds_iam_auth = false
}
"#;

    collisions: r#"
defaults {
  rds_iam_auth = false
}
tenant "a" { databases = ["b_c"] }
tenant "a_b" { databases = ["c"] }
tenant "acme" { databases = ["x"] }
tenant "Acme" { databases = ["x"] }
tenant "own" { databases = ["Main", "main"] }
"#;

    composed_reserved_names: r#"
naming {
  database = "${tenant}${database}"
  role     = "pg_${tenant}"
}
tenant "post" {
  databases    = ["gres"]
  rds_iam_auth = false
}
"#;

    naming_templates: r#"
naming {
  database = "${database}"
  role     = "${tenant}_${database}"
  iam_user = local.x
  iam_rol  = "${tenant}"
}
"#;

    secrets: r#"
tenant "a" {
  databases    = ["db1"]
  rds_iam_auth = false
  settings     = { "app.api_key" = "hunter2", password_encryption = "scram-sha-256" }
  handover { recipient = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ" }
}
tenant "b" {
  databases    = ["db1"]
  rds_iam_auth = false
  handover { recipient = "age1nonsense" }
}
"#;

    references: r#"
variable "region" { default = "eu-central-1" }
variable "nothing" {}
locals {
  office = ["203.0.113.7/32"]
  a      = local.b
  b      = "${local.c}"
  c      = [local.a]
}
tenant "a" {
  databases   = ["db1"]
  allowed_ips = local.ofice
}
tenant "b" {
  databases   = var.regin
  allowed_ips = file("ips.txt")
}
tenant "c" {
  databases   = [db1]
  allowed_ips = [for network in local.office : nets]
}
tenant "d" {
  databases    = 1 / 0
  rds_iam_auth = !"x"
  extensions   = ["%{ if true }a%{ endif }"]
}
"#;

    nothing_to_do: r#"
tenant "a" {
  rds_iam_auth = false
}
"#;
}

#[test]
fn a_bad_cluster() {
    let loaded = load(
        r#"cluster "main" {
  engine           = "postgres"
  endpoint         = "::1:5432"
  region           = "Frankfurt"
  sslmode          = "prefer"
  shared_databases = "closed"
  admin {
    auth     = "kerberos"
    password = "hunter2"
  }
}
cluster {
}
"#,
    );
    insta::assert_snapshot!(report(&loaded));
    assert!(loaded.config().is_none());
}

#[test]
fn a_trust_policy_that_does_not_fit() {
    let networks: String = (0..200).map(|i| format!("\"203.0.113.{i}/32\", ")).collect();
    let text = format!("{CLUSTER}tenant \"a\" {{\n  databases   = [\"db1\"]\n  allowed_ips = [{networks}]\n}}\n");
    insta::assert_snapshot!(report(&load(&text)));
}

#[test]
fn the_size_of_a_trust_policy_is_that_of_its_json() {
    let networks = ["203.0.113.7/32", "2001:db8::/48"].map(|text| text.parse().unwrap());
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:user/client01"},
            "Action": "sts:AssumeRole",
            "Condition": {"IpAddress": {"aws:SourceIp": networks}},
        }],
    });
    let size = lint::trust_policy_size("aws", "client01", &networks);
    assert_eq!(size, policy.to_string().len());
}

#[test]
fn a_syntax_error_does_not_hide_the_other_files() {
    let loaded = config::load_texts(
        &[
            ("a.hcl", "tenant \"a\" {\n  databases = [\n}\n"),
            ("b.hcl", "tenant \"b\" {\n  databases = local.from_a\n  colour = 1\n}\n"),
        ],
        &[],
        &[],
    );
    insta::assert_snapshot!(report(&loaded));
}

#[test]
fn control_characters_and_long_lines_do_not_reach_the_terminal() {
    let long = "x".repeat(100_000);
    let text = format!("tenant \"a\u{1b}[31m\u{202e}\" {{\n  {long} = 1\n  rds_iam_auth = \"\u{7}{long}\"\n}}\n");
    let loaded = load(&text);
    let shown = report(&loaded);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown}");
    assert!(!shown.contains('\u{202e}'), "{shown}");
    assert!(shown.len() < 5_000, "{}", shown.len());
}

#[test]
fn json_has_places() {
    let loaded = load("tenant \"ä\" { colour = 1 }\n");
    let located = lint::validate(&loaded).located(&loaded.sources);
    insta::assert_json_snapshot!(located);
}

const COMPLETE: &str = r#"
tenantctl { workspace = "prod" }
cluster "main" {
  engine           = "aurora"
  identifier       = "prod-tenants"
  region           = "eu-central-1"
  endpoint         = "[::1]:5432"
  sslmode          = "verify-ca"
  sslrootcert      = "rds.pem"
  shared_databases = "warn"
  admin {
    username = "admin"
    database = "maintenance"
    auth     = "iam"
  }
}
naming { database = "${tenant}-${database}" }
defaults {
  connection_limit = 20
  handover { recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" }
}
variable "limit" {
  type    = number
  default = 3
}
locals { office = ["203.0.113.7/32", "198.51.100.0/24"] }
tenant "client01" {
  isolation        = "database"
  databases        = { db1 = true, db2 = true, db3 = false }
  allowed_ips      = [for network in local.office : "${network}"]
  rds_iam_auth     = true
  connection_limit = var.limit * 10
  settings         = { statement_timeout = "30s", TimeZone = "UTC", jit = false, work_mem = 4096 }
  extensions       = ["pg_trgm", "uuid-ossp"]
  state            = var.limit > 3 ? "suspended" : "active"
  deletion_policy  = "retain"
}
clients = [
  { name = "client02", databases = ["db1"], allowed_ips = ["0.0.0.0/0"], rds_iam_auth = false, handover = { recipient = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@rust" } },
]
"#;

#[test]
fn a_complete_file() {
    let loaded = load(COMPLETE);
    assert_eq!(codes(&loaded), ["address_not_enforced"], "{}", report(&loaded));
    insta::assert_debug_snapshot!(loaded.config().unwrap().clone().without_spans());
}

#[test]
fn variables_from_outside() {
    let vars = [("limit".to_owned(), "7".to_owned())];
    let loaded = config::load_texts(&[("tenants.hcl", COMPLETE)], &[], &vars);
    let tenants = &loaded.config().expect("no error").tenants;
    let tenant = tenants.values().next().unwrap();
    assert_eq!(tenant.connection_limit, Some(70));

    let file = ("x.tfvars", "limit = 5\nunrelated = 1\n");
    let loaded = config::load_texts(&[("tenants.hcl", COMPLETE)], &[file], &[]);
    let tenants = &loaded.config().expect("no error").tenants;
    assert_eq!(tenants.values().next().unwrap().connection_limit, Some(50));

    let vars = [("limt".to_owned(), "7".to_owned()), ("limit".to_owned(), "[".to_owned())];
    let loaded = config::load_texts(&[("tenants.hcl", COMPLETE)], &[], &vars);
    insta::assert_snapshot!(report(&loaded));
}

/// Terraform users pass their list as a variable file.
#[test]
fn clients_of_a_variable_file_are_tenants() {
    let list = r#"clients = [
  { name = "client01", databases = { db1 = true, db2 = true, db3 = false }, allowed_ips = ["109.241.200.168/32"], rds_iam_auth = true },
  { name = "client02", databases = { db1 = true, db2 = false, db3 = false }, allowed_ips = ["0.0.0.0/0"], rds_iam_auth = false },
]
"#;
    let as_file = config::load_texts(&[("main.hcl", CLUSTER), ("clients.tfvars", list)], &[], &[]);
    let as_variables = config::load_texts(&[("main.hcl", CLUSTER)], &[("clients.tfvars", list)], &[]);
    assert_eq!(codes(&as_file), ["address_not_enforced"]);
    let plain = |loaded: &Loaded| loaded.config().unwrap().clone().without_spans();
    assert_eq!(plain(&as_file), plain(&as_variables));
    assert_eq!(plain(&as_file).tenants.len(), 2);
}

#[test]
fn windows_files_mean_the_same() {
    let plain = load(COMPLETE).config().unwrap().clone().without_spans();
    let text = format!("\u{feff}{}", COMPLETE.replace('\n', "\r\n"));
    let loaded = load(&text);
    assert_eq!(loaded.config().expect("no error").clone().without_spans(), plain);
}

/// Refused, and soon: nothing that a pull request may hold costs the stack, the memory or the day.
#[test]
fn hostile_files_are_refused_in_time() {
    let many_keys: String = (0..200_000).map(|i| format!("k{i} = 1, ")).collect();
    let chain: String = (0..50_000).map(|i| format!("  l{} = local.l{i}\n", i + 1)).collect();
    let doubling: String = (0..60).map(|i| format!("  l{} = [local.l{i}, local.l{i}]\n", i + 1)).collect();
    let texts: String = (0..60).map(|i| format!("  l{} = \"${{local.l{i}}}${{local.l{i}}}\"\n", i + 1)).collect();
    let loops = "[for a in local.n : [for b in local.n : [for c in local.n : [for d in local.n : 1]]]]";
    let numbers = format!("[{}]", "1, ".repeat(1000));
    let files = [
        ("lists", format!("clients = {}", "[".repeat(100_000))),
        ("objects", format!("clients = {}", "{ a = ".repeat(100_000))),
        ("parentheses", format!("clients = {}", "(".repeat(100_000))),
        ("blocks", "a {\n".repeat(100_000)),
        ("templates", format!("clients = {}", "\"${".repeat(100_000))),
        ("closed lists", format!("clients = {}{}", "[".repeat(60), "]".repeat(60))),
        ("closed objects", format!("clients = {}1{}", "{ a = ".repeat(60), "}".repeat(60))),
        ("closed calls", format!("clients = {}1{}", "f(".repeat(60), ")".repeat(60))),
        ("negations", format!("clients = {}1", "!".repeat(100_000))),
        ("minus", format!("clients = {}1", "-".repeat(100_000))),
        ("sums", format!("clients = 1{}", " + 1".repeat(100_000))),
        ("conditionals", format!("clients = {}1", "true ? 1 : ".repeat(100_000))),
        ("indexes", format!("clients = a{}", "[0]".repeat(100_000))),
        ("keys", format!("clients = [{{ {many_keys} }}]")),
        ("comment", format!("/*{}", "/*".repeat(1_000_000))),
        ("heredocs", "a = <<A\n".repeat(100_000)),
        ("text", format!("tenant \"{}\" {{}}", "x".repeat(10_000_000))),
        ("network", format!("tenant \"a\" {{ allowed_ips = [\"{}\"] }}", "1".repeat(10_000_000))),
        ("chain", format!("locals {{\n  l0 = 1\n{chain}}}\nclients = local.l50000")),
        ("doubling", format!("locals {{\n  l0 = 1\n{doubling}}}\nclients = local.l60")),
        ("texts", format!("locals {{\n  l0 = \"xxxxxxxxxxxxxxxx\"\n{texts}}}\nclients = local.l60")),
        ("loops", format!("locals {{\n  n = {numbers}\n}}\nclients = {loops}")),
    ];
    for (name, text) in files {
        let start = Instant::now();
        let loaded = load(&text);
        let shown = report(&loaded);
        let elapsed = start.elapsed();
        assert!(loaded.config().is_none() || name == "text", "{name} is accepted");
        assert!(lint::validate(&loaded).has_errors(), "{name}: {shown}");
        assert!(shown.len() < 20_000, "{name}: {} bytes", shown.len());
        // Debug builds are ten times slower than what users run.
        assert!(elapsed < Duration::from_secs(10), "{name}: {elapsed:?}");
        println!("{name}: {elapsed:?} {}", shown.lines().next().unwrap_or_default());
    }
}

#[test]
fn files_are_read_in_order_and_refusals_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    let request = |files: &[&str]| config::LoadRequest {
        dir: dir.path().to_owned(),
        files: files.iter().map(Into::into).collect(),
        ..config::LoadRequest::default()
    };
    assert_eq!(codes(&config::load(&request(&[]))), ["no_files"]);
    write("b.hcl", CLUSTER.as_bytes());
    write("a.hcl", b"tenant \"a\" {\n  databases = [\"x\"]\n  rds_iam_auth = false\n}\n");
    write(".hidden.hcl", b"nonsense");
    let loaded = config::load(&request(&[]));
    assert_eq!(codes(&loaded), [""; 0], "{}", report(&loaded));
    assert!(loaded.sources.name(0).ends_with("a.hcl"));
    write("c.hcl", b"\xff\xfe");
    assert_eq!(codes(&config::load(&request(&[]))), ["not_utf8"]);
    assert_eq!(codes(&config::load(&request(&["missing.hcl"]))), ["unreadable"]);
    write("d.hcl", &vec![b'#'; (16 << 20) + 1]);
    assert_eq!(codes(&config::load(&request(&["d.hcl"]))), ["too_large"]);
}

fn tenant_text() -> impl Strategy<Value = (String, Vec<String>, Vec<u8>)> {
    (
        "[a-z]{1,3}(_[a-z]{1,2})?",
        prop::collection::btree_set("[a-z]{1,2}(_[a-z]{1,2})?", 1..4),
        prop::collection::btree_set(any::<u8>(), 1..4),
    )
        .prop_map(|(name, databases, hosts)| {
            (name, databases.into_iter().collect(), hosts.into_iter().collect())
        })
}

fn as_block((name, databases, hosts): &(String, Vec<String>, Vec<u8>), reverse: bool) -> String {
    let mut databases: Vec<String> = databases.iter().map(|name| format!("{name} = true")).collect();
    let mut hosts: Vec<String> = hosts.iter().map(|host| format!("\"203.0.113.{host}/32\"")).collect();
    let (mut first, mut second) = (
        format!("  databases = {{ {} }}\n", databases.join(", ")),
        format!("  allowed_ips = [{}]\n", hosts.join(", ")),
    );
    if reverse {
        databases.reverse();
        hosts.reverse();
        first = format!("  allowed_ips = [{0}, {0}]\n", hosts.join(", "));
        second = format!("  databases = {{ {} }}\n", databases.join(", "));
    }
    format!("tenant \"{name}\" {{\n{first}{second}}}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        report(&load(&text));
    }

    #[test]
    fn any_text_of_the_alphabet_is_survived(
        words in prop::collection::vec(prop::sample::select(vec![
            "tenant", "\"a\"", "{", "}", "[", "]", "=", "\n", "databases", "clients", "name", "local", ".", "x",
            "${", "\"", "for", "in", ":", "?", "1", "-", "/", "locals", "<<A\n", "A\n", ",", "(", ")", "%{", "/*", "#",
        ]), 0..60)
    ) {
        report(&load(&words.join(" ")));
    }

    #[test]
    fn order_has_no_meaning(tenants in prop::collection::vec(tenant_text(), 1..5)) {
        let mut tenants = tenants;
        tenants.sort();
        tenants.dedup_by(|a, b| a.0 == b.0);
        let forward: String = tenants.iter().map(|tenant| as_block(tenant, false)).collect();
        let backward: String = tenants.iter().rev().map(|tenant| as_block(tenant, true)).collect();
        let (forward, backward) = (load(&forward), load(&backward));
        prop_assert!(forward.config().is_some());
        prop_assert_eq!(
            forward.config().cloned().map(config::Config::without_spans),
            backward.config().cloned().map(config::Config::without_spans)
        );
    }

    /// Names are refused exactly when two objects of one kind would share one.
    #[test]
    fn collisions_are_found(tenants in prop::collection::vec(tenant_text(), 1..6)) {
        let mut tenants = tenants;
        tenants.sort();
        tenants.dedup_by(|a, b| a.0 == b.0);
        let text: String = tenants.iter().map(|tenant| as_block(tenant, false)).collect();
        let loaded = load(&text);
        let config = loaded.config().expect("no error");
        let mut databases: Vec<String> = config
            .tenants
            .values()
            .flat_map(|tenant| naming::compose(&config.naming, tenant).databases.into_values())
            .collect();
        let all = databases.len();
        databases.sort();
        databases.dedup();
        let found = lint::check(config)
            .iter()
            .any(|finding| finding.severity == Severity::Error && finding.code == "name_collision");
        prop_assert_eq!(found, databases.len() < all);
    }
}
