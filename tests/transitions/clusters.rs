//! Several clusters in one file: what is in IAM for a tenant of one is nothing to another.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tenantctl::address::{Address, TenantId};
use tenantctl::config;
use tenantctl::desired::clusters::{places, split};
use tenantctl::desired::{Desired, compile};
use tenantctl::diff::{self, Diff, Held, HeldKind, Member, Others, Scope};
use tenantctl::live::Live;
use tenantctl::model::{ClusterFacts, Object};

use crate::applied::{applied, empty_cluster};
use crate::world::facts;

/// Tenants by IAM, each with its cluster.
fn file(tenants: &[(&str, &str)]) -> String {
    let mut text =
        String::from("defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.7/32\"]\n}\n");
    for cluster in ["a", "b"] {
        text += &format!("cluster \"{cluster}\" {{ identifier = \"tenants-{cluster}\" }}\n");
    }
    for (tenant, cluster) in tenants {
        text += &format!("tenant \"{tenant}\" {{ cluster = \"{cluster}\" }}\n");
    }
    text
}

fn resource_id(cluster: &str) -> String {
    format!("cluster-{}", cluster.to_uppercase().repeat(26))
}

/// What a file asks of each cluster, and where its tenants are.
fn desired(text: &str) -> (BTreeMap<String, Desired>, BTreeMap<TenantId, String>) {
    let loaded = config::load_texts(&[("tenants.hcl", text)], &[], &[]);
    let config = loaded.config().expect("no error").clone();
    let places = places(&config);
    let parts = split(config).into_iter().map(|part| {
        let cluster = part.only_cluster().expect("one").clone();
        let facts = ClusterFacts {
            identifier: cluster.identifier.value.clone(),
            resource_id: resource_id(&cluster.name),
            ..facts()
        };
        (
            cluster.name.clone(),
            compile(&part, &cluster, &facts).expect("fits"),
        )
    });
    (parts.collect(), places)
}

/// What lives, by cluster: a file that was applied, and IAM whole on each, however little of it concerns the cluster.
fn lives(text: &str) -> BTreeMap<String, Live> {
    let (desired, _) = desired(text);
    let mut lives: BTreeMap<String, Live> = desired
        .iter()
        .map(|(name, desired)| (name.clone(), applied(desired, empty_cluster(160_004))))
        .collect();
    let is_iam = |address: &Address| address.kind().starts_with("iam_");
    let all: Vec<(Address, Object)> = (lives.values())
        .flat_map(|live| live.world.iter())
        .filter(|(address, _)| is_iam(address))
        .map(|(address, object)| (address.clone(), object.clone()))
        .collect();
    let marks: Vec<_> = (lives.values())
        .flat_map(|live| live.marks.clone())
        .filter(|(address, _)| is_iam(address))
        .collect();
    for live in lives.values_mut() {
        for (address, object) in all.clone() {
            live.world.insert(address, object);
        }
        live.marks.extend(marks.clone());
    }
    lives
}

/// The diffs of the clusters that are read, once each knows of the others. Of `found` the resource id is known.
fn diffs(
    text: &str,
    lives: &BTreeMap<String, Live>,
    read: &[&str],
    found: &[&str],
) -> BTreeMap<String, Diff> {
    let (mut desired, places) = desired(text);
    let but = |known: &[&str]| -> Vec<String> {
        let names = ["a", "b"].into_iter().filter(|name| !known.contains(name));
        names.map(str::to_owned).collect()
    };
    let others = Others {
        places,
        by_resource: found
            .iter()
            .map(|name| (resource_id(name), (*name).to_owned()))
            .collect(),
        unknown: but(found),
        unread: but(read),
        several: true,
    };
    let members: Vec<Member<'_>> = (read.iter())
        .map(|name| Member {
            name,
            desired: &desired[*name],
            live: &lives[*name],
        })
        .collect();
    let elsewhere = diff::elsewhere(&members, &others);
    for (name, elsewhere) in read.iter().zip(elsewhere) {
        desired.get_mut(*name).expect("there").elsewhere = elsewhere;
    }
    let diff = |name: &&str| {
        let diff = diff::diff(&desired[*name], &lives[*name], &Scope::default());
        ((*name).to_owned(), diff)
    };
    read.iter().map(diff).collect()
}

fn changed(diff: &Diff) -> Vec<String> {
    diff.changes
        .iter()
        .map(|change| change.address.to_string())
        .collect()
}

fn held(diff: &Diff, kind: HeldKind) -> Vec<String> {
    let of_kind = |held: &&Held| held.kind == kind;
    diff.held
        .iter()
        .filter(of_kind)
        .map(|held| held.address.to_string())
        .collect()
}

const BOTH: [&str; 2] = ["a", "b"];

#[test]
fn identities_of_another_cluster_have_not_left() {
    let text = file(&[("a1", "a"), ("b1", "b")]);
    let lives = lives(&text);
    for (name, diff) in diffs(&text, &lives, &BOTH, &BOTH) {
        assert_eq!(changed(&diff), [""; 0], "{name}");
        assert_eq!(diff.held, [], "{name}");
    }
}

