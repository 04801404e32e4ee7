//! Attempts to connect as tenants, by IAM tokens that the caller may have or by logins that stand in for them: nothing is
//! asked in the sessions, and nothing is written anywhere.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};
use tokio_postgres::error::{DbError, SqlState};

use super::access::{self, Login};
use super::aws::Aws;
use super::connect::Connector;
use super::{ReadError, describe};
use crate::model::{Attempt, ClusterFacts, Secret, StandIn, Visit, Visitor};

/// How long a token is used, of the fifteen minutes that it is good for.
const TOKEN_AGE: Duration = Duration::from_secs(10 * 60);
/// At so many databases a login is tried that was refused everywhere so far.
const TRIES: usize = 2;
/// How often a server that has no connection to spare is asked again.
const RETRIES: u32 = 5;
/// The function of Postgres that refuses a database: its message is in the server's language, this name is not.
/// <https://github.com/postgres/postgres/blob/master/src/backend/utils/init/postinit.c>
const REFUSES: &str = "CheckMyDatabase";

/// Where is tried, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Whose credentials sign tokens and assume roles.
    pub aws: &'a Aws,
    /// The cluster.
    pub facts: &'a ClusterFacts,
    /// How it is reached.
    pub connector: &'a Connector,
    /// How many tenants are tried at a time.
    pub parallelism: usize,
    /// New connections a second, at most; at least 1.
    pub rate: u32,
}

/// Tries what each visitor is to try: one connection at a time for each, because roles have connection limits. Who has a
/// stand-in, by the name of the role, comes as that. Once `stop` says so, running attempts end and no other begins.
pub async fn visit_all(
    ground: Ground<'_>,
    visitors: &[Visitor],
    stand_ins: &BTreeMap<String, StandIn>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Vec<Visit> {
    let mut pace = interval(Duration::from_secs(1) / ground.rate.max(1));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pace = Mutex::new(pace);
    let visits = visitors.iter().map(|visitor| {
        let caller = Caller {
            ground,
            visitor,
            pace: &pace,
            stop,
            ways: ways(visitor, stand_ins.get(&visitor.role)),
            token: None,
            refusals: Vec::new(),
        };
        caller.visit()
    });
    stream::iter(visits)
        .buffered(ground.parallelism.max(1))
        .collect()
        .await
}

/// How to get in.
#[derive(Clone, Debug)]
enum Way {
    /// By a token that the caller's own credentials sign.
    Own,
    /// By a token signed in a session of the tenant's IAM role.
    Role(String),
    /// As somebody else, who holds what the tenant holds.
    StandIn(StandIn),
}

/// The last is tried first.
fn ways(visitor: &Visitor, stand_in: Option<&StandIn>) -> Vec<Way> {
    if let Some(stand_in) = stand_in {
        return vec![Way::StandIn(stand_in.clone())];
    }
    let role = visitor.role_arn.clone().map(Way::Role);
    role.into_iter().chain([Way::Own]).collect()
}

/// One visitor under way.
struct Caller<'a> {
    ground: Ground<'a>,
    visitor: &'a Visitor,
    pace: &'a Mutex<Interval>,
    stop: &'a (dyn Fn() -> bool + Sync),
    ways: Vec<Way>,
    token: Option<(Secret, Instant)>,
    refusals: Vec<String>,
}

