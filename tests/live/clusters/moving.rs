//! Tenants and clusters that change places: nothing is moved, and nothing is lost.

use serde_json::Value;

use super::sites::{Sites, by_iam, by_password, held};
use crate::on_both_ends;
use crate::site::changes;

on_both_ends!(
    a_tenant_on_another_cluster_than_it_lives_on_is_held,
    the_tenants_of_a_cluster_that_left_the_file_are_held,
);

fn because<'a>(plan: &'a Value, cluster: &str, tenant: &str) -> &'a str {
    let all = plan["held"].as_array().unwrap();
    let found = all
        .iter()
        .find(|held| held["cluster"] == cluster && held["tenant"] == tenant);
    found.map_or("", |held| held["because"].as_str().unwrap())
}

fn a_tenant_on_another_cluster_than_it_lives_on_is_held(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let stays = by_iam("b1", "b");
    sites.settle(&(stays.clone() + &by_iam("a1", "a") + &by_password("a2", "a")));
    let before = sites.everything();

    let unmoved = |tenants: &str| {
        sites.write("abc", tenants);
        let plan = site.plan_json();
        assert_eq!(changes(&plan), [""; 0], "{plan}");
        for command in ["apply", "adopt"] {
            let arguments = match command {
                "apply" => ["apply", "--auto-approve"],
                _ => ["adopt", "--all"],
            };
            let run = site.run(&arguments);
            assert_eq!(sites.everything(), before, "{run}");
        }
        plan
    };
    let plan = unmoved(&(stays.clone() + &by_iam("a1", "b") + &by_password("a2", "c")));
    assert!(because(&plan, "b", "a1").contains("lives on cluster a"), "{plan}");
    assert!(because(&plan, "c", "a2").contains("lives on cluster a"), "{plan}");
    assert!(because(&plan, "a", "a1").contains("on cluster b"), "{plan}");
    assert!(because(&plan, "a", "a2").contains("on cluster c"), "{plan}");

    // Nor under another name.
    let moved = "moved {\n  from = \"tenant.a1\"\n  to = \"tenant.b9\"\n}\n";
    let plan = unmoved(&(stays.clone() + &by_iam("b9", "b") + &by_password("a2", "a") + moved));
    assert!(because(&plan, "b", "b9").contains("lives on cluster a"), "{plan}");

    // Nor where its old cluster is not looked at: its IAM role tells.
    sites.write(
        "abc",
        &(stays.clone() + &by_iam("a1", "b") + &by_password("a2", "a")),
    );
    let plan = site.plan_json_with(&["--tenant", "a1"]);
    assert_eq!(changes(&plan), [""; 0], "{plan}");
    sites.site.world.postgres.stop().unwrap();
    let run = site.apply();
    assert_eq!(run.code, 1, "{run}");
    sites.site.world.postgres.restart().unwrap();
    assert_eq!(sites.everything(), before);

    // By way of leaving the file it gets there: its old data is retained, and new databases are made.
    sites.settle(&(stays.clone() + &by_password("a2", "a")));
    sites.write("abc", &(stays + &by_iam("a1", "b") + &by_password("a2", "a")));
    site.apply().ok();
    site.assert_converged();
    assert_eq!(sites.on('a'), ["a1_db1", "a2", "a2_db1"]);
    assert_eq!(sites.on('b'), ["a1", "a1_db1", "b1", "b1_db1"]);
    let plan = site.plan_json();
    assert!(held(&plan).contains(&"a a1 retained".to_owned()), "{plan}");
}

fn the_tenants_of_a_cluster_that_left_the_file_are_held(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let stays = [by_iam("a1", "a"), by_iam("b1", "b")].concat();
    sites.settle(&(stays.clone() + &by_iam("c1", "c")));
    let before = sites.everything();
    for clusters in ["ab", "a"] {
        let tenants = if clusters == "a" {
            by_iam("a1", "a")
        } else {
            stays.clone()
        };
        sites.write(clusters, &tenants);
        let plan = site.plan_json();
        assert_eq!(changes(&plan), [""; 0], "{plan}");
        let all = plan["held"].as_array().unwrap();
        let of_c1: Vec<_> = all.iter().filter(|held| held["tenant"] == "c1").collect();
        assert_eq!(of_c1.len(), 2, "its user and its role, each said once: {plan}");
        assert!(
            of_c1[0]["because"]
                .as_str()
                .unwrap()
                .contains("which the file does not have"),
            "{plan}"
        );
        site.apply().ok();
        assert_eq!(sites.everything(), before);
    }
    sites.write("abc", &stays);
    site.apply().ok();
    assert_eq!(sites.on('c'), ["c1_db1"]);
    site.assert_converged();
}
