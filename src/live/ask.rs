//! Queries that are sent one behind the other without waiting for answers between: together they cost one round trip.

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::ReadError;
use super::connect::Session;

/// Queries in one session, and what they find, in their order. All of them are polled while one is waited for: the driver
/// stops reading at an answer that nobody takes, and whatever comes behind it would never arrive.
pub(super) struct Questions<'s> {
    session: &'s Session,
    answers: FuturesOrdered<BoxFuture<'s, Result<Vec<Row>, Error>>>,
}

impl<'s> Questions<'s> {
    /// Of these, all that are asked go together with the first whose answer is waited for.
    pub(super) fn to(session: &'s Session) -> Self {
        Self {
            session,
            answers: FuturesOrdered::new(),
        }
    }

    /// Another one.
    pub(super) fn ask(mut self, sql: &'s str) -> Self {
        self.answers.push_back(Box::pin(self.session.query_once(sql)));
        self
    }

    /// Another one, about somebody: `$1`, as text.
    pub(super) fn ask_about(mut self, sql: &'s str, who: &'s Option<&'s str>) -> Self {
        let session = self.session;
        self.answers.push_back(Box::pin(async move {
            let values: [(&(dyn ToSql + Sync), Type); 1] = [(who, Type::TEXT)];
            let work = session.client().query_typed(sql, &values);
            session.timed(sql, &[who], work).await
        }));
        self
    }

    /// What the next of them finds; nothing after the last.
    ///
    /// # Errors
    /// The query failed.
    pub(super) async fn answer(&mut self) -> Result<Vec<Row>, ReadError> {
        let rows = self.answers.next().await.unwrap_or_else(|| Ok(Vec::new()));
        rows.map_err(|error| ReadError::query(self.session, error))
    }
}