#[test]
fn who_leaves_is_removed_by_its_own_cluster() {
    let lives = lives(&file(&[("a1", "a"), ("b1", "b"), ("b2", "b")]));
    let after = file(&[("a1", "a"), ("b1", "b")]);
    let both = diffs(&after, &lives, &BOTH, &BOTH);
    assert_eq!(changed(&both["a"]), [""; 0]);
    assert!(changed(&both["b"]).contains(&"iam_user.b2".to_owned()));
    assert_eq!(both["a"].known.len(), 1, "only its own count for the limit");

    // Found and not reached: the policy names it. Not found: nothing tells, so it may be.
    let reached = diffs(&after, &lives, &["a"], &BOTH);
    assert_eq!((changed(&reached["a"]), reached["a"].held.len()), (vec![], 0));
    let found = diffs(&after, &lives, &["a"], &["a"]);
    assert_eq!(changed(&found["a"]), [""; 0]);
    assert_eq!(
        held(&found["a"], HeldKind::NotOurs),
        ["iam_user.b2", "iam_role.rds_cluster_b2"]
    );
}

/// A crash between the policy and the role, or the role and the user, leaves nothing that names a cluster.
#[test]
fn an_identity_without_its_policy_is_the_ledgers() {
    let mut lives = lives(&file(&[("a1", "a"), ("b1", "b"), ("b2", "b")]));
    for live in lives.values_mut() {
        live.world.remove(&Address::IamRolePolicy {
            role: "rds_cluster_b2".into(),
            name: "rds-connect".into(),
        });
    }
    let after = file(&[("a1", "a"), ("b1", "b")]);
    let both = diffs(&after, &lives, &BOTH, &BOTH);
    assert_eq!((changed(&both["a"]), both["a"].held.len()), (vec![], 0));
    assert!(changed(&both["b"]).contains(&"iam_user.b2".to_owned()));
    let alone = diffs(&after, &lives, &["a"], &BOTH);
    assert_eq!(changed(&alone["a"]), [""; 0]);
    assert_eq!(held(&alone["a"], HeldKind::NotOurs).len(), 2);

    // No ledger knows it: it is said once, and stays.
    if let Some(live) = lives.get_mut("b") {
        for rows in live.ledger.objects.values_mut() {
            rows.retain(|address, _| !address.kind().starts_with("iam_"));
        }
    }
    let lost = diffs(&after, &lives, &BOTH, &BOTH);
    assert_eq!(held(&lost["a"], HeldKind::NotOurs).len(), 2);
    assert_eq!(held(&lost["b"], HeldKind::NotOurs), [""; 0]);
    let iam = changed(&lost["b"])
        .into_iter()
        .filter(|address| address.starts_with("iam_"));
    assert_eq!(iam.count(), 0);
}

#[test]
fn a_tenant_that_lives_elsewhere_is_left_alone_on_both() {
    let lives = lives(&file(&[("a1", "a"), ("b1", "b")]));
    let after = file(&[("a1", "b"), ("b1", "b")]);
    for (name, diff) in diffs(&after, &lives, &BOTH, &BOTH) {
        assert_eq!(changed(&diff), [""; 0], "{name}");
        assert_eq!(held(&diff, HeldKind::NotAllowed), ["role.a1"], "{name}");
    }
    for found in [&BOTH[..], &["b"]] {
        let diffs = diffs(&after, &lives, &["b"], found);
        assert_eq!(changed(&diffs["b"]), [""; 0]);
        assert_eq!(held(&diffs["b"], HeldKind::NotAllowed), ["role.a1"]);
    }
    let moved =
        file(&[("c1", "b"), ("b1", "b")]) + "moved {\n  from = \"tenant.a1\"\n  to = \"tenant.c1\"\n}\n";
    for (name, diff) in diffs(&moved, &lives, &BOTH, &BOTH) {
        assert_eq!(changed(&diff), [""; 0], "{name}");
        assert!(!held(&diff, HeldKind::NotAllowed).is_empty(), "{name}");
    }
}

proptest! {
    /// Whatever the file says next: what is changed on a cluster is of a tenant that the file has there, or of one that it
    /// had there and has no more.
    #[test]
    fn a_cluster_changes_its_own_tenants_alone(
        before in proptest::collection::btree_map("[x-z][0-3]", 0..2_usize, 0..6),
        after in proptest::collection::btree_map("[x-z][0-3]", 0..2_usize, 0..6),
        read in 1..4_usize,
        found in 0..4_usize,
    ) {
        let text = |tenants: &BTreeMap<String, usize>| {
            let each = tenants.iter().map(|(tenant, place)| (tenant.as_str(), BOTH[*place]));
            file(&each.collect::<Vec<_>>())
        };
        let some = |bits: usize| -> Vec<&str> {
            (0..2).filter(|place| bits & (1 << place) != 0).map(|place| BOTH[place]).collect()
        };
        let lives = lives(&text(&before));
        for (name, diff) in diffs(&text(&after), &lives, &some(read), &some(found | read)) {
            for change in &diff.changes {
                let Some(tenant) = &change.tenant else { continue };
                let place = |tenants: &BTreeMap<String, usize>| tenants.get(tenant.as_str()).map(|place| BOTH[*place]);
                let (was, is) = (place(&before), place(&after));
                let own = match (was, is) {
                    (Some(was), Some(is)) => was == is && is == name,
                    (Some(was), None) => was == name,
                    (None, is) => is == Some(&name),
                };
                prop_assert!(own, "{} on {name}: was {was:?}, is {is:?}", change.address);
            }
        }
    }
}
