//! Files with the mistakes that people make, in `tests/config/wrong`, each beside all that is said about it.
//!
//! After a change to a message: `INSTA_UPDATE=always cargo test --test config wrong`, and read the difference.

use std::path::{Path, PathBuf};

use tenantctl::config::{self, LoadRequest};
use tenantctl::desired::lint;
use tenantctl::diag::Style;

#[test]
fn every_wrong_file_has_its_message() {
    let directory = Path::new("tests/config/wrong");
    let mut names: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("the tests run in the directory of the package")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hcl"))
        .collect();
    names.sort();
    assert!(names.len() >= 30, "{}", names.len());
    for path in names {
        let loaded = config::load(&LoadRequest {
            dir: PathBuf::from(directory),
            files: vec![PathBuf::from(path.file_name().expect("a file"))],
            ..LoadRequest::default()
        });
        let findings = lint::validate(&loaded);
        assert!(findings.has_errors(), "{} is not wrong", path.display());
        for finding in &findings {
            let is_helped = finding.help.is_some() || finding.related.is_some();
            assert!(
                is_helped,
                "{}: nothing says what to do: {}",
                path.display(),
                finding.message
            );
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        insta::with_settings!({
            snapshot_path => "wrong",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, findings.render(&loaded.sources, Style::default()));
        });
    }
}
