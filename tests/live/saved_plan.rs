//! A saved plan is applied exactly, or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::site::Site;
use super::{on_both_ends, state_of};

on_both_ends!(a_saved_plan_is_applied_exactly_or_refused);

fn a_saved_plan_is_applied_exactly_or_refused(major: u16) {
    let tenants = |limit: u32| {
        format!(
            "defaults {{\n  databases = [\"db1\"]\n  rds_iam_auth = false\n}}\n\
             tenant \"client01\" {{ connection_limit = {limit} }}\ntenant \"client02\" {{}}"
        )
    };
    let site = Site::start(major);
    site.tenants(&tenants(5));
    let path = site.path().join("saved.plan");
    let file = path.to_str().unwrap();
    let save = || site.run(&["plan", "--out", file]).ok();
    let applied = || site.run(&["apply", file]);
    let limit = || {
        site.value(
            "postgres",
            "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'client01'",
        )
    };

    save();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(
        applied().ok().contains("Apply complete!"),
        "no terminal, and no --auto-approve needed"
    );
    site.assert_converged();
    let stale = applied().refused();
    assert!(stale.contains("stale") && stale.contains("Plan again"), "{stale}");

    // What it touches has moved.
    site.tenants(&tenants(6));
    save();
    site.master("postgres", "ALTER ROLE client01 CONNECTION LIMIT 3");
    let before = state_of::postgres(&site);
    let stale = applied().refused();
    assert!(
        stale.contains("stale") && stale.contains("role.client01"),
        "{stale}"
    );
    assert_eq!(state_of::postgres(&site), before);

    // The file has.
    save();
    site.tenants(&tenants(7));
    let stale = applied().refused();
    assert!(
        stale.contains("stale") && stale.contains("tenants file"),
        "{stale}"
    );
    assert_eq!(limit(), "3");

    // Something else has, which is nothing to this plan; neither is a new comment.
    save();
    site.master("postgres", "ALTER ROLE client02 CONNECTION LIMIT 9");
    site.master("postgres", "CREATE ROLE newcomer");
    site.tenants(&format!("# the same\n{}", tenants(7)));
    applied().ok();
    assert_eq!(limit(), "7");

    // Nor does an edited plan run what the file does not ask for.
    site.tenants(&tenants(8));
    save();
    let edited = fs::read_to_string(&path)
        .unwrap()
        .replace("CONNECTION LIMIT 8", "CREATEDB");
    assert!(edited.contains("CREATEDB"));
    fs::write(&path, edited).unwrap();
    let before = state_of::postgres(&site);
    let refused = applied().refused();
    assert!(refused.contains("not what a plan made now would do"), "{refused}");
    assert_eq!(state_of::postgres(&site), before);

    // A plan for tenants one by one stays one for them.
    site.tenants(&tenants(8));
    site.run(&["plan", "--tenant", "client02", "--out", file]).ok();
    assert!(applied().ok().contains("0 added, 0 changed, 0 destroyed"));
    assert_eq!(limit(), "7");

    fs::write(&path, "{\"format\": 999}").unwrap();
    let other = applied().refused();
    assert!(other.contains("format 999"), "{other}");
    fs::write(&path, "nonsense").unwrap();
    assert!(applied().refused().contains("not a plan"));
}
