//! Connections to Postgres: who logs in, how, and with which settings.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::config::SslMode as WireSslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::aws::Aws;
use super::{ReadError, access, trace};
use crate::model::{ClusterFacts, Secret};

/// How long a connection may take: a paused Aurora Serverless cluster needs half a minute to wake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to close a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Start-up options of a session that only shows that it was let in. Whatever runs there by itself, such as a login
/// event trigger, is the tenant's own and runs as the tenant.
const KNOCK: &str = "-c default_transaction_read_only=on -c statement_timeout=10s -c lock_timeout=5s";

/// The values of a statement: what stands for `$1` and so on.
pub type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Where the admin's password comes from.
#[derive(Debug)]
pub enum Login {
    /// It was given.
    Password(Secret),
    /// A token, minted for each connection.
    Iam(Box<(Aws, ClusterFacts)>),
    /// The cluster's master secret; read again once when it is refused, because Secrets Manager rotates it.
    Secret {
        /// The client that reads it.
        aws: Box<Aws>,
        /// Its ARN.
        arn: String,
        /// What was read last.
        cached: AsyncMutex<Option<Secret>>,
    },
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Read only: Postgres refuses writes.
    Read,
    /// Apply.
    Write,
}

/// How far reading has come, for whoever watches: databases that were looked into, and those that were meant to be.
#[derive(Debug, Default)]
pub struct Reading {
    looked_into: AtomicUsize,
    expected: AtomicUsize,
}

impl Reading {
    /// So many more are about to be looked into.
    pub(super) fn expect(&self, databases: usize) {
        self.expected.fetch_add(databases, Ordering::Relaxed);
    }

    /// One was.
    pub(super) fn looked_into_one(&self) {
        self.looked_into.fetch_add(1, Ordering::Relaxed);
    }

    /// Looked into so far, and expected so far.
    pub fn so_far(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.looked_into), count(&self.expected))
    }
}

/// Makes connections as the admin.
pub struct Connector {
    /// Host to connect to.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The admin's role.
    pub username: String,
    /// Its password.
    pub login: Login,
    /// TLS; `None` for clear text.
    pub tls: Option<rustls::ClientConfig>,
    /// How far reading has come.
    pub reading: Reading,
    /// Shown in `pg_stat_activity`: who runs this. World-readable, so it holds no secret.
    pub application_name: String,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connector({}@{}:{})", self.username, self.host, self.port)
    }
}

/// One connection. Warnings of the server are kept, because a REVOKE that did nothing is one.
pub struct Session {
    client: Client,
    notices: Arc<Mutex<Vec<(SqlState, String)>>>,
    /// What was prepared, so that a statement that comes again costs one round trip and no parsing.
    prepared: Mutex<HashMap<String, Statement>>,
    /// The database it is in.
    pub database: String,
    /// The role that it logged in as.
    pub username: String,
}

impl Session {
    /// The client. Its writing calls are for `apply` alone; its reading ones are better made by [`Self::query`].
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a query.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Error> {
        let work = async { self.client.query(&self.prepare(sql).await?, values).await };
        self.timed(sql, values, work).await
    }

