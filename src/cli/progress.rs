//! How far a run has come: a bar on a terminal, a line now and then elsewhere, nothing with `-q`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::ui::Ui;
use crate::apply::{Outcome, Progress, Target};
use crate::plan::Step;

/// How often a bar is drawn.
const FRAME: Duration = Duration::from_millis(100);
/// How often there is a line where there is no bar.
const INTERVAL: Duration = Duration::from_secs(10);
/// Of so few steps each gets a line.
const FEW: usize = 100;

/// Does some work that reads, and shows how far it has come: calls to AWS, databases looked into, elapsed time.
pub(super) async fn reading<T>(ui: &Ui, targets: &[&Target], work: impl Future<Output = T>) -> T {
    if ui.quiet {
        return work.await;
    }
    let started = Instant::now();
    let (calls, looked, expected) = so_far(targets);
    let bar = ui.terminal.then(ProgressBar::new_spinner);
    let mut ticks = tokio::time::interval(if ui.terminal { FRAME } else { INTERVAL });
    // The first one comes at once, which is right for a bar alone.
    if !ui.terminal {
        ticks.tick().await;
    }
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return done;
            }
            _ = ticks.tick() => {
                let (calls_now, now, of) = so_far(targets);
                let line = format!(
                    "reading: {} AWS calls, {} of {} databases, {} s",
                    calls_now - calls,
                    now - looked,
                    of - expected,
                    started.elapsed().as_secs()
                );
                match &bar {
                    Some(bar) => {
                        bar.set_message(line);
                        bar.tick();
                    }
                    None => ui.note(&line),
                }
            }
        }
    }
}

/// Calls to AWS, databases looked into, and databases to look into.
fn so_far(targets: &[&Target]) -> (usize, usize, usize) {
    // Calls are counted together, whatever the region.
    let calls = targets.first().map_or(0, |target| target.aws.calls());
    let each = targets.iter().map(|target| target.connector.reading.so_far());
    each.fold((calls, 0, 0), |(calls, looked, expected), (now, of)| {
        (calls, looked + now, expected + of)
    })
}

/// Shows an apply going on.
pub(super) struct Meter<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    steps: usize,
    started: Instant,
    count: Mutex<Count>,
}

/// What has ended so far, and when that was said last.
struct Count {
    ended: usize,
    failed: usize,
    said: Instant,
}

impl<'a> Meter<'a> {
    /// For so many steps.
    pub(super) fn new(ui: &'a Ui, steps: usize) -> Self {
        let started = Instant::now();
        let bar = (ui.terminal && !ui.quiet).then(|| {
            let bar = ProgressBar::new(steps as u64);
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let count = Count {
            ended: 0,
            failed: 0,
            said: started,
        };
        Self {
            ui,
            bar,
            steps,
            started,
            count: Mutex::new(count),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The part of an apply that is about one of several clusters.
pub(super) struct Part<'a> {
    pub meter: &'a Meter<'a>,
    pub cluster: Option<String>,
}

impl Progress for Part<'_> {
    fn ended(&self, step: &Step, outcome: &Outcome) {
        match &self.cluster {
            Some(cluster) => self.meter.told(&format!("{cluster}: {}", step.address), outcome),
            None => self.meter.told(&step.address.to_string(), outcome),
        }
    }
}

impl Meter<'_> {
    fn told(&self, what: &str, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Done => "done",
            Outcome::Failed(_) => "FAILED",
            Outcome::Skipped => "skipped",
            Outcome::Interrupted => "not started",
        };
        let line = format!("{word} {what}");
        let failed = matches!(outcome, Outcome::Failed(_));
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.ended += 1;
        count.failed += usize::from(failed);
        if let Some(bar) = &self.bar {
            bar.set_message(crate::report::printable(&line));
            bar.inc(1);
            return;
        }
        let (steps, seconds) = (self.steps, self.started.elapsed().as_secs());
        if steps <= FEW || failed {
            self.ui
                .note(&format!("[{}/{steps}, {seconds} s] {line}", count.ended));
        } else if count.said.elapsed() >= INTERVAL || count.ended == steps {
            count.said = Instant::now();
            let failures = match count.failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            };
            self.ui.note(&format!(
                "applying: {} of {steps} steps{failures}, {seconds} s",
                count.ended
            ));
        }
    }
}
