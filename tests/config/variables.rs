//! What the declaration of a variable asks of its value.

use tenantctl::config;

use crate::{CLUSTER, codes, load, report};

const CUSTOMERS: &str = r#"
variable "customers" {
  type = map(object({
    ips   = set(string)
    dbs   = optional(list(string), ["db1"])
    limit = optional(number)
    vpn   = optional(object({ only = optional(bool, false) }), {})
  }))
  nullable = false
  validation {
    condition     = alltrue([for name, customer in var.customers : length(customer.ips) < 3])
    error_message = "A customer has one or two addresses."
  }
}
tenant "customers" {
  for_each         = var.customers
  databases        = each.value.dbs
  allowed_ips      = each.value.ips
  connection_limit = each.value.vpn.only ? 1 : each.value.limit
}
"#;

#[test]
fn values_become_what_their_type_says() {
    let values = r#"customers = {
  acme = { ips = ["203.0.113.7/32"], dbs = ["db1", "db2"], limit = "20" }
  bolt = { ips = ["203.0.113.8/32", "203.0.113.8/32"], dbs = null }
  coil = { ips = ["203.0.113.9/32"], limit = 7, vpn = { only = "true" } }
}"#;
    let text = format!("{CUSTOMERS}{CLUSTER}");
    let loaded = config::load_texts(&[("tenants.hcl", &text)], &[("values.tfvars", values)], &[]);
    let Some(config) = loaded.config() else {
        panic!("{}", report(&loaded));
    };
    let facts: Vec<_> = (config.tenants.values())
        .map(|tenant| {
            let databases: Vec<&str> = tenant.databases.keys().map(String::as_str).collect();
            let limit = tenant.connection_limit;
            (databases, tenant.allowed_ips.len(), limit)
        })
        .collect();
    let expected = [
        (vec!["db1", "db2"], 1, Some(20)),
        (vec!["db1"], 1, None),
        (vec!["db1"], 1, Some(1)),
    ];
    assert_eq!(facts, expected);
}

#[test]
fn what_is_no_such_value_is_named() {
    let text = format!(
        r#"variable "limit" {{
  type    = number
  default = "20"
  validation {{
    condition     = var.limit <= 10
    error_message = "At most 10, not ${{var.limit}}."
  }}
}}
variable "office" {{
  type    = object({{ nets = list(string), floor = number, vpn = optional(string, "198.51.100.7/32") }})
  default = {{ netz = ["203.0.113.0/24"], floor = "ground" }}
}}
variable "pair" {{
  type    = tuple([string, number])
  default = ["a"]
}}
variable "none" {{
  type     = list(string)
  nullable = false
  default  = null
}}
variable "quoted" {{
  type    = "string"
  default = "a"
}}
variable "misspelt" {{
  type    = lisst(string)
  default = []
}}
variable "optional" {{
  type    = list(optional(string))
  default = []
}}
variable "odd" {{
  default = 1
  validation {{
    condition     = var.odd
    error_message = "No."
  }}
}}
{CLUSTER}"#
    );
    insta::assert_snapshot!(report(&load(&text)));
}

/// A default that is copied into every element costs each time.
#[test]
fn types_make_no_more_values_than_fit() {
    let items = "{},".repeat(3000);
    let wide: String = (0..3000)
        .map(|n| format!("a{n} = optional(string, \"x\"), "))
        .collect();
    let text = format!(
        "variable \"v\" {{\n  type = list(object({{ {wide} }}))\n  default = [{items}]\n}}\n{CLUSTER}"
    );
    assert!(codes(&load(&text)).contains(&"too_large"));
}
