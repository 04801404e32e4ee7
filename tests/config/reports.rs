//! One small bad file each, and all that is said about it.

use crate::{CLUSTER, load, report};

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

    moves_that_cannot_be: r#"
tenant "a" {
  databases    = ["db1"]
  rds_iam_auth = false
}
moved {
  from = "tenant.a"
  to   = "tenant.b"
}
moved {
  from = "tenant.c"
  to   = "tenant.aa"
}
moved {
  from = "tenant.c"
  to   = "tenant.a"
}
moved {
  from = "tenant.x"
  to   = "tenant.y"
}
moved {
  from = "tenant.y"
  to   = "tenant.x"
}
moved "here" {
  from = "tenant.d"
  to   = "tenant.a"
}
moved {
  from = "database.d"
  two  = "tenant.a"
}
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
cluster "main" { identifier = "x" }
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
  extensions   = ["%{ if 7 }a%{ endif }"]
}
"#;

    nothing_to_do: r#"
tenant "a" {
  rds_iam_auth = false
}
"#;
}
