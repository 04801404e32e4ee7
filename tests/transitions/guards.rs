//! What forbids applying a plan.

use std::fmt::Write as _;

use tenantctl::model::{MembershipRow, Quota};

use crate::applied::{add_member, add_row};
use crate::world::{ADMIN, ONE, Small, TWO};

fn many(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let _ = write!(
            text,
            "tenant \"client{number:02}\" {{\n  databases = [\"db\"]\n  rds_iam_auth = false\n}}\n"
        );
    }
    text
}

fn guards(small: &Small) -> Vec<String> {
    let guards = small.plan().guards;
    guards.into_iter().map(|guard| guard.message).collect()
}

#[test]
fn too_many_tenants_leave() {
    let small = Small::applied(&many(20)).asks(&many(14));
    insta::assert_snapshot!(guards(&small).join("\n"));
    assert_eq!(guards(&small.max_removals(6)).len(), 0);
}

#[test]
fn few_tenants_may_leave() {
    assert_eq!(
        guards(&Small::applied(&many(20)).asks(&many(15))).len(),
        0,
        "five"
    );
    assert_eq!(
        guards(&Small::applied(&many(40)).asks(&many(34))).len(),
        0,
        "15 %"
    );
    let none = Small::applied(&many(2)).asks(&many(1)).max_removals(0);
    assert_eq!(guards(&none).len(), 1, "a limit of none");
}

fn crowded(users: usize, roles: usize) -> Small {
    let file: String = (0..30)
        .map(|n| format!("tenant \"client{n:02}\" {{\n  databases = [\"db\"]\n  allowed_ips = [\"203.0.113.7/32\"]\n}}\n"))
        .collect();
    Small::applied(ONE)
        .asks(&format!("{ONE}{}", file.replace("client01", "other01")))
        .edit(|live| {
            live.quotas.users = Some(Quota {
                taken: users,
                limit: 5_000,
            });
            live.quotas.roles = Some(Quota {
                taken: roles,
                limit: 1_000,
            });
        })
}

#[test]
fn the_account_has_no_room_for_more() {
    insta::assert_snapshot!(guards(&crowded(4_990, 971)).join("\n"));
    assert_eq!(guards(&crowded(4_970, 970)).len(), 0, "just enough");
    assert_eq!(
        guards(&crowded(4_970, 2_000)).len(),
        1,
        "more than the quota allows already"
    );
    let nothing_new = crowded(5_000, 1_000).asks(ONE).max_removals(100);
    assert_eq!(guards(&nothing_new).len(), 0, "nothing is made");
}

/// Whose access was cut before is not counted again.
#[test]
fn what_left_before_is_not_counted() {
    let mut small = Small::applied(&many(20)).asks(&many(14)).max_removals(6);
    small.live = crate::simulate::simulate(&small.plan(), &small.desired, &small.live);
    assert_eq!(guards(&small.max_removals(0)).len(), 0);
}

#[test]
fn the_admin_would_be_locked_out() {
    let direct = Small::applied("").asks(ONE).edit(|live| {
        live.world.insert(
            crate::world::role("client01"),
            tenantctl::model::Object::Role(crate::world::foreign_role(true)),
        );
        let mark = tenantctl::model::Mark {
            workspace: "default".into(),
            tenant: tenantctl::address::TenantId::new("client01"),
        };
        live.marks.insert(crate::world::role("client01").into(), mark);
        add_member(live, "client01", ADMIN, ADMIN);
    });
    let indirect = direct_through_a_group();
    let text = format!(
        "directly: {}\nby a group: {}",
        guards(&direct).join("; "),
        guards(&indirect).join("; ")
    );
    insta::assert_snapshot!(text);
}

fn direct_through_a_group() -> Small {
    Small::applied(TWO)
        .asks(&TWO.replace("rds_iam_auth = false", "allowed_ips = [\"203.0.113.9/32\"]"))
        .edit(|live| {
            add_member(live, "client02", "reporting", ADMIN);
            add_member(live, "reporting", ADMIN, "rdsadmin");
        })
}

/// The row that Postgres 16 makes for the creator of a role gives no privileges.
#[test]
fn the_creators_row_is_no_lockout() {
    let small =
        Small::applied(TWO).asks(&TWO.replace("rds_iam_auth = false", "allowed_ips = [\"203.0.113.9/32\"]"));
    assert_eq!(guards(&small).len(), 0);
    let inheriting = small.edit(|live| {
        add_row(
            live,
            MembershipRow {
                role: "client02".into(),
                member: ADMIN.into(),
                grantor: ADMIN.into(),
                admin_option: false,
                inherit_option: true,
                set_option: false,
            },
        );
    });
    assert_eq!(guards(&inheriting).len(), 1);
}

/// An admin that logs in by IAM is one of them already.
#[test]
fn an_admin_by_iam_cannot_be_locked_out_of_its_password() {
    let cluster = "cluster \"main\" {\n  identifier = \"prod-tenants\"\n  admin { auth = \"iam\" }\n}\n";
    let file = TWO.replace("rds_iam_auth = false", "allowed_ips = [\"203.0.113.9/32\"]");
    let small = direct_through_a_group().asks(&format!("{cluster}{file}"));
    assert_eq!(guards(&small).len(), 0);
}

/// Nor does a tenant that logs in by password lose that way in by what another one gets.
#[test]
fn a_tenant_by_password_is_not_locked_out_either() {
    let by_password = TWO.replace(
        "allowed_ips = [\"203.0.113.7/32\", \"203.0.113.8/32\"]",
        "rds_iam_auth = false",
    );
    assert_ne!(by_password, TWO);
    let small = Small::applied(&by_password).asks(TWO);
    assert_eq!(guards(&small).len(), 0);
    let reaching = small.edit(|live| {
        add_member(live, "reporting", "client02", "rdsadmin");
        add_member(live, "client01", "reporting", "rdsadmin");
    });
    let said = guards(&reaching).join("; ");
    assert!(
        said.contains("\"client02\" logs in by password")
            && said.contains("reporting -> client01 -> rds_iam"),
        "{said}"
    );
}
