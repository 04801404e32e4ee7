//! Random grants, owners and memberships among tenants, half of which log in by password: every pair really tried, and held against the static proof and
//! what the server says of itself.

use std::fmt::Write as _;

use serde_json::Value;

use crate::probe::{Prober, numbers};
use crate::site::Site;

#[test]
fn the_server_agrees_on_random_clusters_on_15() {
    agrees(15);
}

#[test]
fn the_server_agrees_on_random_clusters_on_18() {
    agrees(18);
}

const RANDOM_TENANTS: usize = 6;
const CLUSTERS: u64 = 8;

fn agrees(major: u16) {
    let mut file =
        "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n".to_owned();
    for n in 0..RANDOM_TENANTS {
        let by_token = n % 2 == 0;
        let _ = writeln!(file, "tenant \"t{n}\" {{\n  rds_iam_auth = {by_token}\n}}");
    }
    let site = Site::with(major, &file);
    let prober = Prober::new(&site);
    let run = |statements: String| {
        for statement in statements.lines() {
            site.sql("postgres", statement);
        }
    };
    let (mut entered, mut refused) = (0, 0);
    for seed in 1..=CLUSTERS {
        run(reset());
        run(random(major, seed));
        let (_, document) = prober.json(&site, &["--shallow", "--probe-rate", "1000"]);
        let pairs = u64::try_from(RANDOM_TENANTS * (RANDOM_TENANTS + 2)).unwrap();
        let counts = numbers(&document, &["pairs", "tried", "unclear", "disagreements"]);
        assert_eq!(
            counts,
            [pairs, pairs, 0, 0],
            "seed {seed}\n{}\n{document:#}",
            random(major, seed)
        );
        let says = site.sql(
            "postgres",
            "SELECT datname, rolname FROM pg_database, pg_roles WHERE rolname ~ '^t[0-9]$' AND datallowconn \
             AND datname <> rolname || '_db1' AND has_database_privilege(rolname, datname, 'CONNECT') ORDER BY 1, 2",
        );
        let ours: Vec<Vec<String>> = (document["findings"].as_array().unwrap().iter())
            .filter(|finding| finding["rule"] == "probe-entered")
            .flat_map(|finding| {
                let reachers = finding["reachers"].as_array().unwrap().iter();
                let pair = |reacher: &Value| {
                    [&finding["database"], reacher].map(|it| it.as_str().unwrap().to_owned())
                };
                reachers.map(|reacher| pair(reacher).to_vec()).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            sorted(ours),
            sorted(says.clone()),
            "seed {seed}\n{}",
            random(major, seed)
        );
        let own = numbers(&document, &["own_entered", "own_refused"]);
        entered += says.len();
        refused += usize::try_from(pairs - own[0]).unwrap() - says.len();
    }
    assert!(
        entered > 40 && refused > 40,
        "{entered} entered, {refused} refused"
    );
}

fn sorted(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort();
    rows
}

/// Grants, owners and memberships among tenants.
fn random(major: u16, seed: u64) -> String {
    let mut state = seed * 7_919;
    let mut chance = |percent: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 100 < percent
    };
    let mut sql = String::new();
    for n in 0..RANDOM_TENANTS {
        if major < 16 && chance(30) {
            let _ = writeln!(sql, "ALTER ROLE t{n} NOINHERIT");
        }
        if chance(8) {
            let _ = writeln!(sql, "GRANT CONNECT ON DATABASE t{n}_db1 TO PUBLIC");
        }
        if chance(10) {
            let _ = writeln!(sql, "REVOKE CONNECT ON DATABASE t{n}_db1 FROM t{n}");
        }
        for other in 0..RANDOM_TENANTS {
            if other != n && chance(10) {
                let _ = writeln!(sql, "GRANT CONNECT ON DATABASE t{n}_db1 TO t{other}");
            }
            if chance(5) {
                let _ = writeln!(sql, "ALTER DATABASE t{n}_db1 OWNER TO t{other}");
            }
            // Only towards greater numbers: Postgres refuses circles.
            // The test bed rejects the password of whoever is any kind of member of rds_iam, which RDS does not from 16 on.
            let rejected = major >= 16 && n % 2 == 1 && other % 2 == 0;
            if other > n && chance(20) && !rejected {
                let (admin, inherit, set) = (chance(20), chance(60), chance(70));
                let options = match (major >= 16, admin) {
                    (true, _) => format!(" WITH ADMIN {admin}, INHERIT {inherit}, SET {set}"),
                    (false, true) => " WITH ADMIN OPTION".to_owned(),
                    (false, false) => String::new(),
                };
                let _ = writeln!(sql, "GRANT t{other} TO t{n}{options}");
            }
        }
    }
    sql
}

fn reset() -> String {
    let mut sql = String::new();
    for n in 0..RANDOM_TENANTS {
        let _ = writeln!(sql, "ALTER ROLE t{n} INHERIT");
        let _ = writeln!(sql, "ALTER DATABASE t{n}_db1 OWNER TO postgres_master");
        let _ = writeln!(sql, "REVOKE ALL ON DATABASE t{n}_db1 FROM PUBLIC CASCADE");
        for other in 0..RANDOM_TENANTS {
            let _ = writeln!(sql, "REVOKE ALL ON DATABASE t{n}_db1 FROM t{other} CASCADE");
            if other > n {
                let _ = writeln!(sql, "REVOKE t{other} FROM t{n} CASCADE");
            }
        }
        let _ = writeln!(sql, "GRANT CONNECT, TEMPORARY ON DATABASE t{n}_db1 TO t{n}");
    }
    sql
}
