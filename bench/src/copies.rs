//! `CREATE DATABASE` alone: how long a copy of the template takes by either strategy, so many at a time.
//! <https://www.postgresql.org/docs/current/sql-createdatabase.html>
#![expect(clippy::disallowed_methods, reason = "it is statements that are timed")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use tenantctl_testbed::{Options, Postgres};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};

use crate::{Failed, storage};

const STRATEGIES: [&str; 2] = ["WAL_LOG", "FILE_COPY"];
const AT_A_TIME: [usize; 4] = [1, 2, 8, 16];

/// Milliseconds for each of `copies` databases, as a Markdown table.
pub fn table(major: u16, copies: usize) -> Result<String, Failed> {
    let options = Options {
        data: storage::for_tenants(copies * STRATEGIES.len() * AT_A_TIME.len()),
        ..Options::default()
    };
    let postgres = Postgres::start_with(major, &options)?;
    Runtime::new()?.block_on(compare(&postgres, copies))
}

async fn compare(postgres: &Postgres, copies: usize) -> Result<String, Failed> {
    let mut text = format!("| at a time | {} |\n|---|---|---|\n", STRATEGIES.join(" | "));
    for at_a_time in AT_A_TIME {
        let clients = try_join_all((0..at_a_time).map(|_| connect(postgres))).await?;
        let _ = write!(text, "| {at_a_time} |");
        for strategy in STRATEGIES {
            let took = time(&clients, strategy, copies).await?;
            let each = took.as_secs_f64() * 1000.0 / copies as f64;
            let _ = write!(text, " {each:.1} ms |");
        }
        text.push('\n');
    }
    Ok(text)
}

async fn time(clients: &[Client], strategy: &str, copies: usize) -> Result<Duration, Failed> {
    let begun = Instant::now();
    let shares = clients.iter().enumerate().map(|(first, client)| async move {
        for n in (first..copies).step_by(clients.len()) {
            let name = format!("{}_{}_{n}", strategy.to_lowercase(), clients.len());
            let create = format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY {strategy}");
            client.batch_execute(&create).await?;
        }
        Ok::<(), Failed>(())
    });
    try_join_all(shares).await?;
    Ok(begun.elapsed())
}

/// A superuser's session.
pub async fn connect(postgres: &Postgres) -> Result<Client, Failed> {
    let superuser = postgres.superuser();
    let mut config = Config::new();
    config
        .host_path(superuser.socket)
        .port(superuser.port)
        .user(superuser.user)
        .dbname("postgres");
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
