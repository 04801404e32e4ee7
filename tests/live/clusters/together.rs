//! One file, three clusters, and the commands of every day.

use super::json;
use super::sites::{Sites, by_iam, by_password};
use crate::on_both_ends;
use crate::site::{Site, changes};

on_both_ends!(each_cluster_is_applied_by_itself);

fn each_cluster_is_applied_by_itself(major: u16) {
    let sites = Sites::start(major);
    let site = &sites.site;
    let tenants = [
        by_iam("a1", "a"),
        by_password("a2", "a"),
        by_iam("b1", "b"),
        by_password("c1", "c"),
    ]
    .concat();
    sites.settle(&tenants);
    assert_eq!(sites.on('a'), ["a1", "a1_db1", "a2", "a2_db1"]);
    assert_eq!(sites.on('b'), ["b1", "b1_db1"]);
    assert_eq!(sites.on('c'), ["c1", "c1_db1"]);
    assert_eq!(
        sites.identities(),
        ["a1", "b1", "rds_cluster_a1", "rds_cluster_b1"]
    );

    // IAM is one for all, and read once; each cluster is looked up.
    site.world.proxy.reset_counts();
    let plan = site.plan_json();
    let counts = site.world.proxy.counts();
    assert_eq!(
        counts.get("GetAccountAuthorizationDetails"),
        Some(&1),
        "{counts:?}"
    );
    assert_eq!(counts.get("DescribeDBClusters"), Some(&3), "{counts:?}");
    assert_eq!(changes(&plan), [""; 0]);
    assert_eq!(plan["clusters"].as_array().unwrap().len(), 3);

    what_leaves_one_cluster_leaves_it_alone(&sites, &tenants);
    one_word_confines_a_run(site);
    let applied = site.run(&["apply", "--auto-approve", "--json"]);
    let document = json(&applied);
    assert_eq!(document["complete"], true, "{document}");
    assert!(
        document["results"]
            .as_array()
            .unwrap()
            .iter()
            .any(|result| result["cluster"] == "b")
    );
    assert_eq!(sites.on('b'), ["b1_db1"], "its data is retained");
    assert_eq!(
        sites.identities(),
        ["a1", "a3", "rds_cluster_a1", "rds_cluster_a3"]
    );
    site.assert_converged();

    commands_about_one_cluster_ask_which(site);
}

fn what_leaves_one_cluster_leaves_it_alone(sites: &Sites, tenants: &str) {
    let site = &sites.site;
    // What leaves one cluster leaves it alone.
    sites.write("abc", &tenants.replace(&by_iam("b1", "b"), &by_iam("a3", "a")));
    let plan = site.plan_json();
    let of = |cluster: &str| -> Vec<&str> {
        let all = plan["changes"].as_array().unwrap().iter();
        let here = all.filter(|change| change["cluster"] == cluster);
        here.map(|change| change["tenant"].as_str().unwrap()).collect()
    };
    assert!(
        of("a").iter().all(|tenant| *tenant == "a3") && !of("a").is_empty(),
        "{plan}"
    );
    assert!(
        of("b").iter().all(|tenant| *tenant == "b1") && !of("b").is_empty(),
        "{plan}"
    );
    assert_eq!(of("c"), [""; 0]);
    let text = site.plan().ok();
    let places = [
        "cluster a\n",
        "\na3\n",
        "cluster b\n",
        "\nb1\n",
        "cluster c\n",
        "Plan: ",
    ];
    let found: Vec<_> = places.iter().map(|words| text.find(words)).collect();
    assert!(
        found.is_sorted() && found.iter().all(Option::is_some),
        "{found:?} in {text}"
    );
    let markdown = site.run(&["plan", "--markdown"]).ok();
    assert!(
        markdown.contains("| cluster | tenant |") && markdown.contains("| `b` | `b1` |"),
        "{markdown}"
    );
}

fn one_word_confines_a_run(site: &Site) {
    let only_b = site.plan_json_with(&["--cluster", "b"]);
    assert!(
        only_b["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["cluster"] == "b"),
        "{only_b}"
    );
    site.world.proxy.reset_counts();
    let only_a3 = site.plan_json_with(&["--tenant", "a3"]);
    assert_eq!(site.world.proxy.counts().get("DescribeDBClusters"), Some(&1));
    assert!(
        only_a3["changes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|change| change["tenant"] == "a3"),
        "{only_a3}"
    );
    let refused = site.run(&["plan", "--cluster", "bb"]).refused();
    assert!(
        refused.contains("no cluster \"bb\"") && refused.contains("a, b, c"),
        "{refused}"
    );
    let refused = site.run(&["plan", "--cluster", "b", "--tenant", "a3"]).refused();
    assert!(refused.contains("is on cluster \"a\""), "{refused}");
}

fn commands_about_one_cluster_ask_which(site: &Site) {
    let which = site.run(&["history"]).refused();
    assert!(
        which.contains("--cluster") && which.contains("a, b, c"),
        "{which}"
    );
    assert!(
        site.run(&["history", "--cluster", "b", "-v"])
            .ok()
            .contains(" b1")
    );
    assert!(site.run(&["history", "--tenant", "a3"]).ok().contains(" a3"));
    assert!(
        site.run(&["unlock", "--cluster", "c"])
            .ok()
            .contains("Nobody holds")
    );
    assert!(site.run(&["why", "a1", "db1"]).ok().contains("can connect"));
    let audit = json(&site.run(&["audit", "--json"]));
    assert_eq!(audit["clusters"].as_array().unwrap().len(), 3, "{audit}");
    assert_eq!(audit["summary"]["critical"], 0, "{audit}");
}
