//! Names and texts as this program writes them into statements, read back by the server.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenantctl::model::quote::{quote_identifier, quote_literal};
use tenantctl_testbed::Postgres;

use super::on_both_ends;

on_both_ends!(
    names_are_read_as_they_were_meant,
    texts_are_read_as_they_were_meant,
    objects_get_the_names_that_were_meant
);

/// The longest name that Postgres keeps whole, in bytes.
const NAME_BYTES: usize = 63;
const CASES: usize = 2000;

/// What once broke somebody's quoting, and every word that the server's grammar knows.
const NASTY: [&str; 25] = [
    "\"", "\"\"", "'", "''", "\\", "\\'", "\\\"", "$$", "$a$", "--", "/*", "*/", ";", "\n", "\r\n", "\t",
    "E'", "U&", "%s", "%I", "public", "PUBLIC", "Größe", "🦀", "\u{202e}",
];

fn texts(longest: usize) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => prop::sample::select(NASTY.as_slice()).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9_ ]{1,4}",
        // Any character but NUL, which no text of Postgres holds.
        2 => any::<char>().prop_filter("NUL", |character| *character != '\0').prop_map(String::from),
        1 => "[\u{1}-\u{7f}]{1,3}",
    ];
    prop::collection::vec(part, 1..12).prop_map(move |parts| {
        let mut text = parts.concat();
        while text.len() > longest {
            text.pop();
        }
        text
    })
}

/// Cases from a fixed seed: the same in every run, shrunk by hand if one fails.
fn cases(strategy: &impl Strategy<Value = String>) -> Vec<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..CASES)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn names(server: &Postgres) -> Vec<String> {
    let words = server.sql("postgres", "SELECT word FROM pg_get_keywords() ORDER BY word");
    let words = words.unwrap().into_iter().map(|mut row| row.remove(0).unwrap());
    let mut all: Vec<String> = words.collect();
    assert!(all.len() > 400, "{}", all.len());
    let upper: Vec<String> = all.iter().map(|word| word.to_uppercase()).collect();
    all.extend(upper);
    all.push("é".repeat(NAME_BYTES / 2) + "x");
    all.push("\"".repeat(NAME_BYTES));
    all.extend(cases(&texts(NAME_BYTES)));
    all.retain(|name| !name.is_empty());
    all
}

/// Bytes as a literal without any quoting to get wrong.
fn plain(text: &str) -> String {
    let mut hex = String::new();
    for byte in text.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")
}

/// One row for each case: the first column is what the server made of it.
fn column(server: &Postgres, statements: &str) -> Vec<String> {
    let rows = server.sql("postgres", statements);
    let rows = rows.unwrap_or_else(|error| panic!("{error}"));
    rows.into_iter().map(|mut row| row.remove(0).unwrap()).collect()
}

fn names_are_read_as_they_were_meant(major: u16) {
    let server = Postgres::start(major).unwrap();
    let names = names(&server);
    // parse_ident() splits a qualified name as the grammar does.
    let rows = names.iter().map(|name| {
        let quoted = plain(&quote_identifier(name));
        format!("({quoted}, {})", plain(name))
    });
    let values = rows.collect::<Vec<_>>().join(", ");
    let query = format!(
        "SELECT (parse_ident(ours) = ARRAY[name])::text || ' ' || (quote_ident(name) IN (ours, name))::text
         FROM (VALUES {values}) v (ours, name)"
    );
    let read = column(&server, &query);
    assert_eq!(read.len(), names.len());
    for (name, read) in names.iter().zip(read) {
        // Where the server quotes at all, it quotes as we do.
        assert_eq!(read, "true true", "{name:?}");
    }
}

fn objects_get_the_names_that_were_meant(major: u16) {
    let server = Postgres::start(major).unwrap();
    let mut names = names(&server);
    names.sort();
    names.dedup();
    let mut names_found = Vec::new();
    // Columns of tables: the grammar itself reads the name, and the catalog says which it read.
    for (table, chunk) in names.chunks(500).enumerate() {
        let columns = chunk.iter().map(|name| format!("{} int", quote_identifier(name)));
        let columns: Vec<String> = columns.collect();
        let create = format!("CREATE TABLE t{table} ({})", columns.join(", "));
        let look = format!(
            "SELECT attname FROM pg_attribute WHERE attrelid = 't{table}'::regclass AND attnum > 0 ORDER BY attnum"
        );
        names_found.extend(column(&server, &format!("{create}; {look}")));
    }
    let system = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];
    assert!(names.iter().all(|name| !system.contains(&name.as_str())));
    assert_eq!(names_found, names);

    // Roles, schemas and databases, which this program makes, for the nastiest.
    let nasty: Vec<&String> = names
        .iter()
        .filter(|name| name.contains(['"', '\'', '\\', '\n']))
        .take(20)
        .collect();
    for name in &nasty {
        let quoted = quote_identifier(name);
        let make = format!("CREATE ROLE {quoted}; CREATE SCHEMA {quoted} AUTHORIZATION {quoted}");
        server
            .sql("postgres", &make)
            .unwrap_or_else(|error| panic!("{error}: {make}"));
        let look = format!(
            "SELECT r.rolname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner AND r.rolname = n.nspname
             WHERE nspname = {}",
            quote_literal(name)
        );
        assert_eq!(column(&server, &look), [name.as_str()]);
    }
    let name = "a\"b'c\\d\n🦀;--";
    server
        .sql("postgres", &format!("CREATE DATABASE {}", quote_identifier(name)))
        .unwrap();
    assert_eq!(
        column(&server, "SELECT datname FROM pg_database WHERE datname LIKE 'a%'"),
        [name]
    );
}

fn texts_are_read_as_they_were_meant(major: u16) {
    let server = Postgres::start(major).unwrap();
    let mut all = cases(&texts(400));
    all.extend(NASTY.map(str::to_owned));
    all.push(String::new());
    all.push("\\".repeat(1000) + "'");
    for conforming in ["on", "off"] {
        let rows = all
            .iter()
            .map(|text| format!("({}, {})", quote_literal(text), plain(text)));
        let values = rows.collect::<Vec<_>>().join(", ");
        let query = format!(
            "SELECT (ours = text)::text || ' ' || encode(convert_to(ours, 'UTF8'), 'hex') || ' ' || quote_literal(text)
             FROM (VALUES {values}) v (ours, text)"
        );
        // The setting counts from the next message on: not in the text that sets it.
        let role = format!("conforming_{conforming}");
        let make = format!(
            "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'x';
             ALTER ROLE {role} SET standard_conforming_strings = {conforming};
             ALTER ROLE {role} SET escape_string_warning = on; ALTER ROLE {role} SET backslash_quote = off"
        );
        server.sql("postgres", &make).unwrap();
        let rows = server.sql_as(
            &role,
            "x",
            "postgres",
            &format!("SHOW standard_conforming_strings; {query}"),
        );
        let mut rows = rows.unwrap_or_else(|error| panic!("{error}")).into_iter();
        assert_eq!(rows.next().unwrap()[0].as_deref(), Some(conforming));
        let rows: Vec<_> = rows.collect();
        assert_eq!(rows.len(), all.len());
        for (text, row) in all.iter().zip(rows) {
            let mut words = row[0].as_deref().unwrap().splitn(3, ' ');
            assert_eq!(words.next(), Some("true"), "{text:?} with {conforming}");
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(words.next(), Some(hex.as_str()), "{text:?} with {conforming}");
            // The server writes the same, with a blank before the E of one with a backslash since ever.
            assert_eq!(
                words.next().map(str::trim_start),
                Some(quote_literal(text).as_str())
            );
        }
    }
}
