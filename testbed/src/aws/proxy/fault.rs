//! What goes wrong on purpose, and how often.

use std::time::{Duration, Instant};

use super::{Shared, State};

/// Something that goes wrong on purpose, so many times. The first that fits a call is used.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers an action with an error, and does not pass it on.
    Error {
        /// The action, for example `CreateUser`; `*` is every action.
        action: String,
        /// The error code, for example `Throttling`.
        code: String,
        /// The message.
        message: String,
        /// The HTTP status.
        status: u16,
        /// How many calls fail; those after them pass.
        times: usize,
    },
    /// Passes an action on and then loses the answer: the caller sees a broken connection.
    LostAnswer {
        /// The action, or `*`.
        action: String,
        /// How many answers are lost.
        times: usize,
    },
    /// Closes the connection instead of passing an action on.
    Reset {
        /// The action, or `*`.
        action: String,
        /// How many calls meet it.
        times: usize,
    },
}

/// How the proxy behaves until it is told otherwise. By default it adds nothing to the emulator.
///
/// The parts that go by chance draw from one sequence, so that a seed gives the same day again as far as the caller
/// makes the same calls in the same order.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Where the sequence of chances begins.
    pub seed: u64,
    /// Of a hundred calls so many are answered `Throttling`.
    pub throttled: u64,
    /// So many calls a second are passed on, as many saved up at most; the others are answered `Throttling`.
    pub per_second: Option<u32>,
    /// Of a hundred calls so many are answered 503 `ServiceUnavailable` or 500 `InternalFailure`.
    pub unavailable: u64,
    /// Of a hundred calls so many meet a closed connection and are not passed on.
    pub reset: u64,
    /// Of a hundred calls so many are passed on and their answer is lost.
    pub lost: u64,
    /// How long each call takes longer.
    pub delay: Duration,
    /// How long calls about a new user or role are answered `NoSuchEntity`.
    pub appears_after: Duration,
    /// How long a new user or role is no valid principal. Matters with `strict`.
    pub principal_after: Duration,
    /// Refuses what IAM refuses and the emulator takes: unknown principals, deleting what others hang on, policies
    /// over their size. Who is deleted becomes an id in the trust policies that name it.
    pub strict: bool,
    /// The quota of users of the account.
    pub users: Option<usize>,
    /// The quota of roles of the account.
    pub roles: Option<usize>,
    /// Everything says that it was created years ago.
    pub everything_is_old: bool,
    /// Lists come in pages of so many; the first of the account's details is empty, as AWS allows.
    pub page: Option<usize>,
}

impl Behaviour {
    /// A quota that nothing reaches: it is told, and new users or roles are not counted, which takes time.
    pub const NO_QUOTA: usize = 1_000_000;

    /// The quotas of users and of roles that somebody can reach.
    pub(super) fn counted(&self) -> [Option<usize>; 2] {
        [self.users, self.roles].map(|quota| quota.filter(|&quota| quota < Self::NO_QUOTA))
    }
}

/// The sequence of chances.
#[derive(Debug, Default)]
pub(super) struct Weather(u64);

impl Weather {
    pub(super) fn of(behaviour: &Behaviour) -> Self {
        Self(behaviour.seed)
    }

    /// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Shared {
    /// What goes wrong with a call, after the delay that every call has.
    pub(super) async fn fault(&self, action: &str) -> Option<Fault> {
        let (fault, delay) = {
            let mut state = self.state();
            let asked_for = state.asked_for(action);
            (
                asked_for
                    .or_else(|| state.beyond_the_rate(action))
                    .or_else(|| state.by_chance(action)),
                state.behaviour.delay,
            )
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        fault
    }
}

impl State {
    fn asked_for(&mut self, called: &str) -> Option<Fault> {
        let position = self.faults.iter().position(|fault| {
            let (Fault::Error { action, .. }
            | Fault::LostAnswer { action, .. }
            | Fault::Reset { action, .. }) = fault;
            action == "*" || action == called
        })?;
        let fault = self.faults[position].clone();
        let (Fault::Error { times, .. } | Fault::LostAnswer { times, .. } | Fault::Reset { times, .. }) =
            &mut self.faults[position];
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.faults.remove(position);
        }
        Some(fault)
    }

    /// A bucket of tokens, as AWS describes its own.
    ///
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/throttling.html>
    fn beyond_the_rate(&mut self, called: &str) -> Option<Fault> {
        let rate = f64::from(self.behaviour.per_second?);
        let now = Instant::now();
        let (tokens, since) = self.bucket.unwrap_or((rate, now));
        let tokens = (tokens + rate * now.duration_since(since).as_secs_f64()).min(rate);
        let passes = tokens >= 1.0;
        self.bucket = Some((if passes { tokens - 1.0 } else { tokens }, now));
        self.throttled += usize::from(!passes);
        (!passes).then(|| throttling(called))
    }

    fn by_chance(&mut self, called: &str) -> Option<Fault> {
        let Behaviour {
            throttled,
            unavailable,
            reset,
            lost,
            ..
        } = self.behaviour;
        let (drawn, coin) = (self.weather.draw() % 100, self.weather.draw() % 2);
        let action = called.to_owned();
        let times = 1;
        let error = |code: &str, message: &str, status| error(called, code, message, status);
        if drawn < throttled {
            return Some(throttling(called));
        }
        if drawn < throttled + unavailable {
            return Some(match coin {
                0 => error("ServiceUnavailable", "Service is unable to handle request.", 503),
                _ => error("InternalFailure", "The request processing has failed.", 500),
            });
        }
        if drawn < throttled + unavailable + reset {
            return Some(Fault::Reset { action, times });
        }
        if drawn < throttled + unavailable + reset + lost {
            return Some(Fault::LostAnswer { action, times });
        }
        None
    }
}

fn error(called: &str, code: &str, message: &str, status: u16) -> Fault {
    Fault::Error {
        action: called.to_owned(),
        code: code.to_owned(),
        message: message.to_owned(),
        status,
        times: 1,
    }
}

fn throttling(called: &str) -> Fault {
    error(called, "Throttling", "Rate exceeded", 400)
}
