//! Everything a run of tenantctl talks to.

use std::{
    net::{IpAddr, Ipv4Addr},
    thread,
};

use crate::{
    aws::{Aws, AwsProxy, Cluster, ClusterSpec},
    error::Error,
    front_door::FrontDoor,
    gate::Gate,
    host,
    postgres::{MASTER, Options, Postgres},
};

/// A Postgres behind its front door, known to an emulated AWS as an Aurora cluster.
///
/// The parts are there to be used one by one; they stop in this order.
#[derive(Debug)]
pub struct World {
    /// Where clients log in.
    pub front_door: FrontDoor,
    /// Where AWS clients go. Trust policies are checked, for callers from 127.0.0.1.
    pub proxy: AwsProxy,
    /// What AWS says about the cluster.
    pub cluster: Cluster,
    /// The emulator behind the proxy.
    pub aws: Aws,
    /// The server behind the front door.
    pub postgres: Postgres,
}

impl World {
    /// Starts a world with a cluster called `prod-tenants`.
    pub fn start(major: u16) -> Result<Self, Error> {
        Self::start_with(major, "prod-tenants", &Options::default())
    }

    /// Starts a world with a cluster of another name, and a server with settings of its own.
    pub fn start_with(major: u16, identifier: &str, options: &Options) -> Result<Self, Error> {
        // Both wait more than they work, so they wait together.
        let (postgres, aws) = thread::scope(|scope| {
            let aws = scope.spawn(Aws::start);
            let postgres = Postgres::start_with(major, options);
            let stopped = |_| Err(Error::Server("the emulator's thread panicked".into()));
            (postgres, aws.join().unwrap_or_else(stopped))
        });
        let (postgres, aws) = (postgres?, aws?);
        let Neighbour {
            front_door,
            cluster,
            postgres,
        } = Neighbour::of(&aws, postgres, identifier)?;
        let proxy = AwsProxy::start(&aws)?;
        proxy.guard(front_door.gate());
        proxy.check_trust(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Ok(Self {
            front_door,
            proxy,
            cluster,
            aws,
            postgres,
        })
    }

    /// Starts another cluster in the same account. Its changes go through a gate of its own.
    pub fn neighbour(&self, major: u16, identifier: &str) -> Result<Neighbour, Error> {
        Neighbour::of(&self.aws, Postgres::start(major)?, identifier)
    }

    /// The gate that all changes of a run go through, those to AWS and those to Postgres.
    pub fn gate(&self) -> &Gate {
        self.front_door.gate()
    }

    /// The environment for tenantctl: AWS by way of the proxy, and the master's password.
    pub fn env(&self) -> Vec<(String, String)> {
        let mut env = self.proxy.env();
        let certificate = self.front_door.ca_file().display().to_string();
        let own = [
            ("PGPASSWORD", self.postgres.master_password().to_owned()),
            ("PGSSLROOTCERT", certificate),
        ];
        env.extend(own.map(|(name, value)| (name.to_owned(), value)));
        env
    }

    /// `host:port` at which the cluster can be reached.
    pub fn endpoint(&self) -> String {
        self.front_door.endpoint()
    }
}

/// Another cluster in the account of a world: a Postgres of its own behind a front door of its own.
#[derive(Debug)]
pub struct Neighbour {
    /// Where clients log in.
    pub front_door: FrontDoor,
    /// What AWS says about the cluster.
    pub cluster: Cluster,
    /// The server behind the front door.
    pub postgres: Postgres,
}

impl Neighbour {
    /// Makes a server known to an account as a cluster.
    fn of(aws: &Aws, postgres: Postgres, identifier: &str) -> Result<Self, Error> {
        let port = host::free_port()?;
        let spec = ClusterSpec {
            identifier,
            master_username: MASTER,
            port,
            iam: true,
            manage_master_secret: false,
        };
        let cluster = aws.create_cluster(&spec)?;
        let endpoint = format!("{}:{port}", cluster.endpoint);
        let front_door = FrontDoor::start_on(port, &postgres, aws, &cluster.resource_id, &[&endpoint])?;
        Ok(Self {
            front_door,
            cluster,
            postgres,
        })
    }
}
