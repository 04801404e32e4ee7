//! What holds for every file.

use proptest::prelude::*;
use tenantctl::config;
use tenantctl::desired::{lint, naming};
use tenantctl::diag::Severity;

use crate::{load, report};

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
    let mut hosts: Vec<String> = hosts
        .iter()
        .map(|host| format!("\"203.0.113.{host}/32\""))
        .collect();
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
        let mut databases: Vec<_> = config
            .tenants
            .values()
            .flat_map(|tenant| naming::compose(&config.naming, tenant).databases)
            .map(|(_, name)| name)
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
