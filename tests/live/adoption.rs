//! What exists without our mark is held, until somebody adopts it; adopting changes nothing else.

use super::site::{Site, changes, held};
use super::{on_all, on_both_ends, on_versions, state_of};

on_all!(
    hand_made_objects_are_held_adopted_and_only_then_closed,
    a_tenant_owned_database_is_taken_over_once_adopted
);
on_versions!(a_role_of_somebody_elses_waits_for_a_grant: on_16 = 16, on_17 = 17, on_18 = 18);
on_both_ends!(
    an_untagged_identity_is_held_until_adopted,
    what_another_workspace_made_is_held
);

const CLIENT01: &str =
    "tenant \"client01\" {\n  databases = [\"db1\", \"db2\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}";
const OURS: &str = "{postgres_master=CTc/postgres_master,client01=Tc/postgres_master}";
const ACL: &str = "SELECT datacl FROM pg_database WHERE datname = 'client01_db1'";

fn hand_made_objects_are_held_adopted_and_only_then_closed(major: u16) {
    let site = Site::start(major);
    site.master(
        "postgres",
        "CREATE ROLE client01 LOGIN PASSWORD 'by-hand' CONNECTION LIMIT 3",
    );
    site.master("postgres", "CREATE DATABASE client01_db1");
    site.tenants(CLIENT01);
    let plan = site.plan_json();
    for address in ["role.client01", "database.client01_db1"] {
        assert!(held(&plan, address).contains("exists, not ours"), "{plan:#}");
        assert!(
            held(&plan, address).contains("adopt --tenant client01"),
            "{plan:#}"
        );
    }
    assert!(
        held(&plan, "iam_user.client01").contains("waits for"),
        "half a tenant is none: {plan:#}"
    );
    assert!(site.plan().ok().contains("exists, not ours"));
    // Nothing moves: there is no tenant yet to be kept out of the shared databases.
    assert_eq!(changes(&plan), [] as [&str; 0]);
    assert!(
        held(&plan, "database_grant.postgres/PUBLIC").contains("first tenant that is ours"),
        "{plan:#}"
    );
    let role = "SELECT a::text FROM pg_authid a WHERE rolname = 'client01'";
    let before = site.value("postgres", role);
    site.apply().ok();
    assert_eq!(site.value("postgres", role), before);
    assert_eq!(
        site.value("postgres", ACL),
        "",
        "still NULL, which lets everybody in"
    );
    assert!(!state_of::exists(&site, "User", "client01"));
    assert_eq!(state_of::databases(&site).len(), 4, "no second database");

    let (catalogs, iam) = (state_of::postgres(&site), state_of::iam(&site));
    let adopted = site.run(&["adopt", "--tenant", "client01"]).ok();
    assert!(adopted.contains("2 changed, 0 destroyed"), "{adopted}");
    assert_eq!((state_of::postgres(&site), state_of::iam(&site)), (catalogs, iam));
    let again = site.run(&["adopt", "--tenant", "client01"]);
    assert!(again.stderr.contains("nothing to adopt"), "{again}");

    let plan = site.plan_json();
    let all = changes(&plan);
    assert!(
        all.contains(&"database_grant.client01_db1/PUBLIC update".to_owned()),
        "{all:?}"
    );
    let revoke = plan["changes"].as_array().unwrap().iter();
    let mut revoke = revoke.filter(|change| change["address"] == "database_grant.client01_db1/PUBLIC");
    let steps = revoke.next().unwrap()["steps"].to_string();
    assert!(steps.contains("REVOKE") && steps.contains("PUBLIC"), "{steps}");
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", ACL), OURS);
    assert_eq!(
        site.value(
            "postgres",
            "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'client01'"
        ),
        "t"
    );
    let shared = "SELECT bool_or(has_database_privilege('client01', datname, 'CONNECT, TEMP')) FROM pg_database \
                  WHERE datname IN ('postgres', 'template1')";
    assert_eq!(
        site.value("postgres", shared),
        "f",
        "what was left to the role while it was nobody's tenant is gone"
    );
}

