//! Another tenant, who tries every door all the time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio_postgres::{Config, NoTls};

use super::World;

/// The databases that the bystander may enter now, its own left out.
const OPEN_TO_ME: &str = "
    SELECT datname::text FROM pg_database
    WHERE datallowconn AND datname <> current_database() AND has_database_privilege(oid, 'CONNECT')";
const ALL: &str = "SELECT datname::text FROM pg_database WHERE datname <> current_database() ORDER BY 1";
/// So many times it asks for every time it really tries to get in somewhere.
const ASKED_PER_TRY: usize = 50;

/// A session of the bystander's, and what it saw.
pub struct Bystander {
    thread: JoinHandle<()>,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    is_over: AtomicBool,
    asked: AtomicUsize,
    tried: AtomicUsize,
    seen: Mutex<Vec<String>>,
}

impl Bystander {
    /// Logs in with the password that was handed over to it, and begins.
    pub fn watch(world: &World) -> Self {
        let mut config = Config::new();
        let password = world.recipient.open(&world.site, "bystander")["password"].clone();
        config.host("127.0.0.1").port(world.site.world.postgres.port());
        config
            .user("bystander")
            .password(password)
            .dbname("bystander_db1");
        let watch = Arc::new(Watch::default());
        let thread = std::thread::spawn({
            let watch = Arc::clone(&watch);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(watch.doors(&config));
            }
        });
        Self { thread, watch }
    }

    /// A violation, if a door was open since the last time.
    #[track_caller]
    pub fn saw_nothing(&self) {
        assert!(!self.thread.is_finished(), "the bystander was thrown out");
        let seen = std::mem::take(&mut *self.watch.seen.lock().unwrap());
        assert!(seen.is_empty(), "open to another tenant: {seen:?}");
    }

    /// Ends it. A bystander who never asked has seen nothing.
    pub fn end(self) {
        self.saw_nothing();
        self.watch.is_over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        let (asked, tried) = (&self.watch.asked, &self.watch.tried);
        let (asked, tried) = (asked.load(Ordering::SeqCst), tried.load(Ordering::SeqCst));
        assert!(
            asked > 100 && tried > 2,
            "asked {asked} times, tried {tried} times"
        );
        eprintln!(
            "torture: meanwhile another tenant asked {asked} times what it may enter, and tried {tried} times"
        );
    }
}

impl Watch {
    async fn doors(&self, config: &Config) {
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let open_to_me = client.prepare(OPEN_TO_ME).await.unwrap();
        while !self.is_over.load(Ordering::SeqCst) {
            for row in client.query(&open_to_me, &[]).await.unwrap() {
                self.seen.lock().unwrap().push(row.get(0));
            }
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            if asked.is_multiple_of(ASKED_PER_TRY) {
                let rows = client.query(ALL, &[]).await.unwrap();
                let turn = asked / ASKED_PER_TRY;
                if let Some(row) = rows.get(turn % rows.len().max(1)) {
                    self.try_to_enter(config, row.get(0)).await;
                }
            }
            // Often enough for a door that is open for milliseconds; the server has other work too.
            tokio::time::sleep(std::time::Duration::from_millis(4)).await;
        }
    }

    async fn try_to_enter(&self, config: &Config, database: &str) {
        self.tried.fetch_add(1, Ordering::SeqCst);
        if config.clone().dbname(database).connect(NoTls).await.is_ok() {
            self.seen
                .lock()
                .unwrap()
                .push(format!("{database}, and it got in"));
        }
    }
}
