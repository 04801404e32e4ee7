//! Plans as comments: never longer than a comment may be, and no name in one means anything.

use std::fmt::Write as _;

use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use tenantctl::address::{Address, TenantId};
use tenantctl::diff::{HeldKind, Warning};
use tenantctl::plan::{ActionWord, Details, Guard, HeldObject, Plan, PlannedChange, Summary};
use tenantctl::report::markdown::{COMMENT_LIMIT, RESERVED, plan as markdown};

use crate::world::{Small, TWO};

/// What GitHub makes of it, near enough: the text outside code and HTML, and the folded sections.
struct Rendered {
    text: String,
    html: String,
    kinds: Vec<String>,
}

fn render(comment: &str) -> Rendered {
    let mut rendered = Rendered {
        text: String::new(),
        html: String::new(),
        kinds: Vec::new(),
    };
    let mut in_code = false;
    for event in Parser::new_ext(comment, Options::ENABLE_TABLES | Options::ENABLE_GFM) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if !in_code => rendered.text.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => rendered.html.push_str(&html),
            Event::Start(tag) => {
                let name = format!("{tag:?}");
                let name = name
                    .split(|c: char| !c.is_alphanumeric())
                    .next()
                    .unwrap_or_default();
                rendered.kinds.push(name.to_owned());
            }
            _ => {}
        }
    }
    rendered
}

/// Holds for every comment: the length, and that nothing but our own words stands outside of code.
fn assert_harmless(comment: &str) {
    assert!(
        comment.len() <= COMMENT_LIMIT - RESERVED,
        "{} bytes",
        comment.len()
    );
    let Rendered { text, html, kinds } = render(comment);
    for forbidden in ["Link", "Image", "Emphasis", "BlockQuote"] {
        assert!(
            !kinds.iter().any(|kind| kind == forbidden),
            "{forbidden} in {comment}"
        );
    }
    let ours = |c: char| c.is_ascii_alphanumeric() || " .,:;'()-\n".contains(c);
    assert!(text.chars().all(ours), "{text:?} in {comment}");
    assert_eq!(
        html.matches("<details>").count(),
        html.matches("</details>").count(),
        "{html}"
    );
    // Whatever HTML there is has our form: nothing but these tags, and names as code.
    for line in html.lines() {
        let inner = line
            .strip_prefix("<details><summary>")
            .and_then(|rest| rest.strip_suffix("</summary>"));
        let Some(inner) = inner else {
            assert!(matches!(line, "" | "</details>"), "{line:?} in {comment}");
            continue;
        };
        let name = inner
            .strip_prefix("<code>")
            .and_then(|rest| rest.strip_suffix("</code>"));
        assert!(!name.unwrap_or(inner).contains(['<', '>']), "{line:?}");
        assert!(
            name.is_some() || inner.ends_with("warnings") || inner == "1 warning",
            "{line:?}"
        );
    }
}

fn sections(comment: &str) -> usize {
    comment.matches("<details><summary><code>").count()
}

fn rows(comment: &str) -> usize {
    comment.lines().filter(|line| line.starts_with("| `")).count()
}

fn many(count: usize) -> String {
    let mut file = String::new();
    for number in 0..count {
        let _ = writeln!(
            file,
            "tenant \"client{number:04}\" {{\n databases = [\"db1\"]\n allowed_ips = [\"203.0.113.7/32\"]\n}}"
        );
    }
    file
}

#[test]
fn a_small_comment_holds_everything() {
    let file = TWO.replace("203.0.113.8/32", "203.0.113.9/32");
    let plan = Small::applied(TWO).asks(&file).plan();
    let comment = markdown(&plan, &[]);
    assert_harmless(&comment);
    insta::assert_snapshot!(comment);
}

#[test]
fn a_thousand_new_tenants_fit() {
    let plan = Small::untouched(&many(1_000)).plan();
    let comment = markdown(&plan, &[]);
    assert_harmless(&comment);
    assert_eq!(rows(&comment), 1_000);
    let shown = sections(&comment);
    assert!(shown > 5, "{shown}");
    let said = format!(
        "{} of 1,000 tenants have no section; SQL and API calls are not shown",
        1_001 - shown
    );
    assert!(comment.contains(&said), "{}", &comment[comment.len() - 400..]);
}

/// Who loses something comes before who gets something, wherever they stand in the alphabet.
#[test]
fn what_is_left_out_is_the_least_important() {
    let before =
        many(1_000) + "tenant \"zulu\" {\n databases = [\"db1\"]\n allowed_ips = [\"203.0.113.7/32\"]\n}\n";
    let after = many(1_000).replace("203.0.113.7/32", "203.0.113.8/32");
    let plan = Small::applied(&before).asks(&after).plan();
    let comment = markdown(&plan, &[]);
    assert_harmless(&comment);
    let first = comment.lines().find(|line| line.starts_with("| `"));
    assert!(first.is_some_and(|row| row.starts_with("| `zulu`")), "{first:?}");
    let section = comment.find("<code>zulu can no longer log in; zulu_db1 retained</code>");
    assert!(section < comment.find("<code>client0000"), "{comment}");
    assert!(section.is_some());
    assert!(comment.contains(" of 1,001 tenants have no section"), "{comment}");
}

