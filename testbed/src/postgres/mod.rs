//! A Postgres server for one test, set up like Aurora.

mod template;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio_postgres::{Config, NoTls, SimpleQueryMessage, Socket, tls::MakeTlsConnect};

use crate::{
    error::{Context, Error},
    host::{self, Account},
    process::Supervised,
    runtime,
    tls::Authority,
};

/// The master user: may create databases and roles, and is not a superuser.
pub const MASTER: &str = "postgres_master";
const MASTER_PASSWORD: &str = "master-Passw0rd";
const SUPERUSER: &str = "rdsadmin";

/// Rows as text, as the simple query protocol gives them; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// What a server can be started with beyond the version.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines for `postgresql.conf`, after the test bed's own.
    pub extra_conf: Vec<(String, String)>,
    /// Host names and addresses for the server's certificate besides `localhost` and `127.0.0.1`.
    pub names: Vec<String>,
    /// The directory for its data while it runs. `None` is `$TENANTCTL_TESTBED_DATA`, or where that is not set, a
    /// directory beside what `scripts/setup` installs.
    pub data: Option<PathBuf>,
}

/// How to connect as the bootstrap superuser: by the socket, where nobody is asked for a password.
#[derive(Clone, Debug)]
pub struct Superuser {
    /// The directory of the Unix socket, which serves as the host.
    pub socket: PathBuf,
    /// The port, which is part of the socket's name.
    pub port: u16,
    /// The user.
    pub user: &'static str,
}

/// A running server. It stops, and its data is gone, when this value or the process is.
#[derive(Debug)]
pub struct Postgres {
    major: u16,
    port: u16,
    directory: PathBuf,
    prefix: PathBuf,
    account: Account,
    authority: Authority,
    process: Mutex<Option<Supervised>>,
}

impl Postgres {
    /// Starts a fresh server of a major version, 15 to 18.
    pub fn start(major: u16) -> Result<Self, Error> {
        Self::start_with(major, &Options::default())
    }

    /// Starts a fresh server with settings of its own.
    pub fn start_with(major: u16, options: &Options) -> Result<Self, Error> {
        let prefix = host::postgres_prefix(major)?;
        let account = Account::find()?;
        let template = template::data_directory(major, &prefix, account)?;
        let data = options.data.clone().unwrap_or_else(host::data);
        Self::start_in(&data, major, &prefix, account, &template, options)
    }

    /// Copies a data directory to a new one in `parent` and starts a server on the copy.
    fn start_in(
        parent: &Path,
        major: u16,
        prefix: &Path,
        account: Account,
        template: &Path,
        options: &Options,
    ) -> Result<Self, Error> {
        let directory = new_directory(parent, account)?;
        let server = Self {
            major,
            port: host::free_port()?,
            directory,
            prefix: prefix.to_owned(),
            account,
            authority: Authority::new()?,
            process: Mutex::new(None),
        };
        server.fill(template, options)?;
        server.launch()?;
        Ok(server)
    }

    fn fill(&self, template: &Path, options: &Options) -> Result<(), Error> {
        let mut copy = self.account.command(Path::new("cp"));
        copy.args(["-a", "--reflink=auto", "--sparse=always"])
            .arg(template)
            .arg(self.data());
        let status = copy.status().context(|| "running cp".into())?;
        if !status.success() {
            return Err(Error::Server(format!("cannot copy {}", template.display())));
        }
        self.account.directory(&self.socket(), 0o700)?;
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        names.extend(options.names.iter().cloned());
        let identity = self.authority.issue(&names)?;
        self.write("ca.pem", self.authority.pem(), 0o644)?;
        self.write("data/server.crt", &identity.certificate_pem, 0o600)?;
        self.write("data/server.key", &identity.key_pem, 0o600)?;
        self.write("data/pg_hba.conf", include_str!("pg_hba.conf"), 0o600)?;
        let own = fs::read_to_string(self.data().join("postgresql.conf"))
            .context(|| "reading postgresql.conf".into())?;
        self.write("data/postgresql.conf", &(own + &self.settings(options)), 0o600)
    }

