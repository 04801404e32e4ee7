//! The part of Aurora that Postgres lacks: logging in with an IAM token.
//!
//! A TLS proxy that reads the start-up packet. A member of `rds_iam` is asked for a token, which is checked, and is
//! then let in by the socket, where Postgres asks nothing. Everybody else is relayed, SCRAM end to end.

mod gated;

use std::{
    io,
    net::{Ipv4Addr, TcpListener as StdListener},
    path::PathBuf,
    sync::Arc,
};

use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
    task::{AbortHandle, JoinSet},
};
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::TlsAcceptor;

use crate::{
    aws::{
        Aws,
        token::{Target, verify},
    },
    error::{Context, Error},
    gate::Gate,
    host,
    postgres::{MASTER, Postgres, Rows, Superuser, query},
    runtime,
    tls::Authority,
};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
/// No start-up packet is larger; Postgres has the same limit.
const LONGEST: usize = 10_000;

/// Membership as RDS sees it: before 16 any, since then only one that is inherited.
const NEEDS_TOKEN: &str = "
    SELECT NOT role.rolsuper AND pg_has_role(role.oid, iam.oid, CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'USAGE' ELSE 'MEMBER' END)
    FROM pg_roles AS role, pg_roles AS iam
    WHERE role.rolname = $1 AND iam.rolname = 'rds_iam'";

/// A listening front door. It closes, and cuts its connections, when this value is dropped.
#[derive(Debug)]
pub struct FrontDoor {
    port: u16,
    ca_file: PathBuf,
    client: ClientConfig,
    gate: Arc<Gate>,
    task: AbortHandle,
}

/// What a connection needs to know.
struct Building {
    superuser: Superuser,
    acceptor: TlsAcceptor,
    target: Target,
    gate: Arc<Gate>,
}

impl FrontDoor {
    /// Opens a front door before a server, for the cluster with this `cluster-...` id. Tokens must be made for
    /// `localhost:PORT` or `127.0.0.1:PORT`, or for one of `endpoints` (`host:port`).
    pub fn start(
        postgres: &Postgres,
        aws: &Aws,
        resource_id: &str,
        endpoints: &[&str],
    ) -> Result<Self, Error> {
        Self::start_on(host::free_port()?, postgres, aws, resource_id, endpoints)
    }

