//! Tenants files and worlds of any size, and what is timed on them.

use std::fmt::Write as _;

use tenantctl::config::{self, Loaded};
use tenantctl::desired::{self, Desired, lint};
use tenantctl::diff::{self, Diff, Scope};
use tenantctl::live::Live;
use tenantctl::plan::{self, Options, Plan};

use crate::applied::{applied, empty_cluster};
use crate::world::facts;

const CLUSTER: &str = "cluster \"main\" {\n  identifier = \"prod-tenants\"\n}\n\n";

/// A tenant block each.
pub fn blocks(tenants: usize) -> String {
    let mut text = CLUSTER.to_owned();
    for n in 0..tenants {
        let address = address(n);
        let _ = write!(
            text,
            "tenant \"client{n:05}\" {{\n  databases   = [\"db1\"]\n  allowed_ips = [\"{address}/32\"]\n}}\n\n"
        );
    }
    text
}

/// The same tenants as an entry each of one list, as a Terraform configuration has them.
pub fn list(tenants: usize) -> String {
    let mut text = format!("{CLUSTER}clients = [\n");
    for n in 0..tenants {
        let address = address(n);
        let _ = write!(
            text,
            "  {{\n    name        = \"client{n:05}\"\n    databases   = {{ db1 = true }}\n    \
             allowed_ips = [\"{address}/32\"]\n  }},\n"
        );
    }
    text + "]\n"
}

fn address(n: usize) -> String {
    format!("203.0.{}.{}", n / 256 % 256, n % 256)
}

/// Parses and decodes a text, and looks for everything that is wrong with it.
pub fn decode(text: &str) -> Loaded {
    let loaded = config::load_texts(&[("tenants.hcl", text)], &[], &[]);
    assert!(!lint::validate(&loaded).has_errors());
    loaded
}

/// Lowers it to objects.
pub fn compile(loaded: &Loaded) -> Desired {
    let config = loaded.config().expect("no error");
    let cluster = config.only_cluster().expect("a cluster");
    desired::compile(config, cluster, &facts()).expect("a file that fits the cluster")
}

/// The cluster before anything was applied.
pub fn untouched() -> Live {
    empty_cluster(160_004)
}

/// The cluster once all of it was.
pub fn settled(desired: &Desired) -> Live {
    applied(desired, untouched())
}

/// Compares.
pub fn compare(desired: &Desired, live: &Live) -> Diff {
    diff::diff(desired, live, &Scope::default())
}

/// Plans.
pub fn build(desired: &Desired, live: &Live, diff: &Diff) -> Plan {
    plan::build(desired, live, diff, &Options::default())
}

/// All of it, from text to plan.
pub fn all(text: &str, live: &Live) -> Plan {
    let desired = compile(&decode(text));
    let diff = compare(&desired, live);
    build(&desired, live, &diff)
}