    fn settings(&self, options: &Options) -> String {
        let socket = self.socket().display().to_string();
        let port = self.port.to_string();
        let own = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port),
            ("unix_socket_directories", &socket),
            ("max_connections", "100"),
            ("password_encryption", "scram-sha-256"),
            ("ssl", "on"),
            ("log_statement", "all"),
            ("log_connections", "on"),
            ("log_line_prefix", "%m [%p] %q%u@%d "),
            // The data is thrown away anyway: nothing here has to survive a power cut.
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("synchronous_commit", "off"),
        ];
        let own = own.iter().map(|(name, value)| (*name, *value));
        let extra = options
            .extra_conf
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain(extra)
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect()
    }

    fn write(&self, name: &str, content: &str, mode: u32) -> Result<(), Error> {
        let path = self.directory.join(name);
        fs::write(&path, content).context(|| format!("writing {}", path.display()))?;
        self.account.own(&path, mode)
    }

    fn launch(&self) -> Result<(), Error> {
        let path = self.log_file();
        let log = File::options().create(true).append(true).open(&path);
        let log = log.context(|| format!("opening {}", path.display()))?;
        let mut line = self.account.command_line(&self.prefix.join("bin/postgres"));
        line.extend(["-D".to_owned(), self.data().display().to_string()]);
        let libraries = vec![(
            "LD_LIBRARY_PATH".to_owned(),
            self.prefix.join("lib").display().to_string(),
        )];
        let mut process = Supervised::start(&line, &self.directory, Stdio::from(log), &libraries)?;
        self.wait_until_ready(&mut process)?;
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }

    /// The postmaster writes its state to the last line of its pid file; reading that leaves no failed logins behind.
    fn wait_until_ready(&self, process: &mut Supervised) -> Result<(), Error> {
        let pid_file = self.data().join("postmaster.pid");
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && !process.ended() {
            if fs::read_to_string(&pid_file).is_ok_and(|text| {
                text.lines()
                    .nth(7)
                    .is_some_and(|s| matches!(s.trim(), "ready" | "standby"))
            }) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(4));
        }
        Err(Error::Server(format!(
            "Postgres {} did not start:\n{}",
            self.major,
            self.log()
        )))
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The major version.
    pub fn major(&self) -> u16 {
        self.major
    }

    /// How to connect as the bootstrap superuser.
    pub fn superuser(&self) -> Superuser {
        Superuser {
            socket: self.socket(),
            port: self.port,
            user: SUPERUSER,
        }
    }

    /// The password of [`MASTER`].
    pub fn master_password(&self) -> &'static str {
        MASTER_PASSWORD
    }

    /// The certificate of the authority that signed the server's, for `sslrootcert`.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// Everything that the server has logged: connections and statements as well as errors.
    pub fn log(&self) -> String {
        fs::read(self.log_file())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Runs statements as the bootstrap superuser and returns the rows of all of them.
    ///
    /// Several statements in one text are one transaction, which `CREATE DATABASE` refuses.
    pub fn sql(&self, database: &str, statements: &str) -> Result<Rows, Error> {
        let mut config = Config::new();
        config
            .host_path(self.socket())
            .port(self.port)
            .user(SUPERUSER)
            .dbname(database);
        runtime::block_on(query(&config, NoTls, statements))
    }

    /// Runs statements as a user who logs in by password, over TCP to [`Postgres::port`].
    pub fn sql_as(
        &self,
        user: &str,
        password: &str,
        database: &str,
        statements: &str,
    ) -> Result<Rows, Error> {
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(self.port)
            .user(user)
            .password(password)
            .dbname(database);
        runtime::block_on(query(&config, NoTls, statements))
    }

    /// Stops the server and keeps its data.
    pub fn stop(&self) -> Result<(), Error> {
        match self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(process) => process.stop("INT"),
            None => Ok(()),
        }
    }

    /// Stops the server, if it runs, and starts it on the same data and port.
    pub fn restart(&self) -> Result<(), Error> {
        self.stop()?;
        self.launch()
    }

    /// As [`Self::restart`], but the server is stopped without a word to its clients, as by a crash: it recovers first.
    pub fn crash_and_restart(&self) -> Result<(), Error> {
        if let Some(process) = self.process.lock().unwrap_or_else(PoisonError::into_inner).take() {
            process.stop("QUIT")?;
        }
        self.launch()
    }

    /// Drops all connections and comes back as a reader, as the loser of a failover does.
    pub fn become_reader(&self) -> Result<(), Error> {
        self.stop()?;
        self.write("data/standby.signal", "", 0o600)?;
        self.launch()
    }

    /// Ends what [`Self::become_reader`] began: the server takes writes again.
    pub fn become_writer(&self) -> Result<(), Error> {
        self.sql("postgres", "SELECT pg_promote()").map(|_| ())
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.process.lock().unwrap_or_else(PoisonError::into_inner).take());
        // The supervisor has removed it, unless the server was stopped or never started.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A directory for one server, which only tests and the server itself can enter.
fn new_directory(parent: &Path, account: Account) -> Result<PathBuf, Error> {
    account.directory(parent, 0o755)?;
    let directory = tempfile::Builder::new().prefix("pg-").tempdir_in(parent);
    let directory = directory
        .context(|| format!("making a directory in {}", parent.display()))?
        .keep();
    account.own(&directory, 0o755)?;
    Ok(directory)
}

/// Connects, runs statements, and leaves.
pub(crate) async fn query<T>(config: &Config, tls: T, statements: &str) -> Result<Rows, Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(statements).await?;
    drop(client);
    // Waiting for the goodbye: a caller may go on to drop the database that this session was in.
    let _ = connection.await;
    Ok(rows(messages))
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Rows {
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|column| row.get(column).map(str::to_owned))
                .collect(),
        ),
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
