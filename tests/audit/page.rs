//! The HTML page, without a browser and without a server.

use std::collections::BTreeSet;

use tenantctl::address::{Address, Grantee, TenantId};
use tenantctl::audit::{Audit, Options, RULES, Severity, audit};
use tenantctl::model::{Grant, Object, Privilege};
use tenantctl::report::html::page;

use crate::scale::{applied, desired, looked_at, row};

/// A cluster on which much is wrong: t00001 reaches t00000, PUBLIC a database, a group of ten the databases of six, one
/// tenant is a superuser, and one database could not be opened.
pub fn leaky(tenants: usize) -> Audit {
    let desired = desired(tenants);
    let (mut live, mut evidence) = applied(&desired);
    let database = |n: usize| format!("t{n:05}_db1");
    let mut grant = |database: String, grantee| {
        let address = Address::DatabaseGrant {
            database: database.into(),
            grantee,
        };
        live.world
            .insert(address, Object::Grant(Grant::by_owner(&[Privilege::Connect])));
    };
    grant(database(0), Grantee::Role("t00001".into()));
    if tenants > 100 {
        grant(database(60), Grantee::Public);
        for n in 80..86 {
            grant(database(n), Grantee::Role("reporting".into()));
        }
        let members = (0..10).map(|n| row("reporting", &format!("t{:05}", 20 + 7 * n)));
        live.memberships.extend(members);
        let address = Address::Role {
            name: "t00150".into(),
        };
        if let Some(Object::Role(role)) = live.world.get(&address) {
            let superuser = tenantctl::model::Role {
                superuser: true,
                ..role.clone()
            };
            live.world.insert(address, Object::Role(superuser));
        }
        evidence
            .unopened
            .insert(database(120).into(), "permission denied for database".into());
    }
    audit(&desired, &live, &evidence, &Options::default())
}

/// Every finding can be linked to, every link leads somewhere, and nothing is loaded.
fn assert_sound(audit: &Audit, page: &str) {
    for number in 1..=audit.findings.len() {
        assert_eq!(
            page.matches(&format!(" id=\"f{number}\"")).count(),
            1,
            "f{number}"
        );
    }
    let ids: BTreeSet<&str> = values(page, " id=\"").collect();
    for link in values(page, "href=\"") {
        let anchor = link
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("leads out: {link}"));
        assert!(ids.contains(anchor), "leads nowhere: {link}");
    }
    for outside in [
        "src=", "url(", "@import", "<script", "<link", "<iframe", "<object", "http:", "https:", "//",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; "));
}

/// What stands between a text and the next quote.
fn values<'a>(page: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

#[test]
fn a_small_page() {
    let audit = leaky(3);
    let page = page(&audit)
        .replace(env!("CARGO_PKG_VERSION"), "VERSION")
        .replace(&audit.digest.to_string(), "DIGEST");
    // What it looks like is not what this is about.
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let page = format!("{head}{rest}").replace("><", ">\n<");
    insta::assert_snapshot!(page);
}

#[test]
fn a_clean_page_of_five_hundred_tenants_is_small() {
    let audit = looked_at(500, |_, _| {});
    let page = page(&audit);
    assert_sound(&audit, &page);
    assert!(page.len() < 300 * 1024, "{} bytes", page.len());
    assert!(page.contains("No findings."), "the verdict");
    assert_eq!(page.matches("<g class=\"row\">").count(), 500);
    assert_eq!(page.matches("<g class=\"marks\">").count(), 0, "an empty map");
}

#[test]
fn a_page_of_two_hundred_tenants_shows_who_reaches_whom() {
    let audit = leaky(200);
    let page = page(&audit);
    assert_sound(&audit, &page);
    for mark in [
        "<title>t00001 → t00000: critical, ",
        "<title>every other tenant → t00060: critical, Everybody can connect",
        "<title>t00027 → t00080: critical, ",
        "<title>t00150 → t00001: critical, A tenant is a superuser",
        "<title>t00000 to t00149 (149 tenants) → t00120: medium, Something could not be looked at",
    ] {
        assert_eq!(page.matches(mark).count(), 1, "{mark}");
    }
    // The table has a row for all about whom the same was found: t00000, the group's six, t00060, t00120 and the rest.
    let (_, table) = page.split_once("<table class=\"reach\">").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<th scope=\"row\">").count(), 5, "{table}");
    assert!(
        table.contains("<code>t00080</code>, <code>t00081</code>"),
        "{table}"
    );
    assert!(!page.contains("→ t00150"), "nobody reaches the superuser");
    assert!(!page.contains("t00060 → t00060"), "nobody reaches itself");
    assert!(page.len() < 500 * 1024, "{} bytes", page.len());
}

