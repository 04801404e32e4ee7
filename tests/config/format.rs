//! `fmt`: one layout for everything that means the same, and nothing but the layout changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use tenantctl::config;

/// Every kind of thing that a file may hold; `·` stands where blanks may or may not be.
const FREE: &str = r#"#  a comment   at the beginning
cluster·"main"·{·
·identifier·=·"prod-tenants"·# of production
·region·=·"eu-central-1"·// where
·admin·{·auth·=·"iam"·}

·endpoint·=·"${var.host}:5432"
}
··
variable·"host"·{·}

locals·{·
·all·=·{
·a·=·1·,
·"long key"·=·-·2·+·3·*·(·4·-·1·)·,·/* inline */
·c·:·!·true·&&·1·!=·2·||·false·,
·}
·list·=·[·1·,·2·,
·3·,
·]
·nested·=·merge·(·{
·x·=·{·for ·k·,·v ·in·[·1·]·:·k·=>·v ·if ·v·>=·1·}
·}·,·{·}·,·local·.·all·[·"a"·]·.·b·[·*·]·.·c·)
·call·=·max·(·[·1·]·...·)
·text·=·<<-END
      as   it  is ${  local.all   }
    END
·after·=·true·?·"  a ${ "}" } { "·:·null
}
tenant·"client01"·{
·databases·=·[·"db1"·]
·# the office
·allowed_ips·=·[
·"203.0.113.7/32"·,·# first
·"203.0.113.18/32"·,·# second
·]
}
"#;

fn laid_out(text: &str) -> String {
    match config::format_text("tenants.hcl", text) {
        Ok(formatted) => formatted,
        Err((diagnostics, sources)) => panic!("{}\n{text}", diagnostics.render(&sources, Default::default())),
    }
}

#[test]
fn a_file_of_everything() {
    insta::assert_snapshot!(laid_out(&FREE.replace('·', " ")));
}

#[test]
fn the_examples_are_laid_out() {
    for directory in fs::read_dir("examples").expect("examples") {
        for file in fs::read_dir(directory.expect("a directory").path()).expect("files") {
            let path = file.expect("a file").path();
            if path
                .extension()
                .is_some_and(|extension| extension == "hcl" || extension == "tfvars")
            {
                let text = fs::read_to_string(&path).expect("text");
                assert_eq!(laid_out(&text), text, "{}", path.display());
            }
        }
    }
}

#[test]
fn line_breaks_and_marks_stay() {
    assert_eq!(
        laid_out("\u{feff}a=1\r\nbc =  2\r\n\r\n"),
        "\u{feff}a  = 1\r\nbc = 2\r\n\r\n"
    );
    assert_eq!(laid_out("a=1"), "a = 1\n");
    assert_eq!(laid_out("a=1\r\nb=2"), "a = 1\r\nb = 2\r\n");
    assert_eq!(laid_out(""), "");
    assert_eq!(
        laid_out("a = b .c. d[0] .e\nb = 42. 5\n"),
        "a = b.c.d[0].e\nb = 42 .5\n"
    );
    assert_eq!(
        laid_out("x = [{\n a = 1\n }, {\n b = 2\n }]\n"),
        "x = [{\n  a = 1\n  }, {\n  b = 2\n}]\n"
    );
}

#[test]
fn what_does_not_parse_is_refused_with_its_place() {
    let (diagnostics, sources) = config::format_text("x.hcl", "a = 1\nb = = 2\n").expect_err("no HCL");
    let shown = diagnostics.render(&sources, Default::default());
    assert!(
        shown.contains("error[syntax]") && shown.contains("x.hcl:2:5"),
        "{shown}"
    );
}

