//! One network changes: one line does.

use super::site::{Site, changes};
use super::{on_both_ends, state_of};

on_both_ends!(a_changed_network_is_one_update_of_one_line);

fn a_changed_network_is_one_update_of_one_line(major: u16) {
    let tenants = |second: &str| {
        format!(
            "tenant \"client01\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\", \"{second}\", \
             \"192.0.2.7/32\"]\n}}\ntenant \"client02\" {{\n  databases = [\"db1\"]\n  allowed_ips = [\"198.51.100.0/24\"]\n}}"
        )
    };
    let (old, new) = ("203.0.113.16/28", "203.0.113.32/28");
    let site = Site::with(major, &tenants(old));
    let (catalogs, iam) = (state_of::postgres(&site), state_of::iam(&site));
    assert!(iam.contains(old), "{iam}");

    site.tenants(&tenants(new));
    assert_eq!(
        changes(&site.plan_json()),
        ["iam_role.rds_cluster_client01 update"]
    );
    let text = site.plan().ok();
    let signed = |sign: char| -> Vec<&str> {
        let lines = text.lines().map(str::trim);
        lines.filter(|line| line.starts_with(sign)).collect()
    };
    let (removed, added) = (signed('-'), signed('+'));
    assert!(removed.len() == 1 && removed[0].contains(old), "{text}");
    assert!(added.len() == 1 && added[0].contains(new), "{text}");
    assert!(
        text.contains("Plan: 0 to add, 1 to change, 0 to destroy."),
        "{text}"
    );

    let applied = site.apply().ok();
    assert!(
        applied.contains("Apply complete! 0 added, 1 changed, 0 destroyed."),
        "{applied}"
    );
    assert_eq!(state_of::postgres(&site), catalogs);
    assert_eq!(state_of::iam(&site), iam.replace(old, new));
    site.assert_converged();
}
