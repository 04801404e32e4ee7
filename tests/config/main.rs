//! Tenants files, good and bad: what is understood, and what is said about the rest.

mod bounds;
mod costs;
mod for_each;
mod format;
mod functions;
mod hostile;
mod json;
mod loading;
mod places;
mod properties;
mod reference;
mod reports;
mod variables;
mod wrong;

use tenantctl::config::{self, Loaded};
use tenantctl::desired::lint;
use tenantctl::diag::Style;

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
