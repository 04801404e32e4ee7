//! Several clusters in one file, in one account: each is applied by itself, and none is touched for another's sake.

mod concurrent;
mod moving;
mod sites;
mod together;

use std::path::Path;

use serde_json::Value;
use tenantctl_testbed::Postgres;

use super::on_both_ends;
use super::site::Run;
use sites::{Sites, by_iam, by_password, held, names};

on_both_ends!(
    a_cluster_that_cannot_be_reached_holds_its_own_tenants_alone,
    a_cluster_that_cannot_be_found_holds_whatever_may_be_its,
    limits_are_those_of_the_run,
    a_lock_that_is_held_keeps_one_cluster_back,
    saved_plans_are_applied_together_or_not_at_all,
);

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn status(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn a_cluster_that_cannot_be_reached_holds_its_own_tenants_alone(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let stays = [by_iam("a1", "a"), by_iam("b1", "b"), by_password("b2", "b")].concat();
    sites.settle(&(stays.clone() + &by_iam("a2", "a") + &by_iam("b3", "b")));
    sites.b.postgres.stop().unwrap();

    // Two have left the file, one on each cluster, and one is new on a third.
    sites.write("abc", &(stays + &by_iam("c1", "c")));
    let file = site.path().join("status.json");
    let run = site.run(&[
        "plan",
        "--json",
        "--detailed-exitcode",
        "--status-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("cluster b"), "{run}");
    let plan = json(&run);
    assert_eq!(
        held(&plan)
            .iter()
            .filter(|held| held.ends_with("gap"))
            .collect::<Vec<_>>(),
        ["b b1 gap", "b b2 gap"]
    );
    assert_eq!(status(&file)["status"], "error");
    assert_eq!(status(&file)["gaps"], 2);

    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.stdout.contains("Apply incomplete: nothing was applied to b"),
        "{run}"
    );
    assert_eq!(sites.on('a'), ["a1", "a1_db1", "a2_db1"]);
    assert_eq!(sites.on('c'), ["c1", "c1_db1"]);
    let identities = [
        "a1",
        "b1",
        "b3",
        "c1",
        "rds_cluster_a1",
        "rds_cluster_b1",
        "rds_cluster_b3",
        "rds_cluster_c1",
    ];
    assert_eq!(sites.identities(), identities, "those of b are all there");

    sites.b.postgres.restart().unwrap();
    site.apply().ok();
    assert_eq!(sites.on('b'), ["b1", "b1_db1", "b2", "b2_db1", "b3_db1"]);
    assert!(!sites.identities().contains(&"b3".to_owned()));
    site.assert_converged();
}

fn a_cluster_that_cannot_be_found_holds_whatever_may_be_its(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let stays = [by_iam("a1", "a"), by_iam("b1", "b")].concat();
    sites.settle(&(stays.clone() + &by_iam("b2", "b")));

    // Its resource id is unknown then, so that no policy tells whose an identity is.
    sites.write("abc", &stays);
    let text = std::fs::read_to_string(site.path().join("tenants.hcl")).unwrap();
    site.write("tenants.hcl", &text.replace("tenants-b", "tenants-x"));
    let before = sites.everything();
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("perhaps b"), "{run}");
    assert_eq!(sites.everything(), before);

    // A run that looks at another cluster alone does not take them for its own either.
    sites.write("abc", &stays);
    site.run(&["apply", "--auto-approve", "--cluster", "a"]).ok();
    assert_eq!(sites.everything(), before);
    site.apply().ok();
    assert_eq!(
        sites.identities(),
        ["a1", "b1", "rds_cluster_a1", "rds_cluster_b1"]
    );
    site.assert_converged();
}

fn limits_are_those_of_the_run(major: u16) {
    let sites = Sites::start(major);
    let of = |cluster: &str, count: usize| -> String {
        (0..count)
            .map(|n| by_password(&format!("{cluster}{n}"), cluster))
            .collect()
    };
    sites.settle(&(of("a", 5) + &of("b", 5)));
    // Three on each: neither is more than anybody may lose without a word, both are.
    sites.write("abc", &(of("a", 2) + &of("b", 2)));
    let before = sites.everything();
    let refused = sites.site.apply();
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stdout.contains("refused: 6 of 10 tenants"), "{refused}");
    assert_eq!(sites.everything(), before);
    sites
        .site
        .run(&["apply", "--auto-approve", "--max-removals", "5"])
        .refused();
    assert_eq!(sites.everything(), before);
    sites
        .site
        .run(&["apply", "--auto-approve", "--max-removals", "6"])
        .ok();
    sites.site.assert_converged();
}

