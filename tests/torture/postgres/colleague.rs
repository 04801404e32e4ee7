//! Somebody else with a session of their own, who does one thing after the other.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, NoTls};

use super::super::site::Site;

/// A session of the superuser, or of the master user.
pub struct Colleague {
    // Dropped first, while there is something to run its goodbye on.
    client: Client,
    runtime: Runtime,
}

impl Colleague {
    pub fn superuser(site: &Site, database: &str) -> Self {
        let superuser = site.world.postgres.superuser();
        let mut config = Config::new();
        config
            .host_path(superuser.socket)
            .port(superuser.port)
            .user(superuser.user);
        Self::connect(config, database)
    }

    pub fn master(site: &Site, database: &str) -> Self {
        let postgres = &site.world.postgres;
        let mut config = Config::new();
        config
            .host("127.0.0.1")
            .port(postgres.port())
            .user(tenantctl_testbed::MASTER)
            .password(postgres.master_password());
        Self::connect(config, database)
    }

    fn connect(mut config: Config, database: &str) -> Self {
        config.dbname(database).application_name("colleague");
        // A thread of its own drives the connection while nobody asks anything.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (client, connection) = runtime.block_on(config.connect(NoTls)).unwrap();
        runtime.spawn(connection);
        Self { client, runtime }
    }

    #[expect(clippy::disallowed_methods, reason = "what somebody else does")]
    pub fn try_to(&self, statements: &str) -> Result<(), tokio_postgres::Error> {
        self.runtime.block_on(self.client.batch_execute(statements))
    }

    #[track_caller]
    pub fn does(&self, statements: &str) {
        self.try_to(statements)
            .unwrap_or_else(|error| panic!("{error} in {statements}"));
    }
}
