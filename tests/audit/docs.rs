//! The table of rules in the documentation is the table in the code.

use tenantctl::audit::RULES;

#[test]
fn every_rule_is_explained() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md");
    let text = std::fs::read_to_string(path).unwrap();
    for rule in RULES {
        let row = format!(
            "| `{}` | {} | {}. {} | {} | {} |",
            rule.id,
            rule.severity.as_str(),
            rule.title,
            rule.meaning,
            rule.risk,
            rule.remedy
        );
        assert!(text.contains(&row), "docs/audit.md lacks:\n{row}");
    }
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 4);
    assert_eq!(rows.count(), RULES.len());
}