fn a_lock_that_is_held_keeps_one_cluster_back(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let tenants = |limit: u32| {
        ["a1", "b1", "c1"]
            .map(|name| {
                by_password(name, &name[..1]).replace(
                    "rds_iam_auth",
                    &format!("connection_limit = {limit}\n  rds_iam_auth"),
                )
            })
            .concat()
    };
    sites.settle(&tenants(5));
    let limit = |postgres: &Postgres, role: &str| {
        names(
            postgres,
            &format!("SELECT rolconnlimit::text FROM pg_roles WHERE rolname = '{role}'"),
        )
    };
    sites.write("abc", &tenants(6));
    // The lock of the workspace `default`, as docs and `unlock` know it.
    let key = tenantctl::apply::lock::key("default");
    let holder = std::thread::spawn({
        let superuser = sites.b.postgres.superuser();
        move || hold(&superuser, key)
    });
    super::site::wait_until("the lock is held", || {
        names(
            &sites.b.postgres,
            "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'",
        ) == ["1"]
    });
    let run = site.run(&["apply", "--auto-approve", "--lock-timeout", "500ms"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.stderr.contains("cluster b") && run.stdout.contains("nothing was applied to b"),
        "{run}"
    );
    assert_eq!(limit(&site.world.postgres, "a1"), ["6"]);
    assert_eq!(limit(&sites.b.postgres, "b1"), ["5"]);
    assert_eq!(limit(&sites.c.postgres, "c1"), ["6"]);
    site.run(&["unlock", "--cluster", "b", "--auto-approve"])
        .refused();
    names(
        &sites.b.postgres,
        "SELECT pg_terminate_backend(pid)::text FROM pg_locks WHERE locktype = 'advisory'",
    );
    holder.join().unwrap();
    site.apply().ok();
    assert_eq!(limit(&sites.b.postgres, "b1"), ["6"]);
}

/// Holds an advisory lock as the superuser until somebody ends the session.
fn hold(superuser: &tenantctl_testbed::Superuser, key: i64) {
    let mut psql = std::process::Command::new("psql");
    psql.arg("-h")
        .arg(&superuser.socket)
        .arg("-p")
        .arg(superuser.port.to_string());
    psql.args(["-U", superuser.user, "-d", "postgres", "-c"]);
    psql.arg(format!("SELECT pg_advisory_lock({key}), pg_sleep(300)"));
    let _ = psql.output().unwrap();
}

fn saved_plans_are_applied_together_or_not_at_all(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let tenants = |limit: u32| {
        ["a1", "b1", "c1"]
            .map(|name| {
                by_password(name, &name[..1]).replace(
                    "rds_iam_auth",
                    &format!("connection_limit = {limit}\n  rds_iam_auth"),
                )
            })
            .concat()
    };
    let path = site.path().join("saved.plan");
    let file = path.to_str().unwrap();
    sites.write("abc", &tenants(5));
    site.run(&["plan", "--out", file]).ok();
    let applied = site.run(&["apply", file]).ok();
    assert!(applied.contains("Apply complete!"), "{applied}");
    site.assert_converged();

    sites.write("abc", &tenants(6));
    site.run(&["plan", "--out", file]).ok();
    sites
        .c
        .postgres
        .sql("postgres", "ALTER ROLE c1 CONNECTION LIMIT 3")
        .unwrap();
    let limits = || {
        [
            (&site.world.postgres, "a1"),
            (&sites.b.postgres, "b1"),
            (&sites.c.postgres, "c1"),
        ]
        .map(|(postgres, role)| {
            names(
                postgres,
                &format!("SELECT rolconnlimit::text FROM pg_roles WHERE rolname = '{role}'"),
            )
            .concat()
        })
    };
    let stale = site.run(&["apply", file]).refused();
    assert!(
        stale.contains("cluster c") && stale.contains("role.c1"),
        "{stale}"
    );
    assert_eq!(limits(), ["5", "5", "3"], "nothing was applied anywhere");

    // A plan of some clusters is for those.
    site.run(&["plan", "--cluster", "b", "--out", file]).ok();
    site.run(&["apply", file]).ok();
    assert_eq!(limits(), ["5", "6", "3"]);

    // One that was made for a file with one cluster is not for one with three.
    sites.write("a", &by_password("a1", "a"));
    site.run(&["plan", "--out", file]).ok();
    sites.write("abc", &tenants(6));
    let stale = site.run(&["apply", file]).refused();
    assert!(stale.contains("stale"), "{stale}");
}
