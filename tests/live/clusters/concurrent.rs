//! Ten clusters are read at the same time: each lets its first connection wait until all ten have one.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use tenantctl_testbed::Neighbour;

use super::sites::{block, by_iam};
use crate::on_both_ends;
use crate::site::Site;

on_both_ends!(ten_clusters_are_read_at_the_same_time);

const CLUSTERS: usize = 10;

/// Where connections wait for each other.
#[derive(Default)]
struct Meeting {
    here: Mutex<usize>,
    all: Condvar,
}

impl Meeting {
    /// Whether all came before anybody lost patience.
    fn wait(&self) -> bool {
        let mut here = self.here.lock().unwrap();
        *here += 1;
        self.all.notify_all();
        let patience = Duration::from_secs(60);
        let (here, _) = self
            .all
            .wait_timeout_while(here, patience, |here| *here < CLUSTERS)
            .unwrap();
        *here >= CLUSTERS
    }
}

/// A port whose first connection comes to the meeting, and is let through to another port after it.
fn port_before(target: u16, meeting: &Arc<Meeting>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let meeting = Arc::clone(meeting);
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (client, meeting) = (client.unwrap(), Arc::clone(&meeting));
            thread::spawn(move || {
                if number > 0 || meeting.wait() {
                    relay(client, TcpStream::connect(("127.0.0.1", target)).unwrap());
                }
            });
        }
    });
    port
}

fn relay(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
    let (mut from_server, mut to_server) = (server.try_clone().unwrap(), server);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(std::net::Shutdown::Write);
}

fn ten_clusters_are_read_at_the_same_time(major: u16) {
    let site = Site::start(major);
    let others: Vec<Neighbour> = (1..CLUSTERS)
        .map(|n| site.world.neighbour(major, &format!("cluster-{n}")).unwrap())
        .collect();
    let doors: Vec<_> = [("prod-tenants".to_owned(), &site.world.front_door)]
        .into_iter()
        .chain(
            (1..CLUSTERS)
                .zip(&others)
                .map(|(n, other)| (format!("cluster-{n}"), &other.front_door)),
        )
        .collect();
    let file = |endpoint: &dyn Fn(u16) -> String| {
        let mut text =
            "defaults {\n  databases = [\"db1\"]\n  allowed_ips = [\"109.241.200.168/32\"]\n}\n".to_owned();
        for (n, (identifier, door)) in doors.iter().enumerate() {
            let name = format!("c{n}");
            text += &block(&name, identifier, &endpoint(door.port()), door);
            text += &by_iam(&format!("t{n}"), &name);
        }
        site.write("tenants.hcl", &text);
    };
    file(&|port| format!("localhost:{port}"));
    site.apply().ok();

    let meeting = Arc::new(Meeting::default());
    file(&|port| format!("localhost:{}", port_before(port, &meeting)));
    site.world.proxy.reset_counts();
    site.assert_converged();
    let counts = site.world.proxy.counts();
    assert_eq!(counts.get("DescribeDBClusters"), Some(&CLUSTERS), "{counts:?}");
    assert_eq!(
        counts.get("GetAccountAuthorizationDetails"),
        Some(&1),
        "{counts:?}"
    );
    assert_eq!(counts.get("GetAccountSummary"), None, "{counts:?}");
    for (n, other) in (1..CLUSTERS).zip(&others) {
        let query = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^t[0-9]$'";
        let rows = other.postgres.sql("postgres", query).unwrap();
        assert_eq!(
            rows[0][0].as_deref(),
            Some("1"),
            "cluster {n} has its own tenant alone"
        );
    }
}
