//! Runs that are killed (SIGKILL) before and after every change they make, while a bystander tries every door.

mod bystander;
mod stage;

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tenantctl_testbed::Side;

use super::login::Recipient;
use super::site::Site;
use super::state_of;
use super::trials::{Scenario, Trials};
use bystander::Bystander;
use stage::{STAGES, Stage};

/// The scenarios of this file, in the order of the table.
pub const SCENARIOS: &[Scenario] = &[Scenario {
    name: "killed before and after every change",
    run: killed,
}];

/// A moment to kill a run at: a change by its number, and before or after it.
type Point = (usize, Side);

/// A dozen tenants go through all stages again and again, killed at another point in each, until no stage has points left.
fn killed(trials: &mut Trials) {
    let world = World {
        site: Site::start(trials.major),
        recipient: Recipient::new(),
    };
    world.site.tenants(&world.file(""));
    world.site.apply().ok();
    let bystander = Bystander::watch(&world);
    let mut points: Vec<Vec<Point>> = STAGES.iter().map(|stage| world.points(stage, trials)).collect();
    while points.iter().any(|points| !points.is_empty()) && !trials.is_hopeless() {
        for (stage, points) in STAGES.iter().zip(&mut points) {
            world.site.tenants(&world.file(&(stage.tenants)()));
            match points.pop() {
                None => drop(world.apply(8)),
                Some(point @ (number, side)) => {
                    trials.part(stage.name);
                    trials.trial(format!("{side:?} change {number}"), || {
                        world.trial(stage, point);
                        bystander.saw_nothing();
                    });
                }
            }
            (stage.afterwards)(&world);
        }
    }
    bystander.end();
}

/// What the stages happen to.
struct World {
    site: Site,
    recipient: Recipient,
}

impl World {
    /// A tenants file: the bystander, who is in every one, and these.
    fn file(&self, tenants: &str) -> String {
        format!(
            "defaults {{\n  databases = [\"db1\"]\n  allowed_ips = [\"203.0.113.1/32\"]\n  {}\n}}\n\
             tenant \"bystander\" {{ rds_iam_auth = false }}\n{tenants}",
            self.recipient.block()
        )
    }

    fn apply(&self, parallelism: usize) -> String {
        let parallelism = parallelism.to_string();
        let arguments = [
            "apply",
            "--auto-approve",
            "--max-removals",
            "99",
            "--parallelism",
            &parallelism,
        ];
        self.site.run(&arguments).ok()
    }

    /// Goes through a stage once without a kill, and counts what it changes: every change has two points.
    fn points(&self, stage: &Stage, trials: &Trials) -> Vec<Point> {
        self.site.tenants(&self.file(&(stage.tenants)()));
        self.site.world.gate().open();
        self.apply(8);
        let changes = self.site.world.gate().passed().len();
        self.site.assert_converged();
        (stage.holds)(self);
        (stage.afterwards)(self);
        eprintln!("torture: {} makes {changes} changes", stage.name);
        let all = (1..=changes).flat_map(|number| [(number, Side::Before), (number, Side::After)]);
        trials.sample(all.collect(), 4)
    }

    /// Killed at a point, looked at, finished by the next run, and looked at again.
    fn trial(&self, stage: &Stage, point: Point) {
        self.kill(point);
        self.every_key_is_explained();
        self.apply(8);
        self.site.assert_converged();
        self.ledger_and_live_agree();
        (stage.holds)(self);
    }

    /// Applies, and kills the process at the gate. Every other run works on one tenant at a time, the rest on eight.
    fn kill(&self, (number, side): Point) {
        let gate = self.site.world.gate();
        gate.shut_at(number, side);
        let parallelism = if number % 2 == 0 { "1" } else { "8" };
        let mut command = self
            .site
            .command(&["apply", "--auto-approve", "--max-removals", "99"]);
        command.args(["--parallelism", parallelism]);
        let mut run = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        // The last points may lie behind the end of a run that came by with fewer changes.
        while !gate.is_shut() && run.try_wait().unwrap().is_none() {
            assert!(
                Instant::now() < deadline,
                "neither at the gate nor ended: {:?}",
                gate.passed().last()
            );
            thread::sleep(Duration::from_millis(2));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        gate.open();
    }

    /// Right after a kill: the holder of every key has its secret, or the ledger says that it is in question.
    fn every_key_is_explained(&self) {
        let asked = if self
            .site
            .value("postgres", "SELECT to_regclass('tenantctl.step') IS NULL")
            == "t"
        {
            Vec::new()
        } else {
            let open = "SELECT DISTINCT tenant FROM tenantctl.step WHERE finished_at IS NULL AND command = 'create_access_key'";
            self.site.sql("postgres", open).concat()
        };
        for user in state_of::users(&self.site) {
            for (id, _) in state_of::keys(&self.site, &user) {
                let path = self.site.path().join(format!("handover/{user}.age"));
                let held = path.exists() && self.recipient.key(&self.site, &user).id == id;
                assert!(
                    held || asked.contains(&user),
                    "nobody knows of the key of {user}, {id}"
                );
            }
        }
    }

    /// No question is open, everything in the ledger lives, and everything that lives is in the ledger.
    fn ledger_and_live_agree(&self) {
        const OPEN: &str = "SELECT address, command FROM tenantctl.step WHERE finished_at IS NULL";
        const DEAD: &str = "
            SELECT address FROM tenantctl.object
            WHERE address ->> 'kind' = 'role' AND object_oid NOT IN (SELECT oid FROM pg_roles)
               OR address ->> 'kind' = 'database' AND object_oid NOT IN (SELECT oid FROM pg_database)";
        const UNKNOWN: &str = "
            SELECT name FROM (SELECT oid, rolname AS name FROM pg_roles UNION ALL SELECT oid, datname FROM pg_database) living
            WHERE name ~ '^t[0-9][0-9]' AND oid NOT IN (SELECT object_oid FROM tenantctl.object WHERE object_oid IS NOT NULL)";
        for (what, query) in [("open", OPEN), ("dead", DEAD), ("unknown to the ledger", UNKNOWN)] {
            let rows = self.site.sql("postgres", query);
            assert!(rows.is_empty(), "{what}: {rows:?}");
        }
        let remembered = |query: &str| {
            let mut rows = self.site.sql("postgres", query).concat();
            rows.sort();
            rows
        };
        let of_kind = |kind: &str| {
            remembered(&format!(
                "SELECT address ->> 'name' FROM tenantctl.object WHERE address ->> 'kind' = '{kind}'"
            ))
        };
        let users = state_of::users(&self.site);
        assert_eq!(of_kind("iam_user"), users, "IAM users in the ledger and in IAM");
        let mut roles = state_of::texts(&state_of::call(&self.site, "ListRoles", &[]), "RoleName");
        roles.sort();
        assert_eq!(of_kind("iam_role"), roles, "IAM roles in the ledger and in IAM");
        let mut keys: Vec<_> = users
            .iter()
            .flat_map(|user| state_of::keys(&self.site, user))
            .map(|(id, _)| id)
            .collect();
        keys.sort();
        let known = remembered("SELECT id FROM tenantctl.access_key");
        assert_eq!(known, keys, "access keys in the ledger and in IAM");
    }
}
