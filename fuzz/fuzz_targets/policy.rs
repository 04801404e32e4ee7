//! IAM policy documents: what is read has one canonical form, and that form reads as the same document.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use tenantctl::model::PolicyDocument;

fuzz_target!(|text: &str| -> Corpus {
    // As AWS sends it, percent-encoded or not; that never reads what plain parsing refuses, unless it was encoded.
    let Ok(document) = PolicyDocument::decode(text) else {
        assert!(!text.trim_start().starts_with('{') || PolicyDocument::parse(text).is_err());
        return Corpus::Keep;
    };
    let canonical = document.to_json();
    let again = PolicyDocument::parse(&canonical).expect("what is written is read");
    assert_eq!(again, document);
    assert_eq!(again.to_json(), canonical, "the canonical form is its own");
    assert_eq!(again.principals(), document.principals());

    // Every character encoded, and sent again.
    let encoded: String = canonical.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(PolicyDocument::decode(&encoded).as_ref(), Ok(&document));

    // Plan files and the ledger keep it through serde.
    let value = serde_json::to_value(&document).expect("a document is JSON");
    assert_eq!(
        serde_json::from_value::<PolicyDocument>(value).expect("and reads as one"),
        document
    );

    // The lines of a diff are its elements, whatever stands in their texts.
    assert!(!document.pretty_lines().contains(['\r', '\t']));
    assert!(document.size() <= canonical.chars().count());
    Corpus::Keep
});
