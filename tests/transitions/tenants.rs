//! Tenants that come, change, pause and leave.

use tenantctl::live::ledger::{CREATE_ACCESS_KEY, OpenStep};
use tenantctl::model::{AccessKey, DatabaseState, DeletionPolicy, KeyStatus, Object};

use tenantctl::plan::Phase;

use crate::world::{ONE, RECIPIENT, Small, TWO, alter_database, alter_role, key, role};

#[test]
fn new_tenants_from_nothing() {
    insta::assert_snapshot!(Small::untouched(TWO).shown());
}

#[test]
fn a_second_run_changes_nothing() {
    for version in [150_013, 160_004, 180_000] {
        let text = Small::applied_on(version, TWO).shown();
        assert_eq!(
            text, "No changes. 19 objects are as the file asks.\n",
            "{version}"
        );
    }
}

#[test]
fn one_network_changed() {
    let file = TWO.replace("203.0.113.8/32", "203.0.113.9/32");
    insta::assert_snapshot!(Small::applied(TWO).asks(&file).shown());
}

#[test]
fn a_database_added() {
    let file = ONE.replace("[\"db1\"]", "[\"db1\", \"db2\"]");
    insta::assert_snapshot!(Small::applied(ONE).asks(&file).shown());
}

#[test]
fn a_database_no_longer_wanted() {
    let before = ONE.replace("[\"db1\"]", "{ db1 = true, db2 = true }");
    let after = ONE.replace("[\"db1\"]", "{ db1 = true, db2 = false }");
    let small = Small::applied(&before).asks(&after).edit(|live| {
        live.sessions
            .insert(("client01".into(), "client01_db2".into()), 3);
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_database_wanted_again() {
    let wanted = ONE.replace("[\"db1\"]", "{ db1 = true, db2 = true }");
    let unwanted = ONE.replace("[\"db1\"]", "{ db1 = true, db2 = false }");
    let mut small = Small::applied(&wanted).asks(&unwanted);
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    insta::assert_snapshot!(small.asks(&wanted).shown());
}

fn leaving(policy: &str) -> Small {
    let mut before = TWO.replace(
        "databases    = [\"db1\"]",
        &format!("databases = [\"db1\", \"db2\"]\n  deletion_policy = \"{policy}\""),
    );
    before.push_str("\n# client02 goes\n");
    Small::applied(&before).asks(ONE).edit(|live| {
        live.sessions
            .insert(("client02".into(), "client02_db1".into()), 2);
    })
}

#[test]
fn a_tenant_removed() {
    insta::assert_snapshot!(leaving("retain").shown());
}

#[test]
fn a_tenant_removed_whose_data_may_go() {
    insta::assert_snapshot!(leaving("delete").shown());
}

#[test]
fn an_iam_tenant_removed() {
    let with_key = format!(
        "{ONE}\ntenant \"client03\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"198.51.100.0/24\"]\n  \
         handover {{ recipient = \"{RECIPIENT}\" }}\n}}\n"
    );
    insta::assert_snapshot!(Small::applied(&with_key).asks(ONE).shown());
}

#[test]
fn a_removed_tenant_that_comes_back() {
    let mut small = leaving("retain");
    let back = TWO.replace("databases    = [\"db1\"]", "databases = [\"db1\", \"db2\"]");
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    insta::assert_snapshot!(small.asks(&back).shown());
}

/// The policy counts that the file had for the tenant last, also for a database it no longer wanted then.
#[test]
fn a_policy_changed_back_counts_for_unwanted_databases_too() {
    let file = |wanted: &str, policy: &str| {
        format!(
            "{ONE}\ntenant \"client02\" {{\n  databases = {{ db1 = true, db2 = {wanted} }}\n  rds_iam_auth = false\n  \
             deletion_policy = \"{policy}\"\n}}\n"
        )
    };
    let small = Small::applied(&file("true", "delete")).asks(&file("false", "retain"));
    insta::assert_snapshot!(small.shown());
    let live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    let gone = small.asks(ONE).edit(|before| *before = live);
    let plan = gone.shown();
    assert!(!plan.contains("DROP DATABASE"), "{plan}");
}

#[test]
fn deletion_policy_changed() {
    let file = ONE.replace("databases ", "deletion_policy = \"delete\"\n  databases ");
    insta::assert_snapshot!(Small::applied(ONE).asks(&file).shown());
}

#[test]
fn an_invalid_database_of_a_tenant_that_left_goes_too() {
    let small = leaving("delete").edit(|live| {
        alter_database(live, "client02_db1", |database| {
            database.state = DatabaseState::Invalid;
        });
    });
    let plan = small.shown();
    assert!(
        plan.contains("DROP DATABASE IF EXISTS \"client02_db1\" WITH (FORCE)"),
        "{plan}"
    );
}

/// The run ended after the last database went, and before the role did.
#[test]
fn a_role_whose_databases_went_before_a_crash() {
    let mut small = leaving("delete");
    let mut plan = small.plan();
    plan.steps.retain(|step| step.phase != Phase::DropRole);
    plan.changes.retain(|change| *change.address != role("client02"));
    small.live = crate::simulate::simulate(&plan, &small.desired, &small.live);
    let text = small.shown();
    assert!(text.contains("DROP ROLE \"client02\""), "{text}");
}

/// One of its databases is to stay, so what the role owns in it stays with it.
#[test]
fn a_role_stays_while_a_database_stays() {
    let small = leaving("delete").edit(|live| {
        alter_database(live, "client02_db2", |database| {
            database.deletion_policy = DeletionPolicy::Retain;
        });
    });
    insta::assert_snapshot!(small.shown());
}

fn with_key() -> String {
    ONE.replace(
        "databases ",
        &format!("handover {{ recipient = \"{RECIPIENT}\" }}\n  databases "),
    )
}

fn suspended(text: &str) -> String {
    text.replace("databases ", "state = \"suspended\"\n  databases ")
}

#[test]
fn a_tenant_suspended() {
    let small = Small::applied(&with_key())
        .asks(&suspended(&with_key()))
        .edit(|live| {
            live.sessions
                .insert(("client01".into(), "client01_db1".into()), 1);
            add_key(live, "AKIAFOREIGN", KeyStatus::Active);
        });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn a_suspended_tenant_is_back() {
    let mut small = Small::applied(&with_key())
        .edit(|live| add_key(live, "AKIAFOREIGN", KeyStatus::Active))
        .asks(&suspended(&with_key()));
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    insta::assert_snapshot!(small.asks(&with_key()).shown());
}

#[test]
fn a_new_tenant_that_is_suspended() {
    insta::assert_snapshot!(Small::untouched(&suspended(&with_key())).shown());
}

#[test]
fn handover_added() {
    insta::assert_snapshot!(Small::applied(ONE).asks(&with_key()).shown());
}

#[test]
fn handover_taken_away_leaves_the_key() {
    let small = Small::applied(&with_key()).asks(ONE);
    insta::assert_snapshot!(small.shown());
    let suspended = small.asks(&suspended(ONE)).shown();
    assert!(
        suspended.contains("iam_access_key   client01  status: active -> inactive"),
        "{suspended}"
    );
}

#[test]
fn a_password_handed_over() {
    let before = TWO.to_owned();
    let after = TWO.replace(
        "rds_iam_auth = false",
        &format!("rds_iam_auth = false\n  handover {{ recipient = \"{RECIPIENT}\" }}"),
    );
    insta::assert_snapshot!(Small::applied(&before).asks(&after).shown());
}

/// A password that we did not make may be in use.
#[test]
fn a_password_that_others_set_stays() {
    let after = TWO.replace(
        "rds_iam_auth = false",
        &format!("rds_iam_auth = false\n  handover {{ recipient = \"{RECIPIENT}\" }}"),
    );
    let small = Small::applied(TWO).asks(&after).edit(|live| {
        alter_role(live, "client02", |role| {
            role.password = tenantctl::model::Password::Unknown;
        });
    });
    let plan = small.shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}

fn add_key(live: &mut tenantctl::live::Live, id: &str, status: KeyStatus) {
    let object = AccessKey {
        id: Some(id.into()),
        status,
    };
    live.world
        .insert(key("client01", Some(id)), Object::AccessKey(object));
}

#[test]
fn the_orphan_key_of_a_crash() {
    let small = Small::applied(&with_key()).edit(|live| {
        live.world.remove(&key("client01", None));
        live.ledger.keys.clear();
        add_key(live, "AKIAORPHAN", KeyStatus::Active);
        add_key(live, "AKIAFOREIGN", KeyStatus::Active);
        live.ledger.open.push(OpenStep {
            run_id: "run".into(),
            step: 9,
            workspace: "default".into(),
            address: key("client01", None),
            tenant: None,
            command: CREATE_ACCESS_KEY.into(),
            known_keys: ["AKIAFOREIGN".to_owned()].into(),
        });
    });
    insta::assert_snapshot!(small.shown());
}

#[test]
fn limits_settings_and_extensions() {
    let file = ONE.replace(
        "databases ",
        "connection_limit = 20\n  settings = { statement_timeout = \"30s\", search_path = \"app, public\" }\n  \
         extensions = [\"pg_trgm\", \"uuid-ossp\"]\n  databases ",
    );
    insta::assert_snapshot!(Small::applied(ONE).asks(&file).shown());
}

#[test]
fn settings_changed_and_taken_away() {
    let before = ONE.replace(
        "databases ",
        "connection_limit = 20\n  settings = { statement_timeout = \"30s\", work_mem = \"8MB\" }\n  databases ",
    );
    let after = ONE.replace(
        "databases ",
        "connection_limit = -1\n  settings = { statement_timeout = \"1min\" }\n  databases ",
    );
    insta::assert_snapshot!(Small::applied(&before).asks(&after).shown());
}

/// A role may `ALTER ROLE .. SET` for itself.
#[test]
fn what_a_role_set_for_itself_stays() {
    let small = Small::applied(ONE).edit(|live| {
        let address = tenantctl::address::Address::RoleSetting {
            role: "client01".into(),
            name: "work_mem".into(),
        };
        let setting = tenantctl::model::RoleSetting::new("work_mem", "64MB");
        live.world.insert(address, Object::RoleSetting(setting));
    });
    let plan = small.shown();
    assert!(plan.starts_with("No changes."), "{plan}");
}

#[test]
fn attributes_that_nobody_asked_for() {
    let small = Small::applied(ONE).edit(|live| {
        alter_role(live, "client01", |role| {
            role.create_database = true;
            role.create_role = true;
        });
        assert!(live.world.contains(&role("client01")));
    });
    insta::assert_snapshot!(small.shown());
}
