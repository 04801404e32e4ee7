//! `for_each`: which tenants a block stands for, and what is said about the rest.

use tenantctl::config::Config;

use crate::{CLUSTER, load, report};

fn config(text: &str) -> Config {
    let loaded = load(text);
    let Some(config) = loaded.config() else {
        panic!("{}", report(&loaded));
    };
    config.clone().without_spans()
}

const CUSTOMERS: &str = r#"
variable "customers" {
  default = {
    client02 = { databases = ["db1"], ips = ["203.0.113.8/32"] }
    client01 = { databases = ["db1", "db2"], ips = ["203.0.113.7/32"], limit = 7, recipient = null }
  }
}
tenant "customers" {
  for_each         = var.customers
  databases        = { for name in each.value.databases : name => true }
  allowed_ips      = each.value.ips
  connection_limit = try(each.value.limit, null)
}
"#;

const WRITTEN: &str = r#"
tenant "client01" {
  databases        = { db1 = true, db2 = true }
  allowed_ips      = ["203.0.113.7/32"]
  connection_limit = 7
}
tenant "client02" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.8/32"]
}
"#;

#[test]
fn an_object_of_customers_is_the_same_as_their_blocks() {
    assert_eq!(config(CUSTOMERS), config(WRITTEN));
}

#[test]
fn a_set_gives_names_and_a_name_may_be_made_of_them() {
    let text = r#"
tenant "regions" {
  for_each     = toset(["eu", "us", "eu"])
  name         = "acme-${each.key}"
  databases    = ["db_${each.value}"]
  rds_iam_auth = false
}
"#;
    let config = config(text);
    let names: Vec<&str> = config.tenants.keys().map(|id| id.as_str()).collect();
    assert_eq!(names, ["acme-eu", "acme-us"]);
    let databases: Vec<&String> = config
        .tenants
        .values()
        .flat_map(|tenant| tenant.databases.keys())
        .collect();
    assert_eq!(databases, ["db_eu", "db_us"]);
}

#[test]
fn nothing_to_go_through_is_no_tenant() {
    for nothing in ["{}", "toset([])"] {
        let text =
            format!("tenant \"none\" {{\n  for_each = {nothing}\n  databases = each.value.nothing\n}}\n");
        assert_eq!(config(&text).tenants.len(), 0);
    }
}

#[test]
fn what_the_elements_say_goes_into_nested_blocks() {
    let text = r#"
tenant "t" {
  for_each     = { a = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" }
  rds_iam_auth = false
  handover { recipient = each.value }
}
"#;
    let config = config(text);
    let tenant = config.tenants.values().next().expect("one tenant");
    assert!(
        tenant
            .handover
            .as_ref()
            .is_some_and(|handover| handover.recipient.starts_with("age1ql3"))
    );
}

#[test]
fn mistakes_say_for_which_elements() {
    let text = r#"
locals {
  customers = {
    a = { ips = ["203.0.113.7/32"], databases = ["db1"] }
    b = { ips = ["203.0.113.8/24"], databases = ["db1"] }
    c = { ips = ["203.0.113.9/32"] }
    d = { ips = ["203.0.113.9/32"], databases = ["db1"], suffix = "x" }
    e = { ips = ["203.0.113.9/32"], databases = ["db1"], suffix = "x" }
    f = { ips = ["203.0.113.9/32"], databases = ["db1"], suffix = "x" }
  }
}
tenant "customers" {
  for_each         = local.customers
  databases        = each.value.databases
  allowed_ips      = each.value.ips
  connection_limt  = 7
  extensions       = each.vale
}
tenant "suffixes" {
  for_each     = { for name, customer in local.customers : "${name}2" => customer if can(customer.suffix) }
  name         = "same"
  rds_iam_auth = "${each.key}"
}
"#;
    insta::assert_snapshot!(report(&load(&format!("{text}{CLUSTER}"))));
}

#[test]
fn what_cannot_be_gone_through() {
    let text = r#"
tenant "list" {
  for_each = ["a", "b"]
}
tenant "numbers" {
  for_each = toset([1, 2])
}
tenant "one" {
  for_each = "a"
}
tenant "unknown" {
  for_each = local.nothing
}
tenant "outside" {
  databases = [each.key]
  name      = "x"
}
tenant "counted" {
  count = 3
}
tenant "typo" {
  foreach = toset(["a"])
}
defaults {
  for_each = toset(["a"])
}
"#;
    insta::assert_snapshot!(report(&load(&format!("{text}{CLUSTER}"))));
}
