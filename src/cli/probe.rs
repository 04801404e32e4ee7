//! `audit --probe`: real attempts to connect. It opens sessions and asks nothing in them.

use std::collections::BTreeSet;

use clap::Args;
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::exit::Failure;
use super::interrupt;
use super::session::Session;
use super::ui::Ui;
use crate::address::TenantId;
use crate::audit::probe::{self, Wish};
use crate::live::Live;
use crate::live::knock::{self, Ground};
use crate::model::{Evidence, Probe};

/// The heading in `--help`.
const PROBE: &str = "Real attempts";

// Real attempts.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// Really try: log in as each tenant to every database, by IAM tokens that the caller may have
    #[arg(long, help_heading = PROBE)]
    pub(super) probe: bool,
    /// Try only so many pairs of a tenant and a database, and at least one of each tenant
    #[arg(long, value_name = "N", requires = "probe", help_heading = PROBE)]
    pub(super) probe_sample: Option<usize>,
    /// Which ones: a number that an earlier probe printed; default: others each time
    #[arg(long, value_name = "SEED", requires = "probe", help_heading = PROBE)]
    pub(super) probe_seed: Option<u32>,
    /// New connections a second, at most
    #[arg(long, value_name = "N", default_value_t = 50, requires = "probe", help_heading = PROBE,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) probe_rate: u32,
}

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
