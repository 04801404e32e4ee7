//! Saved plans: any text is read or refused; what is read writes back as the same plan and is safe to show.
#![no_main]

use std::path::Path;

use libfuzzer_sys::{Corpus, fuzz_target};
use tenantctl::plan::{FORMAT, file};
use tenantctl::report::{self, text::Style};

fuzz_target!(|text: &str| -> Corpus {
    let path = Path::new("saved.plan");
    let Ok(plans) = file::parse(path, text) else {
        return Corpus::Keep;
    };
    assert!(plans.iter().all(|plan| plan.plan.format == FORMAT));
    let written = file::to_text(&plans).expect("what was read can be written");
    let again = file::parse(path, &written).expect("what is written is read");
    assert_eq!(again, plans);
    assert_eq!(file::to_text(&again).ok(), Some(written));

    let style = Style {
        color: false,
        ..Style::default()
    };
    for shown in [
        report::several::plan(&plans, style),
        report::markdown::plans(&plans, &[]),
    ] {
        assert!(
            !shown
                .chars()
                .any(|character| character.is_control() && character != '\n'),
            "{shown:?}"
        );
    }
    Corpus::Keep
});