    /// The same on a port that is known beforehand.
    pub(crate) fn start_on(
        port: u16,
        postgres: &Postgres,
        aws: &Aws,
        resource_id: &str,
        endpoints: &[&str],
    ) -> Result<Self, Error> {
        let listener =
            StdListener::bind((Ipv4Addr::LOCALHOST, port)).context(|| "opening the front door".into())?;
        listener
            .set_nonblocking(true)
            .context(|| "opening the front door".into())?;
        let own = ["localhost", "127.0.0.1"].map(|host| format!("{host}:{port}"));
        let endpoints: Vec<_> = own
            .into_iter()
            .chain(endpoints.iter().map(|name| (*name).to_owned()))
            .collect();
        let authority = postgres.authority();
        let gate = Arc::new(Gate::default());
        let building = Building {
            gate: Arc::clone(&gate),
            superuser: postgres.superuser(),
            acceptor: acceptor(authority, &endpoints)?,
            target: Target {
                aws: aws.address(),
                endpoints,
                resource_id: resource_id.to_owned(),
            },
        };
        let task = runtime::spawn(welcome(listener, Arc::new(building)));
        Ok(Self {
            port,
            ca_file: postgres.ca_file(),
            client: authority.client()?,
            gate,
            task,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The gate that the master's changes go through.
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// `localhost:PORT`, for which tokens are made.
    pub fn endpoint(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The certificate of the authority that signed the front door's, for `sslrootcert`.
    pub fn ca_file(&self) -> PathBuf {
        self.ca_file.clone()
    }

    /// Runs statements as a user who logs in over verified TLS with a password or a token.
    pub fn sql_as(
        &self,
        user: &str,
        password: &str,
        database: &str,
        statements: &str,
    ) -> Result<Rows, Error> {
        let mut config = Config::new();
        config
            .host("localhost")
            .port(self.port)
            .ssl_mode(SslMode::Require);
        config.user(user).password(password).dbname(database);
        runtime::block_on(query(
            &config,
            MakeRustlsConnect::new(self.client.clone()),
            statements,
        ))
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(authority: &Authority, endpoints: &[String]) -> Result<TlsAcceptor, Error> {
    let hosts = endpoints
        .iter()
        .filter_map(|endpoint| Some(endpoint.rsplit_once(':')?.0.to_owned()));
    Ok(TlsAcceptor::from(Arc::new(
        authority.issue(&hosts.collect::<Vec<_>>())?.server()?,
    )))
}

async fn welcome(listener: StdListener, building: Arc<Building>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    // Dropped together with this future, which cuts them.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let building = Arc::clone(&building);
        connections.spawn(async move {
            // A client that goes away in the middle is no concern of the others.
            let _ = building.negotiate(stream).await;
        });
    }
}

/// A start-up packet as it came, with what it is about.
struct Startup {
    packet: Vec<u8>,
    code: u32,
}

impl Startup {
    async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let length = stream.read_u32().await?;
        let body = (length as usize)
            .checked_sub(4)
            .filter(|body| (4..=LONGEST).contains(body));
        let mut packet = length.to_be_bytes().to_vec();
        packet.resize(4 + body.ok_or(io::ErrorKind::InvalidData)?, 0);
        stream.read_exact(&mut packet[4..]).await?;
        let code = packet[4..8]
            .iter()
            .fold(0, |code, byte| code << 8 | u32::from(*byte));
        Ok(Self { packet, code })
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let mut words = self.packet[8..].split(|byte| *byte == 0);
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            if key == name.as_bytes() {
                return Some(String::from_utf8_lossy(value).into_owned());
            }
        }
        None
    }
}

impl Building {
    async fn negotiate(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            let startup = Startup::read(&mut stream).await?;
            match startup.code {
                SSL_REQUEST => {
                    stream.write_all(b"S").await?;
                    let mut stream = self.acceptor.accept(stream).await?;
                    let startup = Startup::read(&mut stream).await?;
                    return self.receive(stream, startup, true).await;
                }
                GSS_REQUEST => stream.write_all(b"N").await?,
                _ => return self.receive(stream, startup, false).await,
            }
        }
    }

    async fn receive(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        startup: Startup,
        encrypted: bool,
    ) -> io::Result<()> {
        let user = startup.parameter("user").unwrap_or_default();
        if startup.code == CANCEL_REQUEST || !self.needs_token(&user).await? {
            let mut backend = TcpStream::connect((Ipv4Addr::LOCALHOST, self.superuser.port)).await?;
            backend.set_nodelay(true)?;
            if startup.code != CANCEL_REQUEST && user == MASTER {
                backend.write_all(&startup.packet).await?;
                return gated::relay(&self.gate, stream, backend).await;
            }
            return relay(stream, backend, &startup).await;
        }
        if !encrypted {
            let database = startup.parameter("database").unwrap_or_else(|| user.clone());
            let why = format!(
                "no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"{database}\", no encryption"
            );
            return refuse(stream, &why).await;
        }
        let token = ask_for_password(&mut stream).await?;
        if verify(&self.target, &user, &token).await.is_err() {
            return refuse(stream, &format!("PAM authentication failed for user \"{user}\"")).await;
        }
        let socket = self
            .superuser
            .socket
            .join(format!(".s.PGSQL.{}", self.superuser.port));
        relay(stream, UnixStream::connect(socket).await?, &startup).await
    }

    async fn needs_token(&self, user: &str) -> io::Result<bool> {
        let mut config = Config::new();
        config
            .host_path(&self.superuser.socket)
            .port(self.superuser.port)
            .user(self.superuser.user);
        config.dbname("postgres").application_name("front door");
        let (client, connection) = config.connect(NoTls).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        let row = client
            .query_opt(NEEDS_TOKEN, &[&user])
            .await
            .map_err(io::Error::other)?;
        Ok(row.is_some_and(|row| row.get(0)))
    }
}

/// Passes the start-up packet on, and everything after it in both directions.
async fn relay(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut backend: impl AsyncRead + AsyncWrite + Unpin,
    startup: &Startup,
) -> io::Result<()> {
    backend.write_all(&startup.packet).await?;
    copy_bidirectional(&mut client, &mut backend).await.map(|_| ())
}

async fn ask_for_password(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<String> {
    // AuthenticationCleartextPassword: that is why only TLS will do.
    stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?;
    stream.flush().await?;
    if stream.read_u8().await? != b'p' {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let length = (stream.read_u32().await? as usize).saturating_sub(4);
    let mut password = vec![0; length.min(65_536)];
    stream.read_exact(&mut password).await?;
    password.pop();
    String::from_utf8(password).map_err(io::Error::other)
}

/// Ends a connection with SQLSTATE 28000, as RDS ends those with a wrong token.
async fn refuse(mut stream: impl AsyncWrite + Unpin, why: &str) -> io::Result<()> {
    let fields = format!("SFATAL\0VFATAL\0C28000\0M{why}\0\0");
    let length = fields.len() as u32 + 4;
    stream.write_all(b"E").await?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(fields.as_bytes()).await?;
    stream.shutdown().await
}
