//! `audit --probe`: real attempts to connect. It opens sessions and asks nothing in them.

use std::collections::BTreeSet;

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::exit::Failure;
use super::session::Session;
use super::ui::Ui;
use super::{ProbeArgs, interrupt};
use crate::address::TenantId;
use crate::audit::probe::{self, Wish};
use crate::live::Live;
use crate::live::knock::{self, Ground};
use crate::model::{Evidence, Probe};

pub(super) async fn run(
    session: &Session,
    live: &Live,
    evidence: &Evidence,
    only: &BTreeSet<TenantId>,
    args: &ProbeArgs,
    ui: &Ui,
) -> Result<Probe, Failure> {
    let seed = match args.probe_seed {
        Some(seed) => seed,
        None => SysRng.try_next_u32().map_err(|error| {
            Failure::Said(format!(
                "the operating system gave no random numbers: {error}. Give --probe-seed"
            ))
        })?,
    };
    let wish = Wish {
        only: only.clone(),
        sample: args.probe_sample,
        seed,
    };
    let plan = probe::plan(&session.desired, live, evidence, &wish);
    let chosen: usize = plan.visitors.iter().map(|visitor| visitor.databases.len()).sum();
    let rate = args.probe_rate;
    ui.note(&format!(
        "probe: {chosen} connections as {} tenants (of {} pairs; seed {seed}), at most {rate} a second, so at least {} s; \
         each is closed at once, and nothing is written",
        plan.visitors.len(),
        plan.pairs,
        chosen / usize::try_from(rate).unwrap_or(1).max(1)
    ));
    let interrupt = interrupt::watch();
    let ground = Ground {
        aws: &session.target.aws,
        facts: &session.desired.facts,
        connector: &session.target.connector,
        parallelism: session.target.parallelism,
        rate,
    };
    let visits = knock::visit_all(ground, &plan.visitors, &|| interrupt.is_raised()).await;
    Ok(Probe {
        plan,
        visits,
        stopped: interrupt.is_raised(),
    })
}
