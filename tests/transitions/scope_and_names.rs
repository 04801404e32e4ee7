//! `--tenant`, and names that were made to deceive.

use tenantctl::model::{Object, Privilege};
use tenantctl::report::printable;

use crate::world::{ADMIN, ONE, Small, TWO, add_database, database_grant, foreign_role, grant, role, to};

#[test]
fn confined_to_one_tenant() {
    let file = TWO.replace("203.0.113.8/32", "203.0.113.9/32").replace(
        "rds_iam_auth = false",
        "rds_iam_auth = false\n  connection_limit = 3",
    );
    let text = Small::applied(TWO).asks(&file).only("client02").shown();
    assert!(!text.contains("client01"), "{text}");
    insta::assert_snapshot!(text);
}

/// Warnings of other tenants are not said either.
#[test]
fn confined_to_one_tenant_in_its_warnings_too() {
    let small = Small::applied(TWO).only("client02").edit(|live| {
        live.locales.insert("client01_db1".into(), "SQL_ASCII C/C".into());
        grant(
            live,
            database_grant("client01_db1", to("reporting")),
            &[Privilege::Connect],
        );
    });
    let text = small.shown();
    assert!(!text.contains("client01"), "{text}");
}

#[test]
fn leaving_while_confined_to_another() {
    let plan = Small::applied(TWO).asks(ONE).only("client01").shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}

/// A newline, an escape, a right-to-left override, a quote, an emoji, and a made-up line of a plan.
#[test]
fn names_made_to_deceive() {
    let names = [
        "a\nNo changes.",
        "b\u{1b}[2J",
        "c\u{202e}dcba",
        "d\"; DROP TABLE x; --",
        "e\u{1f980}",
        "f'\\g",
        "h\u{2028}i\u{200b}j\u{feff}k\u{61c}l",
    ];
    let small = Small::applied(ONE).edit(|live| {
        for name in names {
            live.world.insert(role(name), Object::Role(foreign_role(true)));
            add_database(live, name, ADMIN);
            grant(
                live,
                database_grant("client01_db1", to(name)),
                &[Privilege::Connect],
            );
        }
    });
    let text = small.shown();
    let control = |c: char| c != '\n' && (c.is_control() || printable(&c.to_string()) != c.to_string());
    assert!(!text.contains(control), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_invisible_is_printed() {
    let invisible = [
        '\0',
        '\n',
        '\r',
        '\t',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{206f}',
        '\u{feff}',
        '\u{fff9}',
        '\u{e0041}',
    ];
    for character in invisible {
        let text = printable(&format!("a{character}b"));
        assert!(!text.contains(character), "{}", character.escape_unicode());
    }
    assert_eq!(printable("Größe 🦀 数据"), "Größe 🦀 数据");
}
