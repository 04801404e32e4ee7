//! Three hundred tenants: a plan of no change opens each database once and asks AWS as little as for ten.
#![expect(
    clippy::print_stdout,
    reason = "figures for whoever asks for them with --nocapture"
)]

use std::collections::BTreeMap;
use std::time::Instant;

use super::on_both_ends;
use super::site::Site;

on_both_ends!(three_hundred_tenants_cost_one_connection_each_and_no_call);

const FEW: usize = 10;
const MANY: usize = 300;

fn tenants(count: usize) -> String {
    let one = |n: usize| format!("tenant \"t{n:03}\" {{ allowed_ips = [\"109.241.200.168/32\"] }}\n");
    "defaults { databases = [\"db1\"] }\n".to_owned() + &(0..count).map(one).collect::<String>()
}

fn three_hundred_tenants_cost_one_connection_each_and_no_call(major: u16) {
    let site = Site::with(major, &tenants(FEW));
    let few = cost(&site);

    site.tenants(&tenants(MANY));
    let begun = Instant::now();
    site.run(&["apply", "--auto-approve", "--quiet"]).ok();
    let applied = begun.elapsed();
    let begun = Instant::now();
    let many = cost(&site);
    let planned = begun.elapsed();
    println!("Postgres {major}: {MANY} tenants applied in {applied:.1?}, planned in {planned:.1?}");
    println!("calls: {:?} for {FEW}, {:?} for {MANY}", few.calls, many.calls);

    for n in 0..MANY {
        assert_eq!(many.connections.get(&format!("t{n:03}_db1")), Some(&1));
    }
    let elsewhere = |cost: &Cost| {
        cost.connections
            .iter()
            .filter(|(name, _)| !name.starts_with('t'))
            .map(|(_, n)| n)
            .sum::<usize>()
    };
    assert_eq!(many.connections.len() - MANY, few.connections.len() - FEW);
    assert_eq!(elsewhere(&many), elsewhere(&few));
    // A user and a role each, a hundred to a page.
    let pages = 2 * MANY / 100;
    for (action, count) in &many.calls {
        let allowed = few.calls.get(action).copied().unwrap_or(0);
        let allowed = if action == "GetAccountAuthorizationDetails" {
            allowed + pages
        } else {
            allowed
        };
        assert!(
            *count <= allowed,
            "{action}: {count} for {MANY} tenants, {allowed} allowed"
        );
    }
}

/// What a plan of no change takes.
struct Cost {
    /// By database, as the master.
    connections: BTreeMap<String, usize>,
    /// By action.
    calls: BTreeMap<String, usize>,
}

fn cost(site: &Site) -> Cost {
    site.world.proxy.reset_counts();
    let known = site.world.postgres.log().len();
    site.assert_converged();
    let log = site.world.postgres.log();
    let mut connections = BTreeMap::new();
    for line in log[known..].lines() {
        let database = line.split_once("connection authorized: user=postgres_master database=");
        if let Some(name) = database.and_then(|(_, rest)| rest.split_whitespace().next()) {
            *connections.entry(name.to_owned()).or_default() += 1;
        }
    }
    assert!(!connections.is_empty(), "the log says nothing of connections");
    Cost {
        connections,
        calls: site.world.proxy.counts(),
    }
}
