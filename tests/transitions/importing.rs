//! Random worlds, written as a file: planning it changes nothing, neither before nor after adoption.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tenantctl::address::{Address, Grantee, SharedAddress};
use tenantctl::config::Naming;
use tenantctl::desired::Desired;
use tenantctl::diff::{HeldKind, Mode, Scope, diff, seen};
use tenantctl::import::{Draft, Found, Header, Known, draft};
use tenantctl::live::{Ledger, Live};
use tenantctl::model::{
    Account, Identity, IdentityKind, IdentityPolicy, Object, Password, Privilege, policy,
};

use crate::applied::{applied, empty_cluster};
use crate::random::{Written, drift, file, happen, tenants};
use crate::world::{
    ADMIN, Small, add_database, alter_role, database, database_grant, desired, facts, foreign_role, grant,
    role, to,
};

/// The account that the IAM objects of a world would be in.
fn account(live: &Live) -> Account {
    let facts = facts();
    let arn = |make: fn(&str, &str, &str, &str) -> String, path: &str, name: &str| {
        make(&facts.partition, &facts.account, path, name)
    };
    let mut identities = Vec::new();
    for (address, object) in live.world.iter() {
        let (kind, name, arn, trust) = match (address, object) {
            (Address::IamUser { name }, Object::IamUser(user)) => (
                IdentityKind::User,
                name,
                arn(policy::user_arn, &user.path, name),
                None,
            ),
            (Address::IamRole { name }, Object::IamRole(role)) => (
                IdentityKind::Role,
                name,
                arn(policy::role_arn, &role.path, name),
                Some(role.trust.clone()),
            ),
            _ => continue,
        };
        let policies = live.world.iter().filter_map(|(of, object)| {
            let policy = match of {
                Address::IamUserPolicy { user, name: policy }
                    if kind == IdentityKind::User && user == name =>
                {
                    policy
                }
                Address::IamRolePolicy { role, name: policy }
                    if kind == IdentityKind::Role && role == name =>
                {
                    policy
                }
                _ => return None,
            };
            let Object::Policy(document) = object else {
                return None;
            };
            Some(IdentityPolicy {
                label: format!("inline policy {policy}"),
                inline: Some(policy.to_string()),
                document: document.clone(),
            })
        });
        identities.push(Identity {
            kind,
            name: name.to_string(),
            arn,
            id: format!("AIDA{}", name.to_uppercase()),
            mark: live.marks.get(address).cloned(),
            policies: policies.collect(),
            trust,
            boundary: None,
        });
    }
    Account {
        identities,
        unreadable: Vec::new(),
    }
}

pub fn imported(live: &Live, naming: Option<&Naming>) -> Draft {
    draft(&Found {
        live,
        account: &account(live),
        facts: &facts(),
        capabilities: tenantctl::engine::Engine::Aurora
            .capabilities()
            .expect("it is built"),
        admin: ADMIN,
        admin_database: "postgres",
        workspace: "default",
        naming,
        known: &Known::default(),
    })
}

/// The file, as the command writes it: databases that PUBLIC may enter stay as they are.
fn text(draft: &Draft) -> String {
    let shared = match draft.open_to_public().is_empty() {
        true => "",
        false => "  shared_databases = \"warn\"\n",
    };
    draft.text(&Header {
        comments: Vec::new(),
        blocks: format!("cluster \"main\" {{\n  identifier = \"prod-tenants\"\n{shared}}}\n"),
        naming: true,
        defaults: true,
    })
}

/// What somebody else made: no marks, no ledger, and no word of passwords.
fn by_other_means(mut live: Live) -> Live {
    live.marks.clear();
    live.ledger = Ledger::default();
    let roles: Vec<_> = live.world.roles().map(|(name, _)| name.clone()).collect();
    for role in roles {
        alter_role(&mut live, &role, |role| role.password = Password::Unknown);
    }
    let keys: Vec<Address> = (live.world.iter())
        .filter(|(address, _)| matches!(address, Address::IamAccessKey { .. }))
        .map(|(address, _)| address.clone())
        .collect();
    for key in keys {
        live.world.remove(&key);
    }
    live
}

fn world(tenants: &[Written], naming: &str, new: bool) -> Live {
    let desired = desired(&(naming.to_owned() + &file(tenants)));
    applied(&desired, empty_cluster(if new { 180_000 } else { 150_000 }))
}

