//! Relaying a connection message by message, past the gate.
//!
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use crate::gate::{Gate, Passage};

/// What both directions of a connection know.
struct Connection<'a> {
    gate: &'a Gate,
    /// As the server last said: `I` idle, `T` in a transaction, `E` in a failed one.
    status: AtomicU8,
    /// The answer that is on its way must not arrive.
    is_last: AtomicBool,
}

/// Passes messages on in both directions. Those that change something lasting go through the gate.
pub(super) async fn relay(
    gate: &Gate,
    client: impl AsyncRead + AsyncWrite + Unpin,
    backend: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_backend, mut to_backend) = split(backend);
    let connection = Connection {
        gate,
        status: AtomicU8::new(b'I'),
        is_last: AtomicBool::new(false),
    };
    // Whichever side goes away takes the other with it.
    tokio::select! {
        ended = connection.requests(&mut from_client, &mut to_backend) => ended,
        ended = connection.answers(&mut from_backend, &mut to_client) => ended,
    }
}

/// A message: its kind, and the bytes as they came.
async fn message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let mut bytes = vec![0; 5];
    stream.read_exact(&mut bytes).await?;
    let length = u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
    bytes.resize(1 + length.max(4), 0);
    stream.read_exact(&mut bytes[5..]).await?;
    Ok((bytes[0], bytes))
}

/// The zero-terminated texts that a message begins with.
fn texts(message: &[u8]) -> impl Iterator<Item = String> {
    let body = message.get(5..).unwrap_or_default();
    body.split(|byte| *byte == 0)
        .map(|text| String::from_utf8_lossy(text).into_owned())
}

/// Whether a statement changes something that outlives it, outside of a transaction or in one.
fn is_lasting(statement: &str, in_transaction: bool) -> bool {
    let word = statement
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let ends_sessions = statement.contains("pg_terminate_backend(");
    let commits = statement.contains("COMMIT");
    let only_asks = ["", "SELECT", "SHOW", "SET", "RESET", "BEGIN", "ROLLBACK"].contains(&word.as_str());
    ends_sessions || commits || !(in_transaction || only_asks)
}

impl Connection<'_> {
    async fn requests(
        &self,
        client: &mut (impl AsyncRead + Unpin),
        backend: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        let (mut statements, mut bound) = (BTreeMap::new(), String::new());
        loop {
            let (kind, bytes) = message(client).await?;
            let statement = match kind {
                b'Q' => texts(&bytes).next(),
                b'P' => {
                    let mut texts = texts(&bytes);
                    statements.insert(texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                    None
                }
                b'B' => {
                    let name = texts(&bytes).nth(1).unwrap_or_default();
                    bound = statements.get(&name).cloned().unwrap_or_default();
                    None
                }
                b'E' => Some(bound.clone()),
                _ => None,
            };
            let in_transaction = self.status.load(Ordering::SeqCst) != b'I';
            if let Some(statement) = statement.filter(|text| is_lasting(text, in_transaction)) {
                match self.gate.pass(&statement).await {
                    Passage::Free => {}
                    Passage::Last => self.is_last.store(true, Ordering::SeqCst),
                    Passage::Refused => return Err(io::ErrorKind::ConnectionAborted.into()),
                }
            }
            backend.write_all(&bytes).await?;
        }
    }

    async fn answers(
        &self,
        backend: &mut (impl AsyncRead + Unpin),
        client: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        loop {
            let (kind, bytes) = message(backend).await?;
            if kind == b'Z' {
                self.status
                    .store(bytes.get(5).copied().unwrap_or(b'I'), Ordering::SeqCst);
                if self.is_last.load(Ordering::SeqCst) {
                    self.gate.shut().await;
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            if !self.is_last.load(Ordering::SeqCst) {
                client.write_all(&bytes).await?;
                // TLS keeps what is written until it is told.
                client.flush().await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_lasting;

    #[test]
    fn only_what_outlives_the_run_counts() {
        for (statement, in_transaction, lasting) in [
            ("SELECT 1", false, false),
            ("BEGIN", false, false),
            ("SET lock_timeout = 0", false, false),
            ("CREATE DATABASE a", false, true),
            ("REVOKE ALL ON DATABASE a FROM PUBLIC", true, false),
            ("COMMIT", true, true),
            ("BEGIN; CREATE SCHEMA a; COMMIT;", false, true),
            ("INSERT INTO tenantctl.step VALUES ($1)", false, true),
            (
                "  SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity",
                false,
                true,
            ),
        ] {
            assert_eq!(is_lasting(statement, in_transaction), lasting, "{statement}");
        }
    }
}
