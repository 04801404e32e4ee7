//! What is understood: variables, lists of clients, directories.

use tenantctl::config::{self, Loaded};

use crate::{CLUSTER, codes, load, report};

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
    insta::assert_debug_snapshot!(loaded.config().expect("no error").clone().without_spans());
}

#[test]
fn variables_from_outside() {
    let vars = [("limit".to_owned(), "7".to_owned())];
    let loaded = config::load_texts(&[("tenants.hcl", COMPLETE)], &[], &vars);
    let tenants = &loaded.config().expect("no error").tenants;
    let tenant = tenants.values().next().expect("a tenant");
    assert_eq!(tenant.connection_limit, Some(70));

    let file = ("x.tfvars", "limit = 5\nunrelated = 1\n");
    let loaded = config::load_texts(&[("tenants.hcl", COMPLETE)], &[file], &[]);
    let tenants = &loaded.config().expect("no error").tenants;
    assert_eq!(
        tenants.values().next().expect("a tenant").connection_limit,
        Some(50)
    );

    let vars = [
        ("limt".to_owned(), "7".to_owned()),
        ("limit".to_owned(), "[".to_owned()),
    ];
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
    let plain = |loaded: &Loaded| loaded.config().expect("no error").clone().without_spans();
    assert_eq!(plain(&as_file), plain(&as_variables));
    assert_eq!(plain(&as_file).tenants.len(), 2);
}

#[test]
fn windows_files_mean_the_same() {
    let plain = load(COMPLETE).config().expect("no error").clone().without_spans();
    let text = format!("\u{feff}{}", COMPLETE.replace('\n', "\r\n"));
    let loaded = load(&text);
    assert_eq!(loaded.config().expect("no error").clone().without_spans(), plain);
}

#[test]
fn files_are_read_in_order_and_refusals_name_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("written");
    let request = |files: &[&str]| config::LoadRequest {
        dir: dir.path().to_owned(),
        files: files.iter().map(Into::into).collect(),
        ..config::LoadRequest::default()
    };
    assert_eq!(codes(&config::load(&request(&[]))), ["no_files"]);
    write("b.hcl", CLUSTER.as_bytes());
    write(
        "a.hcl",
        b"tenant \"a\" {\n  databases = [\"x\"]\n  rds_iam_auth = false\n}\n",
    );
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
