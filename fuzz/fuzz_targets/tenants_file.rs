//! Tenants files: loading, the checks and compiling survive any text, in bounded time; every error lies inside the
//! file; what a file means does not hang on where in it the blocks stand. What parses is laid out: that changes nothing
//! of what it means, and nothing at all the second time. The same text as JSON is survived too.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use tenantctl::config::{self, Config, Loaded};
use tenantctl::desired::{self, lint};
use tenantctl::diag::{Diagnostic, Severity, Style};
use tenantctl::model::ClusterFacts;

fn facts() -> ClusterFacts {
    ClusterFacts {
        partition: "aws".into(),
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        identifier: "prod-tenants".into(),
        resource_id: "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ".into(),
        endpoint: "prod-tenants.cluster-abc.eu-central-1.rds.amazonaws.com".into(),
        port: 5432,
        master_username: "postgres".into(),
        iam_enabled: true,
        master_secret_arn: None,
    }
}

fn load(text: &str) -> Loaded {
    config::load_texts(&[("tenants.hcl", text)], &[], &[])
}

/// A place is in the file and begins and ends between characters.
fn check_place(loaded: &Loaded, finding: &Diagnostic) {
    let related = finding.related.as_ref().map(|(span, _)| *span);
    for span in finding.span.into_iter().chain(related) {
        let text = loaded.sources.text(span.file);
        assert!(span.start <= span.end, "{finding:?}");
        assert!(span.file < loaded.sources.len(), "{finding:?}");
        assert!(
            text.is_char_boundary(span.start) && text.is_char_boundary(span.end),
            "{finding:?}"
        );
    }
    assert!(!finding.message.is_empty() && !finding.code.is_empty());
}

fn compile(config: &Config) -> Option<Result<desired::Desired, Vec<Diagnostic>>> {
    let cluster = config.only_cluster()?;
    Some(desired::compile(config, cluster, &facts()))
}

/// The layout of what parses is its own layout, and loads as the same.
fn check_layout(text: &str, loaded: &Loaded) {
    let formatted = match config::format_text("tenants.hcl", text) {
        Ok(formatted) => formatted,
        Err((findings, _)) => {
            // The parser takes a quotation mark within a directive for text, HCL does not: such a file is left alone.
            let is_refused = findings.iter().any(|finding| finding.code == "format");
            assert!(!is_refused || text.contains("%{"), "{text:?}");
            return;
        }
    };
    let again = config::format_text("tenants.hcl", &formatted).expect("it parsed before");
    assert_eq!(again, formatted);
    let meaning = |loaded: &Loaded| loaded.config().cloned().map(Config::without_spans);
    assert_eq!(meaning(&load(&formatted)), meaning(loaded));
}

fuzz_target!(|text: &str| -> Corpus {
    let loaded = load(text);
    check_layout(text, &loaded);
    config::load_texts(&[("tenants.hcl.json", text)], &[], &[]);
    let findings = lint::validate(&loaded);
    for finding in &findings {
        assert!(
            finding.severity == Severity::Warning || finding.span.is_some(),
            "{finding:?}"
        );
        check_place(&loaded, finding);
    }
    let shown = findings.render(&loaded.sources, Style::default());
    assert!(
        !shown
            .chars()
            .any(|character| character.is_control() && character != '\n'),
        "{shown:?}"
    );
    assert_eq!(shown.is_empty(), findings.is_empty());

    let Some(config) = loaded.config() else {
        assert!(findings.has_errors());
        return Corpus::Keep;
    };
    // Blank lines before and comments behind change no meaning.
    let moved = load(&format!(
        "\n# moved\n\n{}\n# end\n",
        text.trim_start_matches('\u{feff}')
    ));
    let moved = moved
        .config()
        .unwrap_or_else(|| panic!("a comment made it invalid"));
    assert_eq!(moved.clone().without_spans(), config.clone().without_spans());

    if findings.has_errors() {
        return Corpus::Keep;
    }
    match compile(config) {
        Some(Ok(desired)) => {
            let again = compile(moved).and_then(Result::ok).expect("compiles as before");
            assert_eq!(again.digest, desired.digest);
            assert_eq!(again.world, desired.world);
        }
        Some(Err(problems)) => {
            assert!(!problems.is_empty());
            for problem in &problems {
                check_place(&loaded, problem);
            }
        }
        None => {}
    }
    Corpus::Keep
});