/// The addresses that an authoritative run would change, now and with everything adopted.
fn changes(desired: &Desired, live: &Live) -> (Vec<SharedAddress>, Vec<SharedAddress>) {
    let of = |live: &Live| -> Vec<SharedAddress> {
        let diff = diff(desired, live, &Scope::default());
        diff.changes.into_iter().map(|change| change.address).collect()
    };
    let scope = Scope::default().in_mode(Mode::Adopt);
    (of(live), of(&seen(desired, live, &scope)))
}

fn naming() -> impl Strategy<Value = String> {
    let pick = |of: &'static [&'static str]| prop::sample::select(of);
    let database = pick(&[
        "${tenant}_${database}",
        "${database}-${tenant}",
        "app_${tenant}.${database}",
    ]);
    let role = pick(&["${tenant}", "app_${tenant}", "${tenant}-login"]);
    let user = pick(&["${tenant}", "u_${tenant}"]);
    let iam_role = pick(&["rds_cluster_${tenant}", "${tenant}-access"]);
    (database, role, user, iam_role).prop_map(|(database, role, user, iam_role)| {
        format!(
            "naming {{\n  database = \"{database}\"\n  role = \"{role}\"\n  iam_user = \"{user}\"\n  iam_role = \"{iam_role}\"\n}}\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_somebody_else_made_plans_empty_before_and_after_adoption(tenants in tenants(), new in any::<bool>()) {
        let live = by_other_means(world(&tenants, "", new));
        let draft = imported(&live, None);
        let text = text(&draft);
        let (now, adopted) = changes(&desired(&text), &live);
        prop_assert!(now.is_empty() && adopted.is_empty(), "{now:?} {adopted:?}\n{text}");
        // Nobody with something of its own is missing: one that is suspended and has a password is no more than a role.
        for tenant in tenants.iter().filter(|tenant| tenant.has_something()) {
            prop_assert!(text.contains(&format!("tenant \"client{}\"", tenant.number())), "{tenant:?}\n{text}");
        }
    }

    #[test]
    fn what_is_ours_plans_empty(tenants in tenants(), new in any::<bool>()) {
        let live = world(&tenants, "", new);
        let text = text(&imported(&live, None));
        let diff = diff(&desired(&text), &live, &Scope::default());
        prop_assert!(diff.changes.is_empty(), "{:?}\n{text}", diff.changes);
        prop_assert!(diff.held.iter().all(|held| held.kind == HeldKind::Retained), "{:?}\n{text}", diff.held);
    }

    #[test]
    fn names_by_any_pattern_plan_empty(tenants in tenants(), naming in naming(), new in any::<bool>()) {
        let live = by_other_means(world(&tenants, &naming, new));
        let text = text(&imported(&live, None));
        let (now, adopted) = changes(&desired(&text), &live);
        prop_assert!(now.is_empty() && adopted.is_empty(), "{now:?} {adopted:?}\n{naming}\n{text}");
    }

    #[test]
    fn whatever_happened_to_it_it_plans_empty(tenants in tenants(), drifts in prop::collection::vec(drift(), 0..5), new in any::<bool>()) {
        let mut live = world(&tenants, "", new);
        for drift in drifts {
            happen(&mut live, drift);
        }
        let live = by_other_means(live);
        let draft = imported(&live, None);
        let text = text(&draft);
        let (now, _) = changes(&desired(&text), &live);
        prop_assert!(now.is_empty(), "{now:?}\n{text}");
        // Every login role and every database is in the file or named at its end.
        let asked = desired(&text);
        for (address, _) in live.world.iter() {
            let kind = match address {
                Address::Role { name } if live.world.role(name).is_some_and(|role| role.login && !role.superuser) && name != ADMIN => "role",
                Address::Database { name } if !["postgres", "template1", "rdsadmin"].contains(&name.as_str()) => "database",
                _ => continue,
            };
            let name = address.name();
            let said = draft.left_out.iter().any(|one| {
                (one.kind == kind && one.name == name) || one.because.contains(&name)
            });
            prop_assert!(asked.world.contains(address) || said || unwanted(&asked, &name), "{address}\n{text}");
        }
    }
}

fn unwanted(desired: &Desired, database: &str) -> bool {
    desired
        .tenants
        .values()
        .any(|tenant| tenant.names.databases.iter().any(|(_, name)| name == database))
}

/// A cluster with a little of everything.
fn odd() -> Live {
    let of_all = r#"
tenant "client01" {
  databases   = ["db1", "db2"]
  allowed_ips = ["203.0.113.7/32", "198.51.100.0/24"]
  extensions  = ["pg_trgm"]
}
tenant "client02" {
  databases        = ["db1"]
  rds_iam_auth     = false
  connection_limit = 20
  settings         = { search_path = "\"$user\", app", statement_timeout = "30s" }
}
tenant "client03" {
  databases   = ["db1"]
  allowed_ips = ["203.0.113.9/32"]
  state       = "suspended"
}
"#;
    let mut live = by_other_means(applied(&desired(of_all), empty_cluster(160_004)));
    live.world
        .insert(role("colleague"), Object::Role(foreign_role(true)));
    live.world
        .insert(role("staff"), Object::Role(foreign_role(false)));
    for (name, owner) in [
        ("analytics", "colleague"),
        ("client02_old", ADMIN),
        ("archive", ADMIN),
        ("odd\n# name", ADMIN),
    ] {
        add_database(&mut live, name, owner);
    }
    grant(&mut live, database_grant("client02_old", Grantee::Public), &[]);
    grant(
        &mut live,
        database_grant("client01_db1", to("reporting")),
        &[Privilege::Connect],
    );
    live.world.insert(
        Address::Extension {
            database: "client01_db2".into(),
            name: "postgis".into(),
        },
        Object::Extension(tenantctl::model::Extension {}),
    );
    live.world.insert(
        Address::RoleSetting {
            role: "client02".into(),
            name: "app.api_key".into(),
        },
        Object::RoleSetting(tenantctl::model::RoleSetting {
            values: vec!["hunter2".into()],
        }),
    );
    live
}

#[test]
fn a_cluster_with_a_little_of_everything() {
    let draft = imported(&odd(), None);
    let text = text(&draft);
    assert!(!text.contains("hunter2"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn another_pattern_of_names_is_found() {
    let naming = "naming {\n  database = \"db-${tenant}-${database}\"\n  role = \"app_${tenant}\"\n  \
                  iam_user = \"u.${tenant}\"\n  iam_role = \"${tenant}-access\"\n}\n";
    let tenants = r#"
tenant "north" {
  databases   = ["crm", "erp"]
  allowed_ips = ["203.0.113.7/32"]
}
tenant "south" {
  databases    = ["crm"]
  rds_iam_auth = false
}
"#;
    let of = desired(&(naming.to_owned() + tenants));
    let live = by_other_means(applied(&of, empty_cluster(160_004)));
    insta::assert_snapshot!(text(&imported(&live, None)));
}

#[test]
fn one_database_each_that_bears_the_tenants_name() {
    let naming = "naming {\n  database = \"${tenant}\"\n}\n";
    let tenants = "tenant \"north\" {\n  databases = [\"main\"]\n  rds_iam_auth = false\n}\n\
                   tenant \"south\" {\n  databases = [\"main\"]\n  rds_iam_auth = false\n}\n";
    let of = desired(&(naming.to_owned() + tenants));
    let live = by_other_means(applied(&of, empty_cluster(160_004)));
    insta::assert_snapshot!(text(&imported(&live, None)));
}

/// Nothing is asked of a world in which everybody waits for adoption, also not of the databases that are nobody's.
#[test]
fn shared_databases_wait_for_the_first_tenant() {
    let mut live = by_other_means(odd());
    grant(
        &mut live,
        database_grant("postgres", Grantee::Public),
        &[Privilege::Connect, Privilege::Temporary],
    );
    let asked = desired(&text(&imported(&live, None)).replace("\"warn\"", "\"close\""));
    let mut small = Small::untouched("");
    (small.desired, small.live) = (asked, live);
    let plan = small.plan();
    assert!(plan.is_empty(), "{}", crate::world::shown(&plan));
    let waits: BTreeSet<_> = plan
        .held
        .iter()
        .filter(|held| held.tenant.is_none())
        .map(|held| held.address.name())
        .collect();
    assert!(waits.contains("postgres/PUBLIC"), "{waits:?}");
    // One tenant that is ours is one to be kept out.
    let mark = tenantctl::model::Mark {
        workspace: "default".into(),
        tenant: tenantctl::address::TenantId::new("client02"),
    };
    for address in [role("client02"), database("client02_db1")] {
        small.live.marks.insert(address.into(), mark.clone());
    }
    let plan = small.plan();
    assert!(
        plan.changes
            .iter()
            .any(|change| change.address.name() == "postgres/PUBLIC")
    );
}
