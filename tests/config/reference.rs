//! The reference in docs/tenants-file.md comes from the decoder's table, and what the table says is so.
//!
//! After a change to the table: `UPDATE_DOCS=1 cargo test --test config reference`.

use std::fmt::Write as _;
use std::fs;

use tenantctl::config::table::{self, Argument, Block, Form};
use tenantctl::config::{self, FunctionReference};

use crate::{load, report};

const PAGE: &str = "docs/tenants-file.md";

fn arguments(block: &Block) -> String {
    let mut text = "| argument | default | meaning |\n|---|---|---|\n".to_owned();
    for Argument {
        name,
        default,
        meaning,
        ..
    } in block.arguments
    {
        let default = default.unwrap_or("required");
        let _ = writeln!(text, "| `{name}` | {default} | {meaning} |");
    }
    text
}

fn functions() -> String {
    let mut text = String::new();
    let mut group = "";
    for FunctionReference {
        group: of,
        signature,
        meaning,
        ..
    } in config::functions()
    {
        if of != group {
            let _ = writeln!(text, "\n#### {of}\n\n| function | result |\n|---|---|");
            group = of;
        }
        let _ = writeln!(text, "| `{signature}` | {meaning} |");
    }
    text + "\n"
}

/// The page with everything between its markers made anew.
fn current(page: &str) -> String {
    const END: &str = "<!-- end -->\n";
    let mut sections: Vec<(String, String)> = [
        &table::TENANTCTL,
        &table::CLUSTER,
        &table::ADMIN,
        &table::TENANT,
        &table::FOR_EACH,
        &table::HANDOVER,
        &table::NAMING,
        &table::VARIABLE,
    ]
    .into_iter()
    .map(|block| (format!("table of {}", block.name), arguments(block)))
    .collect();
    sections.push(("functions".to_owned(), functions()));
    let mut page = page.to_owned();
    for (name, text) in sections {
        let begin = format!("<!-- generated: {name} -->\n");
        let Some((before, rest)) = page.split_once(&begin) else {
            panic!("{PAGE} has no marker {begin}");
        };
        let (_, behind) = rest.split_once(END).expect("every marker has its end");
        page = format!("{before}{begin}{text}{END}{behind}");
    }
    page
}

#[test]
fn the_page_is_current() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let current = current(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, current).expect("written");
    } else {
        assert!(
            page == current,
            "{PAGE} is not what the code says. Run: UPDATE_DOCS=1 cargo test --test config reference"
        );
    }
}

/// A file in which a block has this argument alone.
fn file(block: &Block, argument: &str, value: &str) -> String {
    let line = format!("{argument} = {value}");
    match block.name {
        "tenantctl" | "defaults" => format!("{} {{\n  {line}\n}}\n", block.name),
        "naming" if argument == "role" => format!("naming {{\n  {line}\n}}\n"),
        "naming" => format!("naming {{\n  {line}\n}}\n"),
        "cluster" if argument == "identifier" => format!("cluster \"main\" {{\n  {line}\n}}\n"),
        "cluster" => format!("cluster \"main\" {{\n  identifier = \"x\"\n  {line}\n}}\n"),
        "admin" => format!("cluster \"main\" {{\n  identifier = \"x\"\n  admin {{\n    {line}\n  }}\n}}\n"),
        "handover" => {
            format!("tenant \"a\" {{\n  rds_iam_auth = false\n  handover {{\n    {line}\n  }}\n}}\n")
        }
        "for_each" if argument == "name" => {
            format!("tenant \"a\" {{\n  for_each = toset([\"x\"])\n  {line}\n}}\n")
        }
        "moved" if argument == "from" => format!("moved {{\n  {line}\n  to = \"tenant.b\"\n}}\n"),
        "moved" => format!("moved {{\n  from = \"tenant.b\"\n  {line}\n}}\n"),
        "variable" if argument == "type" => format!("variable \"x\" {{\n  default = []\n  {line}\n}}\n"),
        "variable" => format!("variable \"x\" {{\n  default = \"\"\n  {line}\n}}\n")
            .replace("  default = \"\"\n  default", "  default"),
        _ => format!("tenant \"a\" {{\n  {line}\n}}\n"),
    }
}

/// Every name in the table is taken by the decoder, with the example as its value; no other value of a word is.
#[test]
fn the_decoder_takes_what_the_table_says() {
    let blocks = table::BLOCKS
        .into_iter()
        .chain([&table::ADMIN, &table::HANDOVER, &table::FOR_EACH]);
    for block in blocks {
        for argument in block.arguments {
            let loaded = load(&file(block, argument.name, argument.example));
            assert!(
                loaded.config().is_some(),
                "{} of {}: {}",
                argument.name,
                block.name,
                report(&loaded)
            );
            let Form::Words(words) = argument.form else {
                continue;
            };
            for word in words {
                let text = report(&load(&file(block, argument.name, &format!("\"{word}\""))));
                assert!(!text.contains("unknown_value"), "{word}: {text}");
            }
            let text = report(&load(&file(block, argument.name, "\"no such word\"")));
            assert!(text.contains("unknown_value"), "{}: {text}", argument.name);
            for word in words {
                assert!(text.contains(&format!("\"{word}\"")), "{word}: {text}");
            }
        }
    }
}

/// No function is without an example in the tests.
#[test]
fn every_function_is_tried() {
    let tests = include_str!("functions.rs");
    for function in config::functions() {
        let call = format!("{}(", function.name);
        assert!(tests.contains(&call), "no test calls {call})");
    }
}
