//! Larger files that are refused, and the places that are named.

use tenantctl::config;
use tenantctl::desired::lint;

use crate::{CLUSTER, load, report};

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
    let text =
        format!("{CLUSTER}tenant \"a\" {{\n  databases   = [\"db1\"]\n  allowed_ips = [{networks}]\n}}\n");
    insta::assert_snapshot!(report(&load(&text)));
}

#[test]
fn the_size_of_a_trust_policy_is_that_of_its_json() {
    let networks = ["203.0.113.7/32", "2001:db8::/48"].map(|text| text.parse().expect("a network"));
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
            (
                "b.hcl",
                "tenant \"b\" {\n  databases = local.from_a\n  colour = 1\n}\n",
            ),
        ],
        &[],
        &[],
    );
    insta::assert_snapshot!(report(&loaded));
}

#[test]
fn json_has_places() {
    let loaded = load("tenant \"ä\" { colour = 1 }\n");
    let located = lint::validate(&loaded).located(&loaded.sources);
    insta::assert_json_snapshot!(located);
}

/// The parser counts bytes and stops within a character; what is shown is where that character stands.
#[test]
fn an_error_within_a_character_has_its_column() {
    let loaded = load("cluster é");
    let finding = loaded.diagnostics.iter().next().expect("an error");
    let span = finding.span.expect("a place");
    assert!(
        loaded.sources.text(span.file).is_char_boundary(span.start),
        "{span:?}"
    );
    assert_eq!(loaded.sources.position(span).line, 1);
    assert_eq!(loaded.sources.position(span).column, 9, "{span:?}");
}

#[test]
fn readers_that_are_somebody_else() {
    let cluster = "cluster \"main\" {\n  identifier = \"prod-tenants\"\n  admin { username = \"boss\" }\n";
    let readers = "  readers = [\"ci_plan\", \"boss\", \"a\", \"rds_superuser\", \"\", 7]\n}\n";
    let tenant = "tenant \"a\" {\n  databases    = [\"db1\"]\n  rds_iam_auth = false\n}\n";
    insta::assert_snapshot!(report(&load(&format!("{cluster}{readers}{tenant}"))));
}