    /// Runs a query without values that this session asks once: prepared, sent and answered in one round trip.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn query_once(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.timed(sql, &[], self.client.query_typed(sql, &[])).await
    }

    /// A statement that may come again in this session.
    ///
    /// # Errors
    /// What the driver says.
    pub async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        let known = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        known().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs a query of exactly one row.
    ///
    /// # Errors
    /// What the driver says; also where there is no row, or more than one.
    pub async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, Error> {
        let work = async { self.client.query_one(&self.prepare(sql).await?, values).await };
        self.timed(sql, values, work).await
    }

    /// Does something with a statement, and says for `-v` what it was and how long it took.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn timed<T>(
        &self,
        sql: &str,
        values: Values<'_>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let done = work.await;
        trace::statement(
            &self.database,
            sql,
            values,
            started.elapsed(),
            done.as_ref().err(),
        );
        done
    }

    /// Takes the warnings and notices that came since the last call.
    pub fn take_notices(&self) -> Vec<(SqlState, String)> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Connector {
    /// Connects to a database as the admin.
    ///
    /// Every session pins `search_path`, `row_security` and its timeouts in the start-up packet, where neither
    /// `ALTER ROLE .. SET` nor `ALTER DATABASE .. SET` can override them, so that nothing a tenant left in its
    /// database can run as us or hang us.
    ///
    /// # Errors
    /// The database cannot be reached or refuses the login.
    pub async fn connect(&self, database: &str, purpose: Purpose) -> Result<Session, ReadError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let mut pause = Duration::from_millis(200);
        loop {
            match self.connect_once(database, purpose).await {
                Err(error) if error.is_busy() && Instant::now() + pause < deadline => {
                    tracing::debug!(database, %error, "connecting again");
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                done => return done,
            }
        }
    }

    /// As [`Self::connect`], for whoever waits for a busy server in another way.
    ///
    /// # Errors
    /// The database cannot be reached or refuses the login.
    pub async fn connect_once(&self, database: &str, purpose: Purpose) -> Result<Session, ReadError> {
        match self.attempt(database, purpose, false).await {
            Err(error)
                if error.sql_state() == Some(&SqlState::INVALID_PASSWORD)
                    && matches!(self.login, Login::Secret { .. }) =>
            {
                self.attempt(database, purpose, true).await
            }
            done => done,
        }
    }

    async fn attempt(&self, database: &str, purpose: Purpose, fresh: bool) -> Result<Session, ReadError> {
        let password = self.password(fresh).await?;
        let opened = self
            .open(&self.username, &password, database, options(purpose))
            .await?;
        Ok(Session {
            client: opened.client,
            notices: opened.notices,
            prepared: Mutex::default(),
            database: database.to_owned(),
            username: self.username.clone(),
        })
    }

    /// Connects as somebody else, and closes the session as soon as it is open: nothing is asked in it, and it could
    /// not write. Returns once the connection is closed.
    ///
    /// # Errors
    /// The database cannot be reached or refuses the login.
    pub async fn knock(&self, username: &str, password: &Secret, database: &str) -> Result<(), ReadError> {
        let Opened { client, driver, .. } = self.open(username, password, database, KNOCK).await?;
        drop(client);
        // The server ends the session when it is told to or loses the connection, whichever comes first.
        if timeout(CLOSE_TIMEOUT, driver).await.is_err() {
            tracing::debug!(username, database, "the server does not close the connection");
        }
        Ok(())
    }

    async fn open(
        &self,
        username: &str,
        password: &Secret,
        database: &str,
        options: &str,
    ) -> Result<Opened, ReadError> {
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(username)
            .password(password.expose())
            .dbname(database)
            .application_name(&self.application_name)
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(Duration::from_secs(30))
            .options(options);
        let started = Instant::now();
        let failed = |error| ReadError::connect(&self.host, self.port, username, database, error);
        let connected = timeout(CONNECT_TIMEOUT, async {
            match &self.tls {
                None => {
                    config.ssl_mode(WireSslMode::Disable);
                    config
                        .connect(NoTls)
                        .await
                        .map(|(client, connection)| drive(client, connection))
                }
                Some(tls) => {
                    config.ssl_mode(WireSslMode::Require);
                    let tls = MakeRustlsConnect::new(tls.clone());
                    config
                        .connect(tls)
                        .await
                        .map(|(client, connection)| drive(client, connection))
                }
            }
        })
        .await
        .map_err(|_| ReadError::ConnectTimeout {
            host: self.host.clone(),
            port: self.port,
        })?;
        trace::connection(username, database, started.elapsed(), connected.as_ref().err());
        connected.map_err(failed)
    }

    async fn password(&self, fresh: bool) -> Result<Secret, ReadError> {
        match &self.login {
            Login::Password(secret) => Ok(secret.clone()),
            Login::Iam(with) => Ok(access::admin_token(&with.0, &with.1, &self.username).await?),
            Login::Secret { aws, arn, cached } => {
                let mut cached = cached.lock().await;
                match &*cached {
                    Some(secret) if !fresh => Ok(secret.clone()),
                    _ => {
                        let (_, secret) = access::master_secret(aws, arn).await?;
                        *cached = Some(secret.clone());
                        Ok(secret)
                    }
                }
            }
        }
    }
}

/// Start-up options. A reader that waits is useless, so its lock timeout is short; a writer's is longer but finite. The
/// session that holds the lock idles for as long as an apply takes, whatever the server thinks of idle sessions.
fn options(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Read => {
            "-c search_path=pg_catalog -c row_security=off -c default_transaction_read_only=on \
             -c lock_timeout=5s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s \
             -c idle_session_timeout=0"
        }
        Purpose::Write => {
            "-c search_path=pg_catalog -c row_security=off -c default_transaction_read_only=off \
             -c lock_timeout=15s -c statement_timeout=300s -c idle_in_transaction_session_timeout=300s \
             -c idle_session_timeout=0"
        }
    }
}

/// Notices gathered while a connection is driven.
type Notices = Arc<Mutex<Vec<(SqlState, String)>>>;

/// A connection, and the task that drives it.
struct Opened {
    client: Client,
    notices: Notices,
    driver: JoinHandle<()>,
}

fn drive<S, T>(client: Client, mut connection: tokio_postgres::Connection<S, T>) -> Opened
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let notices = Notices::default();
    let sink = Arc::clone(&notices);
    let driver = tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => sink
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((notice.code().clone(), notice.message().to_owned())),
                Ok(_) => {}
                // The client's pending and next calls fail with it; there is nobody else to tell.
                Err(error) => {
                    tracing::debug!(%error, "connection ended");
                    break;
                }
            }
        }
    });
    Opened {
        client,
        notices,
        driver,
    }
}
