//! A world, a configuration directory for it, and tenantctl run in there, with what that took.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use serde_json::Value;
use tenantctl_testbed::{Behaviour, Options, World};

use crate::Failed;

/// Users and roles on a page of `GetAccountAuthorizationDetails`, at most.
const PAGE: usize = 1000;

/// What a run took.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// Of the clock.
    pub elapsed: Duration,
    /// Calls to AWS.
    pub calls: usize,
    /// Connections to Postgres.
    pub connections: i64,
    /// Most of main memory at any time, in MiB.
    pub peak: f64,
    /// Parts and their seconds, in the order in which they ended. Some run beside each other.
    pub parts: Vec<(String, f64)>,
}

/// A world with a tenants file.
pub struct Site {
    /// The servers.
    pub world: World,
    directory: tempfile::TempDir,
    binary: PathBuf,
}

impl Site {
    /// Starts a world with its databases in `data`, and settings of its server. The file asks for `tenants` tenants of one
    /// database each.
    pub fn start(
        major: u16,
        tenants: usize,
        binary: &Path,
        data: Option<PathBuf>,
        settings: &[(String, String)],
    ) -> Result<Self, Failed> {
        // The test bed logs every statement and connection, which tests look at and which costs.
        let quiet = [
            ("log_statement", "none"),
            ("log_connections", "off"),
            ("log_disconnections", "off"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let options = Options {
            extra_conf: quiet.into_iter().chain(settings.iter().cloned()).collect(),
            data,
            ..Options::default()
        };
        let world = World::start_with(major, "prod-tenants", &options)?;
        // As many as AWS tells at a time, which the emulator does not do.
        world.proxy.behave(Behaviour {
            page: Some(PAGE),
            users: Some(Behaviour::NO_QUOTA),
            roles: Some(Behaviour::NO_QUOTA),
            ..Behaviour::default()
        });
        let directory = tempfile::tempdir()?;
        let site = Self {
            world,
            directory,
            binary: binary.to_owned(),
        };
        let cluster = format!(
            "cluster \"main\" {{\n  identifier = \"prod-tenants\"\n  region = \"eu-central-1\"\n  endpoint = {:?}\n  \
             sslrootcert = {:?}\n}}\n",
            // Not by the front door: whoever logs in by password is no concern of it.
            format!("localhost:{}", site.world.postgres.port()),
            site.world.postgres.ca_file().display().to_string()
        );
        fs::write(site.directory.path().join("cluster.hcl"), cluster)?;
        site.tenants(tenants, 0)?;
        Ok(site)
    }

    /// Writes the tenants file; the first `changed` of them come from another address.
    pub fn tenants(&self, tenants: usize, changed: usize) -> Result<(), Failed> {
        let mut text = String::new();
        for n in 0..tenants {
            let address = address(n, n < changed);
            let _ = write!(
                text,
                "tenant \"t{n:05}\" {{\n  databases   = [\"app\"]\n  allowed_ips = [\"{address}\"]\n}}\n"
            );
        }
        Ok(fs::write(self.directory.path().join("tenants.hcl"), text)?)
    }

    /// A process that reads the files and does nothing with them.
    pub fn read_files(&self) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let files = ["cluster.hcl", "tenants.hcl"].map(|name| self.directory.path().join(name));
        Command::new("cat").args(files).stdout(Stdio::null()).status()?;
        Ok(begun.elapsed())
    }

    /// Runs tenantctl. What it took.
    pub fn cost(&self, arguments: &[&str]) -> Result<Cost, Failed> {
        Ok(self.run(arguments)?.1)
    }

    /// The plan, for machines.
    pub fn plan(&self) -> Result<Value, Failed> {
        Ok(serde_json::from_str(&self.run(&["plan", "--json"])?.0)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("-C")
            .arg(self.directory.path())
            .args(arguments)
            .args(["--quiet", "--timings", "--log-format", "json"])
            .envs(self.world.env())
            .stdin(Stdio::null());
        command
    }

    /// Runs tenantctl. Its standard output, and what it took.
    fn run(&self, arguments: &[&str]) -> Result<(String, Cost), Failed> {
        let connections = self.connections()?;
        self.world.proxy.reset_counts();
        let output = self.directory.path().join("output");
        let begun = Instant::now();
        let mut child = self
            .command(arguments)
            .stdout(fs::File::create(&output)?)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut errors = child.stderr.take().ok_or("no standard error")?;
        let said = thread::spawn(move || io::read_to_string(&mut errors));
        let mut peak = 0.0;
        let status = loop {
            peak = high_water_mark(child.id()).unwrap_or(peak);
            if let Some(status) = child.try_wait()? {
                break status;
            }
            thread::sleep(Duration::from_millis(2));
        };
        let elapsed = begun.elapsed();
        let said = said.join().map_err(|_| "standard error was lost")??;
        if !status.success() {
            return Err(format!("tenantctl {}: {status}\n{said}", arguments.join(" ")).into());
        }
        let cost = Cost {
            elapsed,
            calls: self.world.proxy.counts().values().sum(),
            // The first count was a session, too.
            connections: self.connections()? - connections - 1,
            peak,
            parts: parts(&said),
        };
        Ok((fs::read_to_string(output)?, cost))
    }

    /// How many sessions there have been in all databases, the one that asks left out.
    fn connections(&self) -> Result<i64, Failed> {
        let count = "SELECT sum(sessions)::int8 FROM pg_stat_database WHERE datname IS NOT NULL";
        let rows = self.world.postgres.sql("postgres", count)?;
        let count = rows
            .into_iter()
            .flatten()
            .flatten()
            .next()
            .ok_or("no count of sessions")?;
        Ok(count.parse()?)
    }
}

/// Where a tenant comes from.
pub fn address(n: usize, changed: bool) -> String {
    let network = if changed { 51 } else { 52 };
    format!("203.{network}.{}.{}/32", n / 250, n % 250)
}

/// What `--timings` says.
fn parts(said: &str) -> Vec<(String, f64)> {
    let events = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let timed = events.filter(|event| event["target"] == "tenantctl::time");
    let part = |event: Value| {
        let milliseconds = event["milliseconds"].as_f64()?;
        Some((event["message"].as_str()?.to_owned(), milliseconds / 1000.0))
    };
    timed.filter_map(part).collect()
}

/// `VmHWM`, <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>.
fn high_water_mark(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}
