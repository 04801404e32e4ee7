//! The first interrupt lets running steps finish; the second stops at once.

use tokio::signal::unix::{SignalKind, signal};

use super::exit;
use crate::apply::Interrupt;

/// Watches for Ctrl-C and SIGTERM.
pub(super) fn watch() -> Interrupt {
    let interrupt = Interrupt::default();
    let raised = interrupt.clone();
    tokio::spawn(async move {
        let (Ok(mut interrupts), Ok(mut terminations)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            tracing::warn!("interrupts cannot be watched for; they will stop the process at once");
            return;
        };
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if raised.is_raised() {
                exit::at_once();
            }
            tracing::warn!("interrupted: running steps finish, no other starts; once more stops at once");
            raised.raise();
        }
    });
    interrupt
}