fn a_tenant_owned_database_is_taken_over_once_adopted(major: u16) {
    let site = Site::start(major);
    site.master("postgres", "CREATE ROLE client01 LOGIN");
    site.sql("postgres", "CREATE DATABASE client01_db1 OWNER client01");
    site.sql(
        "client01_db1",
        "CREATE TABLE kept AS SELECT 42 AS n; ALTER TABLE kept OWNER TO client01",
    );
    site.tenants(CLIENT01);
    site.apply().ok();
    let owner = "SELECT datdba::regrole FROM pg_database WHERE datname = 'client01_db1'";
    assert_eq!(site.value("postgres", owner), "client01");

    site.run(&["adopt", "--tenant", "client01"]).ok();
    assert_eq!(site.value("postgres", owner), "client01");
    assert_eq!(site.value("postgres", ACL), "");
    let plan = site.plan_json();
    assert!(
        changes(&plan).contains(&"database.client01_db1 update".to_owned()),
        "{plan:#}"
    );
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", owner), "postgres_master");
    assert_eq!(site.value("postgres", ACL), OURS);
    assert_eq!(
        site.value(
            "client01_db1",
            "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
        ),
        "client01"
    );
    // Nothing is left of the membership that taking it over needed.
    let options = if major >= 16 {
        "inherit_option OR set_option"
    } else {
        "true"
    };
    let left = format!(
        "SELECT count(*) FROM pg_auth_members WHERE roleid = 'client01'::regrole \
         AND member = 'postgres_master'::regrole AND ({options})"
    );
    assert_eq!(site.value("postgres", &left), "0");
}

/// Since 16 a CREATEROLE admin may only alter the roles it made.
fn a_role_of_somebody_elses_waits_for_a_grant(major: u16) {
    let site = Site::start(major);
    site.sql("postgres", "CREATE ROLE client01 LOGIN");
    let limited = CLIENT01.replace("databases", "connection_limit = 7\n  databases");
    site.tenants(&limited);
    site.run(&["adopt", "--tenant", "client01"]).ok();
    let plan = site.plan_json();
    let because = held(&plan, "role.client01");
    let statement = "GRANT client01 TO postgres_master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE";
    assert!(because.replace('"', "").ends_with(statement), "{plan:#}");
    site.apply().ok();
    let limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'client01'";
    assert_eq!(site.value("postgres", limit), "-1");

    let grant = because.split("run once: ").nth(1).unwrap();
    site.sql("postgres", grant);
    // Had the master inherited from the tenant, it would be a member of rds_iam now, and locked out.
    site.apply().ok();
    site.assert_converged();
    assert_eq!(site.value("postgres", limit), "7");
}

fn an_untagged_identity_is_held_until_adopted(major: u16) {
    let site = Site::start(major);
    state_of::call(&site, "CreateUser", &[("UserName", "client01")]);
    let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:ListBucket\",\"Resource\":\"*\"}]}";
    let parameters = [
        ("UserName", "client01"),
        ("PolicyName", "by-hand"),
        ("PolicyDocument", policy),
    ];
    state_of::call(&site, "PutUserPolicy", &parameters);
    site.tenants(CLIENT01);
    let plan = site.plan_json();
    assert!(
        held(&plan, "iam_user.client01").contains("exists, not ours"),
        "{plan:#}"
    );
    assert!(held(&plan, "role.client01").contains("waits for"), "{plan:#}");
    let before = state_of::iam(&site);
    site.apply().ok();
    assert_eq!(state_of::iam(&site), before);
    assert_eq!(
        state_of::databases(&site).len(),
        3,
        "no database for half a tenant"
    );

    site.run(&["adopt", "--tenant", "client01"]).ok();
    let tags = state_of::call(&site, "ListUserTags", &[("UserName", "client01")]);
    assert_eq!(state_of::texts(&tags, "Key").len(), 2, "{tags}");
    let policies = || {
        let answer = state_of::call(&site, "ListUserPolicies", &[("UserName", "client01")]);
        let mut names = state_of::texts(&answer, "member");
        names.sort();
        names
    };
    assert_eq!(policies(), ["by-hand"]);
    site.apply().ok();
    site.assert_converged();
    assert_eq!(
        policies(),
        ["assume-role", "by-hand"],
        "somebody else's policy stays"
    );
    assert!(
        super::site::warnings(&site.plan_json()).contains(&"foreign_policy"),
        "and is reported"
    );
}

fn what_another_workspace_made_is_held(major: u16) {
    let of = |workspace: &str| format!("tenantctl {{ workspace = \"{workspace}\" }}\n{CLIENT01}");
    let site = Site::with(major, &of("blue"));
    let (catalogs, iam) = (state_of::postgres(&site), state_of::iam(&site));
    site.tenants(&of("green"));
    let plan = site.plan_json();
    for address in [
        "role.client01",
        "database.client01_db1",
        "iam_user.client01",
        "iam_role.rds_cluster_client01",
    ] {
        assert!(
            held(&plan, address).contains("workspace \"blue\""),
            "{address}: {plan:#}"
        );
    }
    assert_eq!(changes(&plan), [] as [&str; 0]);
    site.apply().ok();
    let refused = site.run(&["adopt", "--tenant", "client01"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("belongs to somebody else"),
        "{refused}"
    );
    assert_eq!((state_of::postgres(&site), state_of::iam(&site)), (catalogs, iam));

    // An empty file of another workspace is no reason to remove anything either.
    site.tenants("tenantctl { workspace = \"green\" }");
    assert_eq!(changes(&site.plan_json()), [] as [&str; 0]);
    site.settle(&of("blue"));
}
