//! A directory with a tenants file, and the cluster it is about.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use tenantctl_testbed::{Error, MASTER, Options, World};

/// One world, and one configuration directory for it.
pub struct Site {
    pub world: World,
    directory: tempfile::TempDir,
}

/// How a run of the binary ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test unless it ended well; what it printed as data.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }

    /// Fails the test unless it ended badly; what it complained about.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.code, 1, "{self}");
        self.stderr
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// A tenant's session that does nothing for a long time, to see whether it is ended.
pub struct OpenSession(JoinHandle<Result<(), Error>>);

impl OpenSession {
    /// Fails the test unless the server ended it, as `pg_terminate_backend` does.
    #[track_caller]
    pub fn was_ended(self) {
        let error = self.0.join().unwrap().unwrap_err();
        assert_eq!(error.code(), Some("57P01"), "{error}");
    }

    pub fn is_open(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Site {
    pub fn start(major: u16) -> Self {
        Self::start_with(major, &Options::default())
    }

    pub fn start_with(major: u16, options: &Options) -> Self {
        Self {
            world: World::start_with(major, "prod-tenants", options).unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A site with these tenants, applied.
    #[track_caller]
    pub fn with(major: u16, tenants: &str) -> Self {
        let site = Self::start(major);
        site.settle(tenants);
        site
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The cluster block of this site with arguments of its own.
    pub fn cluster(&self, more: &str) -> String {
        self.cluster_of("prod-tenants", more)
    }

    pub fn cluster_of(&self, identifier: &str, more: &str) -> String {
        let roots = self.world.front_door.ca_file().display().to_string();
        let roots = if more.contains("sslrootcert") {
            String::new()
        } else {
            format!("sslrootcert = {roots:?}")
        };
        format!(
            "cluster \"main\" {{\n  identifier = {identifier:?}\n  region = \"eu-central-1\"\n  endpoint = {:?}\n  \
             {roots}\n  {more}\n}}\n",
            self.world.endpoint()
        )
    }

    /// Writes the tenants file: a cluster block and this.
    pub fn tenants(&self, text: &str) {
        self.write("tenants.hcl", &format!("{}\n{text}\n", self.cluster("")));
    }

    /// Writes the tenants file, applies it, and sees that nothing is left to do.
    #[track_caller]
    pub fn settle(&self, text: &str) {
        self.tenants(text);
        self.apply().ok();
        self.assert_converged();
    }

    /// The binary, as the operator calls it, with nothing of this machine's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantctl"));
        command.env_clear().envs(self.world.env());
        for name in ["PATH", "HOME"] {
            command.envs(std::env::var(name).map(|value| (name, value)));
        }
        command.arg("-C").arg(self.path()).args(arguments);
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = self.command(arguments);
        Run::of(command.envs(environment.iter().copied()).output().unwrap())
    }

    /// Starts a run and does not wait for it.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn plan(&self) -> Run {
        self.run(&["plan"])
    }

    #[track_caller]
    pub fn plan_json(&self) -> Value {
        self.plan_json_with(&[])
    }

    #[track_caller]
    pub fn plan_json_with(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[&["plan", "--json"], arguments].concat()).ok();
        serde_json::from_str(&text).unwrap()
    }

    pub fn apply(&self) -> Run {
        self.run(&["apply", "--auto-approve"])
    }

    /// A plan of this file is empty, and says so in words and by its exit code.
    #[track_caller]
    pub fn assert_converged(&self) {
        let run = self.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(run.code, 0, "there are changes left: {run}");
        assert!(run.stdout.contains("No changes."), "{run}");
    }

    /// Rows as the superuser sees them; NULL is an empty text.
    #[track_caller]
    pub fn sql(&self, database: &str, statement: &str) -> Vec<Vec<String>> {
        let rows = self.world.postgres.sql(database, statement);
        let rows = rows.unwrap_or_else(|error| panic!("{error} in {statement}"));
        rows.into_iter()
            .map(|row| row.into_iter().map(Option::unwrap_or_default).collect())
            .collect()
    }

    /// The one value of a query.
    #[track_caller]
    pub fn value(&self, database: &str, query: &str) -> String {
        let rows = self.sql(database, query);
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows[0][0].clone()
    }

    /// Runs a statement as the master user, who is no superuser.
    #[track_caller]
    pub fn master(&self, database: &str, statement: &str) {
        let password = self.world.postgres.master_password();
        let done = self.world.postgres.sql_as(MASTER, password, database, statement);
        done.unwrap_or_else(|error| panic!("{error} in {statement}"));
    }

    /// Logs in through the front door; the first value, or the SQLSTATE of the refusal.
    pub fn login(&self, user: &str, secret: &str, database: &str, statement: &str) -> Result<String, String> {
        match self.world.front_door.sql_as(user, secret, database, statement) {
            Ok(rows) => {
                let first = rows.into_iter().next().and_then(|row| row.into_iter().next());
                Ok(first.flatten().unwrap_or_default())
            }
            Err(error) => Err(error.code().map_or_else(|| error.to_string(), str::to_owned)),
        }
    }

    /// A session of a tenant in a database, once the server knows of it.
    #[track_caller]
    pub fn open_session(&self, user: &str, secret: &str, database: &str) -> OpenSession {
        let before = self.sessions(user, database);
        let (port, roots) = (self.world.front_door.port(), self.world.front_door.ca_file());
        let (user_name, secret, name) = (user.to_owned(), secret.to_owned(), database.to_owned());
        let session = OpenSession(thread::spawn(move || {
            sleep_in(port, &roots, &user_name, &secret, &name)
        }));
        wait_until("a session is open", || {
            self.sessions(user, database) > before || !session.is_open()
        });
        assert!(
            session.is_open(),
            "{user} cannot log in to {database}: {:?}",
            session.0.join()
        );
        session
    }

    pub fn sessions(&self, user: &str, database: &str) -> usize {
        let query = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND datname = '{database}' \
             AND query LIKE '%pg_sleep%'"
        );
        self.value("postgres", &query).parse().unwrap()
    }
}

/// Sleeps in a session of its own, so that the test need not lend its world to a thread.
#[expect(
    clippy::disallowed_methods,
    reason = "the tenant's session, which the program under test has no part in"
)]
fn sleep_in(port: u16, roots: &Path, user: &str, secret: &str, database: &str) -> Result<(), Error> {
    let roots = rustls::pki_types::CertificateDer::from_pem_file(roots).unwrap();
    let mut store = rustls::RootCertStore::empty();
    store.add(roots).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    let mut config = tokio_postgres::Config::new();
    config
        .host("localhost")
        .port(port)
        .user(user)
        .password(secret)
        .dbname(database);
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(connection);
        client.batch_execute("SELECT pg_sleep(300)").await?;
        Ok(())
    })
}

/// Waits for something that takes a moment.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// `address action` of every change of a plan, sorted.
pub fn changes(plan: &Value) -> Vec<String> {
    let words = |change: &Value| format!("{} {}", text(&change["address"]), text(&change["action"]));
    let mut changes: Vec<_> = plan["changes"].as_array().unwrap().iter().map(words).collect();
    changes.sort();
    changes
}

/// Why an address is held; empty when it is not.
pub fn held<'a>(plan: &'a Value, address: &str) -> &'a str {
    let all = plan["held"].as_array().unwrap();
    all.iter()
        .find(|held| held["address"] == address)
        .map_or("", |held| held["because"].as_str().unwrap())
}

/// The codes of a plan's warnings.
pub fn warnings(plan: &Value) -> Vec<&str> {
    let all = plan["warnings"].as_array().unwrap();
    all.iter()
        .map(|warning| warning["code"].as_str().unwrap())
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
