//! `audit --probe` of tenants with a password: by logins that stand in for them, of which none stays.

use crate::leaks::TENANTS;
use crate::probe::{Prober, ended, found, left, numbers, signal};
use crate::site::Site;

/// The second logs in by password.
fn site(major: u16) -> (Site, Prober) {
    let site = Site::with(
        major,
        &TENANTS.replacen(
            "tenant \"client02\" {",
            "tenant \"client02\" {\n  rds_iam_auth = false",
            1,
        ),
    );
    let prober = Prober::new(&site);
    (site, prober)
}

fn logins(site: &Site) -> Vec<Vec<String>> {
    site.sql(
        "postgres",
        "SELECT rolname FROM pg_roles WHERE rolname ~ '^tenantctl_probe_'",
    )
}

#[test]
fn a_tenant_with_a_password_is_really_tried_on_15() {
    really_tried(15);
}

#[test]
fn a_tenant_with_a_password_is_really_tried_on_18() {
    really_tried(18);
}

fn really_tried(major: u16) {
    let (site, prober) = site(major);
    let before = left(&site);
    let run = prober.run(&site, &[]);
    assert!(run.stderr.contains("logins that stand in for 1 tenant"), "{run}");
    let counts = [
        "pairs",
        "tried",
        "own_entered",
        "foreign_refused",
        "tenants",
        "tenants_not_probed",
        "disagreements",
    ];
    let (code, document) = prober.json(&site, &["--fail-on", "medium"]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(
        numbers(&document, &counts),
        [10, 10, 3, 7, 2, 0, 0],
        "{document:#}"
    );
    assert_eq!(left(&site), before, "nothing is left behind");

    // What the tenant was granted, the stand-in has; what it cannot use, it cannot either.
    site.master("postgres", "GRANT CONNECT ON DATABASE client01_db1 TO client02");
    let (code, document) = prober.json(&site, &[]);
    let path = "client02 -> CONNECT on client01_db1 (granted by postgres_master)";
    let expected = ["probe-entered", "database.client01_db1", path].map(str::to_owned);
    assert!(found(&document).contains(&expected), "{document:#}");
    assert_eq!(
        (code, numbers(&document, &["foreign_entered", "disagreements"])),
        (2, vec![1, 0])
    );
    site.master(
        "postgres",
        "REVOKE CONNECT ON DATABASE client01_db1 FROM client02",
    );
    assert_eq!(left(&site), before);

    // A superuser's rights are not inherited: what a stand-in would show would be another's.
    site.sql("postgres", "ALTER ROLE client02 SUPERUSER");
    let (_, document) = prober.json(&site, &[]);
    assert_eq!(
        numbers(&document, &["tried", "tenants_not_probed", "disagreements"]),
        [5, 1, 0],
        "{document:#}"
    );
}

#[test]
fn where_no_stand_in_can_be_made_nothing_is_proved() {
    let (site, prober) = site(18);
    // Made by somebody else: from 16 on, the admin may not make members of it.
    site.sql("postgres", "REVOKE client02 FROM postgres_master");
    let (code, document) = prober.json(&site, &[]);
    assert_eq!(code, 2);
    let finding = (document["findings"].as_array().unwrap().iter())
        .find(|finding| finding["rule"] == "not-proved")
        .unwrap_or_else(|| panic!("{document:#}"));
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.contains("client02") && message.contains("permission denied to grant role"),
        "{message}"
    );
    assert_eq!(
        numbers(&document, &["tried", "tenants_not_probed"]),
        [5, 1],
        "{document:#}"
    );
    assert_eq!(logins(&site), [[""; 0]; 0]);
}

#[test]
fn no_login_stays_whatever_happens() {
    let (site, prober) = site(15);
    let before = left(&site);
    let wait_for_one = || crate::site::wait_until("there is a stand-in", || !logins(&site).is_empty());

    let child = prober.spawn(&site);
    wait_for_one();
    signal(&child, "INT");
    let (_, document) = ended(child);
    assert_eq!(document["probe"]["stopped"], true);
    assert_eq!(left(&site), before, "stopped");

    // A few attempts take milliseconds: the server does not always crash before the last of them.
    let crashed_meanwhile = (0..20).any(|_| {
        let child = prober.spawn(&site);
        wait_for_one();
        site.world.postgres.crash_and_restart().unwrap();
        let (code, _) = ended(child);
        assert_eq!(left(&site), before, "restarted");
        assert!([0, 2].contains(&code), "{code}");
        code == 2
    });
    assert!(crashed_meanwhile, "attempts during the restart showed nothing");

    // Killed, it leaves one, which says what it is and is found, and which the next probe drops once nobody can use it.
    let mut child = prober.spawn(&site);
    wait_for_one();
    signal(&child, "KILL");
    child.wait().unwrap();
    let there = logins(&site);
    let expires = site.value(
        "postgres",
        "SELECT rolvaliduntil BETWEEN now() AND now() + interval '15 minutes' FROM pg_roles \
         WHERE rolname ~ '^tenantctl_probe_'",
    );
    assert_eq!(expires, "t");
    let run = site.run(&["audit"]);
    assert_eq!(run.code, 2, "{run}");
    let name = &there[0][0];
    assert!(
        run.stdout.contains("probe-login-left") && run.stdout.contains(&format!("DROP ROLE \"{name}\"")),
        "{run}"
    );
    // It may belong to a probe that is under way.
    prober.run(&site, &[]);
    assert_eq!(logins(&site), there);
    site.sql("postgres", &format!("ALTER ROLE {name} VALID UNTIL '2001-01-01'"));
    let run = prober.run(&site, &[]);
    assert!(run.stderr.contains(&format!("left behind: {name}")), "{run}");
    assert_eq!(left(&site), before, "killed");

    // Somebody else's role that looks like one stays.
    site.sql(
        "postgres",
        "CREATE ROLE tenantctl_probe_mine LOGIN VALID UNTIL '2001-01-01'",
    );
    prober.run(&site, &[]);
    assert_eq!(logins(&site), [["tenantctl_probe_mine"]]);
}
