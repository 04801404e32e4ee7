//! Databases that a DROP left half-way, and databases that somebody is in.

use super::super::site::{Site, changes, held};
use super::super::state_of;
use super::super::trials::{Scenario, Trials};
use super::colleague::Colleague;
use super::{APPLY, one, settled, whole};

pub const INVALID: Scenario = Scenario {
    name: "a database left invalid by a DROP",
    run: invalid,
};
pub const IN_USE: Scenario = Scenario {
    name: "sessions in template1 and in what is dropped",
    run: in_use,
};

const OTHER: &str = "tenant \"other\" {\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}\n";
const DELETE: &str = "deletion_policy = \"delete\"";
const INTERRUPTED: &str = "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'client01_db1'";

fn is_there(site: &Site) -> bool {
    let count = "SELECT count(*) FROM pg_database WHERE datname = 'client01_db1'";
    site.value("postgres", count) == "1"
}

fn invalid(trials: &mut Trials) {
    let site = Site::start(trials.major);
    trials.trial("its tenant stays", || {
        site.settle(&one(""));
        site.sql("postgres", INTERRUPTED);
        for _ in 0..2 {
            let plan = site.plan_json();
            let because = held(&plan, "database.client01_db1");
            assert!(because.contains("Run DROP DATABASE"), "{plan:#}");
            assert_eq!(changes(&plan), [""; 0], "{plan:#}");
            site.run(&APPLY).ok();
            let still = "SELECT datconnlimit FROM pg_database WHERE datname = 'client01_db1'";
            assert_eq!(
                site.value("postgres", still),
                "-2",
                "neither dropped nor made anew"
            );
        }
        // What the reason says helps.
        site.master("postgres", "DROP DATABASE client01_db1");
        settled(&site);
        assert!(is_there(&site));
        assert!(state_of::databases(&site).contains(&"client01_db1".to_owned()));
    });
    trials.trial("its tenant leaves, and its data with it", || {
        site.settle(&one(DELETE));
        site.sql("postgres", INTERRUPTED);
        site.settle("");
        assert!(!is_there(&site));
        assert_eq!(
            site.value(
                "postgres",
                "SELECT count(*) FROM pg_roles WHERE rolname = 'client01'"
            ),
            "0"
        );
        whole(&site);
    });
}

fn in_use(trials: &mut Trials) {
    let site = Site::start(trials.major);
    trials.trial("in template1, while databases are made", || {
        let _sits = Colleague::superuser(&site, "template1");
        let _too = Colleague::master(&site, "template1");
        site.settle(&(one(DELETE) + OTHER));
        whole(&site);
    });
    trials.trial("in a database that is dropped", || {
        let sits = Colleague::master(&site, "client01_db1");
        sits.does("CREATE TABLE lost (n int)");
        site.settle(OTHER);
        assert!(!is_there(&site));
        assert!(sits.try_to("SELECT 1").is_err());
        whole(&site);
    });
    trials.trial("a superuser in a database that is dropped", || {
        site.settle(&(one(DELETE) + OTHER));
        let sits = Colleague::superuser(&site, "client01_db1");
        sits.does("SELECT 1");
        site.tenants(&OTHER.replace("db1", "db2"));
        let run = site.run(&APPLY);
        assert_eq!(run.code, 1, "{run}");
        for word in [
            "failed: client01: database.client01_db1",
            "42501",
            "In the way: role \"rdsadmin\" (colleague)",
            "pg_terminate_backend(",
        ] {
            assert!(run.stdout.contains(word), "no {word}: {run}");
        }
        assert!(is_there(&site));
        assert!(
            state_of::databases(&site).contains(&"other_db2".to_owned()),
            "others go on: {run}"
        );
        drop(sits);
        settled(&site);
        assert!(!is_there(&site));
    });
}