/// A mark for each pair would be a quarter of a million.
#[test]
fn five_hundred_tenants_in_one_group_are_five_hundred_marks() {
    let grants = |of: usize| {
        looked_at(500, |desired, live| {
            for (name, _) in desired.world.databases() {
                let address = Address::DatabaseGrant {
                    database: name.to_owned(),
                    grantee: Grantee::Role("group".into()),
                };
                live.world
                    .insert(address, Object::Grant(Grant::by_owner(&[Privilege::Connect])));
            }
            let roles = desired.tenants.values().map(|tenant| &tenant.names.role);
            live.memberships
                .extend(roles.step_by(of).map(|role| row("group", role)));
        })
    };
    let all = grants(1);
    let drawn = page(&all);
    assert_sound(&all, &drawn);
    assert_eq!(drawn.matches("<title>every other tenant → ").count(), 500);
    assert!(drawn.len() < 500 * 1024, "{} bytes", drawn.len());

    // Every second of them: no two neighbours, so rows are summed up where the page would grow too large.
    let half = grants(2);
    let drawn = page(&half);
    assert_sound(&half, &drawn);
    assert!(drawn.contains("<title>many tenants → t00499: critical"));
    assert!(drawn.contains("rows are drawn as one mark each"));
    assert!(drawn.len() < 2 * 1024 * 1024, "{} bytes", drawn.len());
}

/// What names no pair and still is one: the whole world in a trust policy, and a role that rules all.
#[test]
fn whom_anybody_may_become_and_who_rules_all() {
    let reach = |rule: &str, severity, tenant: &str, reachers: &[&str]| {
        let mut audit = leaky(3);
        let finding = &mut audit.findings[0];
        finding.rule = RULES.iter().find(|of| of.id == rule).unwrap();
        finding.severity = severity;
        finding.databases.clear();
        finding.tenants = BTreeSet::from([TenantId::new(tenant)]);
        finding.reachers = reachers.iter().copied().map(TenantId::new).collect();
        let reach = audit.reach();
        let marked = |row: Vec<Option<_>>| row.iter().map(Option::is_some).collect::<Vec<_>>();
        [0, 1, 2].map(|tenant| marked(reach.row(tenant)))
    };
    let nobody = || vec![false; 3];
    let anybody = reach("trust-anybody", Severity::Critical, "t00002", &[]);
    assert_eq!(anybody, [nobody(), nobody(), vec![true, true, false]]);
    let ruler = ["t00001"];
    let everything = [vec![false, true, false], nobody(), vec![false, true, false]];
    for rule in [
        "tenant-superuser",
        "tenant-createrole",
        "tenant-replication",
        "powerful-membership",
    ] {
        assert_eq!(
            reach(rule, Severity::Critical, "t00001", &ruler),
            everything,
            "{rule}"
        );
    }
    let monitor = reach("powerful-membership", Severity::Medium, "t00001", &ruler);
    assert_eq!(monitor, [nobody(), nobody(), nobody()]);
}

#[test]
fn only_what_was_asked_is_said_to_be_only_that() {
    let desired = desired(3);
    let (live, evidence) = applied(&desired);
    let options = Options {
        only: BTreeSet::from([TenantId::new("t00002")]),
        ..Options::default()
    };
    let some = page(&audit(&desired, &live, &evidence, &options));
    assert!(
        some.contains("Only what concerns <code>t00002</code> is shown"),
        "{some}"
    );
}

/// Names are whatever somebody made them, in every place where one is shown.
#[test]
fn hostile_names_stay_text() {
    const HOSTILE: &str =
        "</style></title><script>alert(1)</script>\" onload='x' &lt; \u{202e}\u{1b}[2J\n\u{200b}<img src=x>";
    let mut audit = leaky(3);
    let tenant = TenantId::new(HOSTILE);
    audit.workspace = HOSTILE.into();
    audit.server_version = HOSTILE.into();
    audit.read_at = HOSTILE.into();
    audit.notes = vec![HOSTILE.into()];
    audit.tenants.insert(tenant.clone());
    audit.only.insert(tenant.clone());
    audit.owners.insert(HOSTILE.into(), tenant.clone());
    for finding in &mut audit.findings {
        finding.subject = HOSTILE.into();
        finding.message = HOSTILE.into();
        finding.remedy = HOSTILE.into();
        finding.path.push(HOSTILE.into());
        finding.databases.insert(HOSTILE.into());
        finding.tenants.insert(tenant.clone());
        finding.reachers.insert(tenant.clone());
    }
    let page = page(&audit);
    assert!(page.matches("&lt;script&gt;alert(1)").count() > 10, "it is shown");
    assert!(
        page.contains("\\u{202e}\\u{1b}[2J\\n\\u{200b}"),
        "and spelled out"
    );
    for raw in ["<script", "<img", "\" onload", "&lt; \u{202e}"] {
        assert!(!page.contains(raw), "{raw:?}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    let harmless = |character: char| character == '\n' || !character.is_control();
    assert!(page.chars().all(harmless));
    assert!(!page.contains(['\u{202e}', '\u{200b}']));
}