impl Caller<'_> {
    async fn visit(mut self) -> Visit {
        let mut visit = Visit {
            role: self.visitor.role.clone(),
            attempts: Vec::new(),
            locked_out: None,
        };
        let mut known = false;
        for database in &self.visitor.databases {
            if (self.stop)() {
                break;
            }
            let attempt = self.first_that_is_let_in(database, known).await;
            let Some(attempt) = attempt else {
                visit.locked_out = Some(self.refusals.join("; "));
                break;
            };
            known |= matches!(attempt, Attempt::Entered | Attempt::Refused);
            visit.attempts.push((database.clone(), attempt));
            if !known && refused(&visit.attempts) >= TRIES {
                visit.attempts.retain(|(_, attempt)| !is_refused(attempt));
                visit.locked_out = Some(self.refusals.join("; "));
                break;
            }
        }
        if !known && refused(&visit.attempts) > 0 {
            visit.attempts.retain(|(_, attempt)| !is_refused(attempt));
            visit.locked_out = Some(self.refusals.join("; "));
        }
        visit
    }

    /// One attempt. Until a login is known to work, each way to get a token is tried, and the first that the server
    /// accepts is kept. `None` where there is no token to be had.
    async fn first_that_is_let_in(&mut self, database: &str, known: bool) -> Option<Attempt> {
        let ways = self.ways.clone();
        let mut last = None;
        for way in ways.iter().rev() {
            let token = match self.token(way).await {
                Ok(token) => token,
                Err(error) => {
                    self.refused(way, &error.to_string());
                    if known {
                        return Some(Attempt::Unclear {
                            kind: "no login token".to_owned(),
                            said: error.to_string(),
                        });
                    }
                    continue;
                }
            };
            let attempt = self.knock(way, &token, database).await;
            match &attempt {
                Attempt::LoginRefused(said) if !known => {
                    self.refused(way, said);
                    self.token = None;
                    last = Some(attempt);
                }
                Attempt::Entered | Attempt::Refused => {
                    self.ways = vec![way.clone()];
                    return Some(attempt);
                }
                // The next attempt makes a token of its own.
                _ => {
                    self.token = None;
                    return Some(attempt);
                }
            }
        }
        last
    }

    fn refused(&mut self, way: &Way, said: &str) {
        let said = match way {
            Way::Own => format!("with the caller's own credentials: {said}"),
            Way::Role(arn) => format!("by {arn}: {said}"),
            Way::StandIn(_) => format!("by a login made for it: {said}"),
        };
        if !self.refusals.contains(&said) {
            self.refusals.push(said);
        }
    }

    async fn token(&mut self, way: &Way) -> Result<Secret, super::aws::AwsError> {
        if let Some((token, made)) = &self.token
            && made.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let Ground { aws, facts, .. } = self.ground;
        let user = self.visitor.role.as_str();
        let token = match way {
            Way::Own => access::admin_token(aws, facts, user).await?,
            Way::Role(arn) => {
                let credentials = access::assume_tenant_role(aws, arn, "tenantctl-probe").await?;
                let login = Login {
                    region: &facts.region,
                    host: &facts.endpoint,
                    port: facts.port,
                    user,
                };
                access::auth_token(aws, &credentials, login).await?
            }
            Way::StandIn(stand_in) => stand_in.password.clone(),
        };
        self.token = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    async fn knock(&self, way: &Way, token: &Secret, database: &str) -> Attempt {
        let username = match way {
            Way::Own | Way::Role(_) => &self.visitor.role,
            Way::StandIn(stand_in) => &stand_in.username,
        };
        let mut pause = Duration::from_millis(200);
        for left in (0..=RETRIES).rev() {
            self.pace.lock().await.tick().await;
            let connector = self.ground.connector;
            match connector.knock(username, token, database).await {
                Err(error) if error.is_busy() && left > 0 && !(self.stop)() => {
                    tracing::debug!(role = self.visitor.role, database, %error, "trying again");
                    sleep(pause).await;
                    pause *= 2;
                }
                done => return attempt(done),
            }
        }
        Attempt::Unclear {
            kind: "busy".to_owned(),
            said: "the server had no connection to spare".to_owned(),
        }
    }
}

fn is_refused(attempt: &Attempt) -> bool {
    matches!(attempt, Attempt::LoginRefused(_))
}

fn refused(attempts: &[(String, Attempt)]) -> usize {
    attempts.iter().filter(|(_, attempt)| is_refused(attempt)).count()
}

fn attempt(done: Result<(), ReadError>) -> Attempt {
    let error = match done {
        Ok(()) => return Attempt::Entered,
        Err(error) => error,
    };
    let unclear = |kind: String, said| Attempt::Unclear { kind, said };
    let ReadError::Connect { source, .. } = &error else {
        return unclear("no answer".to_owned(), error.to_string());
    };
    let said = describe(source);
    match source.as_db_error() {
        Some(answer) if denies_database(answer) => Attempt::Refused,
        // Class 28, Invalid Authorization Specification.
        Some(answer) if answer.code().code().starts_with("28") => Attempt::LoginRefused(said),
        Some(answer) => unclear(format!("SQLSTATE {}", answer.code().code()), said),
        None => unclear("no connection".to_owned(), said),
    }
}

/// Whether this is the refusal of the database and not another one with the same SQLSTATE, such as that of a trigger
/// that runs at login.
fn denies_database(answer: &DbError) -> bool {
    *answer.code() == SqlState::INSUFFICIENT_PRIVILEGE && answer.routine() == Some(REFUSES)
}