/// The parser reads on over a quotation mark within a directive, which HCL does not. Whoever is right, nothing changes.
#[test]
fn what_would_change_its_meaning_is_left_alone() {
    let text = "a = \"%{ if true }\" [1,2] \"%{ endif }\"\n";
    let (diagnostics, _) = config::format_text("x.hcl", text).expect_err("the two disagree");
    assert!(
        diagnostics.iter().all(|found| found.code == "format"),
        "{diagnostics:?}"
    );
    assert!(diagnostics.has_errors());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// However blanks are spread, the layout is the same, and laying it out again changes nothing.
    #[test]
    fn there_is_one_layout(blanks in prop::collection::vec(prop::sample::select(vec!["", " ", "  ", "\t", "     "]), 1..60)) {
        let mut blanks = blanks.iter().cycle();
        let text: String = FREE
            .split('·')
            .flat_map(|part| [*blanks.next().expect("endless"), part])
            .skip(1)
            .collect();
        let formatted = laid_out(&text);
        prop_assert_eq!(&formatted, &laid_out(&FREE.replace('·', " ")));
        prop_assert_eq!(&laid_out(&formatted), &formatted);
    }
}

fn run(directory: &Path, arguments: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_tenantctl"))
        .arg("-C")
        .arg(directory)
        .arg("fmt")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes())
        .expect("read");
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn files_are_replaced_whole_and_keep_their_permissions() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("a.hcl"), "a=1 # one\n").expect("written");
    fs::write(path("b.hcl"), "b = 1\n").expect("written");
    fs::write(path("c.hcl"), "c = = 1\n").expect("written");
    fs::write(path("d.tfvars"), "d=1\n").expect("written");
    fs::set_permissions(path("a.hcl"), fs::Permissions::from_mode(0o640)).expect("set");
    std::os::unix::fs::symlink("a.hcl", path("link.hcl")).expect("linked");

    let (code, shown, _) = said(&run(directory.path(), &["--check", "a.hcl", "b.hcl"], ""));
    assert_eq!(code, 3);
    assert_eq!(
        shown,
        "--- old/a.hcl\n+++ new/a.hcl\n@@ -1 +1 @@\n-a=1 # one\n+a = 1 # one\n"
    );
    assert_eq!(fs::read_to_string(path("a.hcl")).expect("read"), "a=1 # one\n");

    // The one that does not parse is named and left alone, the others are laid out.
    let (code, shown, errors) = said(&run(directory.path(), &[], ""));
    assert_eq!((code, shown.as_str()), (1, "a.hcl\n"));
    assert!(errors.contains("c.hcl:1:5"), "{errors}");
    assert_eq!(fs::read_to_string(path("a.hcl")).expect("read"), "a = 1 # one\n");
    assert_eq!(fs::read_to_string(path("c.hcl")).expect("read"), "c = = 1\n");
    assert_eq!(fs::read_to_string(path("d.tfvars")).expect("read"), "d=1\n");
    assert_eq!(
        fs::metadata(path("a.hcl")).expect("there").permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::symlink_metadata(path("link.hcl"))
            .expect("there")
            .is_symlink()
    );

    let (code, shown, _) = said(&run(directory.path(), &["d.tfvars", "b.hcl"], ""));
    assert_eq!((code, shown.as_str()), (0, "d.tfvars\n"));
    assert_eq!(
        said(&run(
            directory.path(),
            &["--check", "a.hcl", "b.hcl", "d.tfvars"],
            ""
        ))
        .0,
        0
    );
    assert_eq!(said(&run(directory.path(), &["nothing.hcl"], "")).0, 1);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let directory = tempfile::tempdir().expect("a directory");
    assert_eq!(
        said(&run(directory.path(), &["-"], "a=1\n")),
        (0, "a = 1\n".into(), String::new())
    );
    assert_eq!(said(&run(directory.path(), &["-", "--check"], "a = 1\n")).0, 0);
    let (code, shown, _) = said(&run(directory.path(), &["-", "--check"], "a=1\n"));
    assert_eq!(code, 3);
    assert!(shown.contains("-a=1\n+a = 1\n"), "{shown}");
    let (code, shown, errors) = said(&run(directory.path(), &["-"], "a="));
    assert_eq!((code, shown.as_str()), (1, ""));
    assert!(errors.contains("<stdin>:1"), "{errors}");
}
