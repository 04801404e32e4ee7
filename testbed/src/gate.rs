//! A gate that everything goes through that a run changes, so that a test can stop the world at any of it.
//!
//! What is asked of AWS and of Postgres only changes something lasting where a call creates, alters or deletes, and
//! where a transaction commits. Between two of those nothing that outlives the run happens, so a run that is killed
//! before and after each has been killed everywhere.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// On which side of a change the gate falls shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The change does not happen.
    Before,
    /// It does, and whoever asked for it never hears of it.
    After,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// The last change is on its way.
    Closing,
    Closed,
}

/// One gate, shared by everything that a world consists of. It is open until somebody says otherwise.
#[derive(Debug, Default)]
pub struct Gate {
    phase: watch::Sender<Phase>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passed: Vec<String>,
    shut_at: Option<(At, Side)>,
}

/// The change at which a gate falls shut.
#[derive(Debug)]
enum At {
    Number(usize),
    First(String),
}

impl At {
    /// Whether it is the last of these.
    fn is_last(&self, passed: &[String]) -> bool {
        match self {
            Self::Number(number) => *number == passed.len(),
            Self::First(change) => passed.last().is_some_and(|last| last.starts_with(change)),
        }
    }
}

/// What became of a change at the gate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// Pass it on.
    Free,
    /// Pass it on, swallow the answer, and call [`Gate::shut`].
    Last,
    /// Do not pass it on, and cut the connection: whoever asked is dead by now.
    Refused,
}

impl Gate {
    /// Counts from one again. At the `number`th change from now on the gate falls shut: nothing passes any more, and
    /// nobody hears anything, until it is opened.
    pub fn shut_at(&self, number: usize, side: Side) {
        self.shut_when(At::Number(number), side);
    }

    /// The same at the first change that begins like this: what a run does side by side comes in any order.
    pub fn shut_at_first(&self, change: &str, side: Side) {
        self.shut_when(At::First(change.to_owned()), side);
    }

    fn shut_when(&self, at: At, side: Side) {
        let mut state = self.state();
        state.passed.clear();
        state.shut_at = Some((at, side));
        self.phase.send_replace(Phase::Open);
    }

    /// Counts from one again, and lets everything pass. What was held up is dropped.
    pub fn open(&self) {
        let mut state = self.state();
        state.passed.clear();
        state.shut_at = None;
        self.phase.send_replace(Phase::Open);
    }

    /// Whether it has fallen shut.
    pub fn is_shut(&self) -> bool {
        *self.phase.borrow() == Phase::Closed
    }

    /// The changes since the gate last counted from one, in order, the one it fell shut at included.
    pub fn passed(&self) -> Vec<String> {
        self.state().passed.clone()
    }

    /// A change arrives. Returns when it may go on; at a shut gate, when the gate is opened.
    pub(crate) async fn pass(&self, what: &str) -> Passage {
        {
            let mut state = self.state();
            if *self.phase.borrow() == Phase::Open {
                state.passed.push(what.chars().take(200).collect());
                let last = state.shut_at.as_ref();
                let last = last.filter(|(at, _)| at.is_last(&state.passed));
                match last.map(|(_, side)| *side) {
                    None => return Passage::Free,
                    Some(Side::After) => {
                        self.phase.send_replace(Phase::Closing);
                        return Passage::Last;
                    }
                    Some(Side::Before) => drop(self.phase.send_replace(Phase::Closed)),
                }
            }
        }
        self.opened().await;
        Passage::Refused
    }

    /// The last change has happened. Returns when the gate is opened.
    pub(crate) async fn shut(&self) {
        self.phase.send_replace(Phase::Closed);
        self.opened().await;
    }

    async fn opened(&self) {
        // The sender lives as long as the gate, so that this cannot fail.
        let _ = self
            .phase
            .subscribe()
            .wait_for(|phase| *phase == Phase::Open)
            .await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