/// A refused plan says so first, however many it is about.
#[test]
fn a_guard_that_names_everybody_is_cut() {
    let plan = Small::applied(&many(1_000))
        .asks("tenant \"other\" {\n databases = []\n rds_iam_auth = false\n}")
        .plan();
    let comment = markdown(&plan, &[]);
    assert_harmless(&comment);
    assert!(
        comment.contains("**Refused:** apply will not run this plan.\n\n- `1000 of 1000 tenants"),
        "{comment}"
    );
    assert!(comment.contains("(cut: see the job's log)"), "{comment}");
}

/// Pieces that mean something to Markdown, HTML, GitHub or GitLab.
const PIECES: &[&str] = &[
    "`",
    "```",
    "~~~",
    "|",
    "\\",
    "\\|",
    "<",
    "</details>",
    "<script>",
    "<!-- tenantctl:prod -->",
    "-->",
    "@everyone",
    "#1",
    "!1",
    "https://evil.example",
    "www.evil.example",
    "a@evil.example",
    "[x](javascript:0)",
    "![x](y)",
    "**",
    "__",
    "*a*",
    "&lt;",
    "&#64;",
    "\n",
    "\n\n",
    "\r",
    "\t",
    " ",
    "    ",
    "- ",
    "> ",
    "# ",
    "1. ",
    "/close",
    "\u{202e}",
    "\u{0}",
    "ä",
    "\u{1f600}",
    "client01",
    "db1",
    "---",
    "===",
    "$x$",
];

fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

fn change() -> impl Strategy<Value = PlannedChange> {
    let action = prop::sample::select(
        &[
            ActionWord::Create,
            ActionWord::Update,
            ActionWord::Delete,
            ActionWord::Adopt,
        ][..],
    );
    (
        hostile(),
        prop::option::of(hostile()),
        action,
        prop::option::of(hostile()),
    )
        .prop_map(|(name, tenant, action, reason)| PlannedChange {
            address: Address::Role { name: name.into() }.into(),
            tenant: tenant.map(TenantId::new),
            action,
            steps: Vec::new().into(),
            told: Details {
                reason,
                ..Details::default()
            }
            .into(),
        })
}

fn held() -> impl Strategy<Value = HeldObject> {
    let kind = prop::sample::select(
        &[
            HeldKind::NotOurs,
            HeldKind::Retained,
            HeldKind::Gap,
            HeldKind::NotAllowed,
            HeldKind::Waits,
            HeldKind::Mode,
        ][..],
    );
    (hostile(), prop::option::of(hostile()), kind, hostile()).prop_map(|(name, tenant, kind, because)| {
        HeldObject {
            address: Address::Database { name: name.into() },
            tenant: tenant.map(TenantId::new),
            kind,
            because,
        }
    })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let messages = || prop::collection::vec((hostile(), 0..200_usize), 0..40);
    (
        prop::collection::vec(change(), 0..40),
        prop::collection::vec(held(), 0..20),
        messages(),
        messages(),
        prop::collection::vec(hostile(), 0..40),
        1..2_000_usize,
    )
        .prop_map(|(changes, held, guards, warnings, effects, times)| {
            let mut plan = Small::applied(TWO).plan();
            let long = |(message, times): (String, usize)| message.repeat(times);
            plan.guards = guards
                .into_iter()
                .map(|m| Guard {
                    code: "c".into(),
                    message: long(m),
                })
                .collect();
            plan.warnings = warnings
                .into_iter()
                .map(|m| Warning {
                    code: "c".into(),
                    message: long(m),
                })
                .collect();
            let tenants: Vec<_> = changes
                .iter()
                .filter_map(|change| change.tenant.clone())
                .collect();
            let effects = effects.into_iter().map(|effect| effect.repeat(1 + times % 50));
            plan.effects = tenants.into_iter().zip(effects).collect();
            // Many of the same kind, each under a name of its own.
            plan.changes = (0..times)
                .flat_map(|turn| changes.iter().map(move |change| (turn, change)))
                .take(3_000)
                .map(|(turn, change)| {
                    let mut change = change.clone();
                    if turn > 0 {
                        change.tenant = change
                            .tenant
                            .map(|tenant| TenantId::new(format!("{tenant}{turn}")));
                    }
                    change
                })
                .collect();
            plan.summary = Summary {
                add: plan.changes.len(),
                change: 0,
                destroy: 0,
            };
            plan.held = held;
            plan
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_breaks_out_of_its_comment(plan in any_plan()) {
        assert_harmless(&markdown(&plan, &[]));
    }
}
