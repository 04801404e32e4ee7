//! Two thousand tenants, without a server: the work grows with grants and memberships, not with pairs.

use std::fmt::Write as _;

use tenantctl::address::{Address, Grantee};
use tenantctl::audit::{Audit, Options, audit};
use tenantctl::config;
use tenantctl::desired::{Desired, compile, lint};
use tenantctl::live::Live;
use tenantctl::model::evidence::{Evidence, Known};
use tenantctl::model::{
    Account, ClusterFacts, Grant, Identity, IdentityKind, IdentityPolicy, MembershipRow, Object, Privilege,
};

pub fn desired(tenants: usize) -> Desired {
    let mut text =
        "cluster \"main\" {\n  identifier = \"prod-tenants\"\n}\ndefaults { databases = [\"db1\"] }\n"
            .to_owned();
    for n in 0..tenants {
        let _ = writeln!(
            text,
            "tenant \"t{n:05}\" {{ allowed_ips = [\"109.241.200.168/32\"] }}"
        );
    }
    let loaded = config::load_texts(&[("tenants.hcl", &text)], &[], &[]);
    assert!(!lint::validate(&loaded).has_errors());
    let config = loaded.config().unwrap();
    let facts = ClusterFacts {
        partition: "aws".into(),
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        identifier: "prod-tenants".into(),
        resource_id: "cluster-ABC".into(),
        endpoint: "prod-tenants.example.com".into(),
        port: 5432,
        master_username: "postgres".into(),
        iam_enabled: true,
        master_secret_arn: None,
    };
    compile(config, config.only_cluster().unwrap(), &facts).unwrap()
}

/// The cluster and the account as the file asks, and a group that all tenants are in.
pub fn applied(desired: &Desired) -> (Live, Evidence) {
    let mut live = Live::default();
    let mut identities = Vec::new();
    let policy = |address: &Address, name: &str| match desired.world.get(address) {
        Some(Object::Policy(document)) => vec![IdentityPolicy {
            label: format!("inline policy {name}"),
            inline: Some(name.to_owned()),
            document: document.clone(),
        }],
        other => panic!("{other:?}"),
    };
    for (address, object) in desired.world.iter() {
        match (address, object) {
            (Address::Membership { role, member }, _) => live.memberships.push(row(role, member)),
            (Address::IamRole { name }, Object::IamRole(role)) => identities.push(Identity {
                kind: IdentityKind::Role,
                name: name.to_string(),
                arn: format!("arn:aws:iam::123456789012:role/{name}"),
                id: "AROAX".into(),
                mark: None,
                policies: policy(
                    &Address::IamRolePolicy {
                        role: name.clone(),
                        name: "rds-connect".into(),
                    },
                    "rds-connect",
                ),
                trust: Some(role.trust.clone()),
                boundary: None,
            }),
            (Address::IamUser { name }, _) => identities.push(Identity {
                kind: IdentityKind::User,
                name: name.to_string(),
                arn: format!("arn:aws:iam::123456789012:user/{name}"),
                id: "AIDAX".into(),
                mark: None,
                policies: policy(
                    &Address::IamUserPolicy {
                        user: name.clone(),
                        name: "assume-role".into(),
                    },
                    "assume-role",
                ),
                trust: None,
                boundary: None,
            }),
            (address, object) => live.world.insert(address.clone(), object.clone()),
        }
    }
    let evidence = Evidence {
        inside: Default::default(),
        unopened: Default::default(),
        shallow: true,
        templates: Default::default(),
        dependencies: Vec::new(),
        parameters: Vec::new(),
        subscriptions: Vec::new(),
        account: Known::Yes(Account {
            identities,
            unreadable: Vec::new(),
        }),
        keys: Known::NotAsked,
        read_at: "2026-01-01T00:00:00Z".into(),
        read_at_seconds: 0,
    };
    (live, evidence)
}

pub fn row(role: &str, member: &str) -> MembershipRow {
    MembershipRow {
        role: role.into(),
        member: member.into(),
        grantor: "postgres".into(),
        admin_option: false,
        inherit_option: true,
        set_option: true,
    }
}

pub fn looked_at(tenants: usize, leak: impl FnOnce(&Desired, &mut Live)) -> Audit {
    let desired = desired(tenants);
    let (mut live, evidence) = applied(&desired);
    leak(&desired, &mut live);
    audit(&desired, &live, &evidence, &Options::default())
}

#[test]
fn the_work_is_linear() {
    let clean = |tenants| looked_at(tenants, |_, _| {});
    let (small, large) = (clean(200), clean(2000));
    assert!(
        small.findings.is_empty() && large.findings.is_empty(),
        "{:#?}",
        small.findings.first()
    );
    assert_eq!(large.checked.pairs, 2000 * 1999);
    assert!(
        large.checked.steps <= 11 * small.checked.steps && large.checked.steps < 20 * 2000,
        "{} steps for 2000 tenants, {} for 200",
        large.checked.steps,
        small.checked.steps
    );
}

/// Four million pairs, and one finding.
#[test]
fn a_group_of_all_on_the_databases_of_all_is_one_finding() {
    let seen = looked_at(2000, |desired, live| {
        for (name, _) in desired.world.databases() {
            let address = Address::DatabaseGrant {
                database: name.to_owned(),
                grantee: Grantee::Role("everyone".into()),
            };
            live.world
                .insert(address, Object::Grant(Grant::by_owner(&[Privilege::Connect])));
        }
        live.memberships.extend(
            desired
                .tenants
                .values()
                .map(|tenant| row("everyone", &tenant.names.role)),
        );
    });
    assert_eq!(
        seen.findings.len(),
        1,
        "{:#?}",
        seen.findings
            .iter()
            .map(|finding| &finding.message)
            .collect::<Vec<_>>()
    );
    assert_eq!(seen.findings[0].reachers.len(), 2000);
    assert_eq!(seen.findings[0].databases.len(), 2000);
    assert!(seen.checked.steps < 20 * 2000, "{}", seen.checked.steps);
}

/// PUBLIC on every database is a finding for each database, none for each pair.
#[test]
fn public_everywhere_is_one_finding_a_database() {
    let seen = looked_at(500, |desired, live| {
        for (name, _) in desired.world.databases() {
            let address = Address::DatabaseGrant {
                database: name.to_owned(),
                grantee: Grantee::Public,
            };
            live.world
                .insert(address, Object::Grant(Grant::by_owner(&[Privilege::Connect])));
        }
    });
    assert_eq!(seen.findings.len(), 500);
    assert!(
        seen.findings
            .iter()
            .all(|finding| finding.reachers.is_empty() && finding.everyone)
    );
}
