//! `audit --probe`: real attempts to connect. It opens sessions and asks nothing in them; for tenants with a password it
//! makes logins that stand in for them, and drops these.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::exit::Failure;
use super::interrupt;
use super::session::Session;
use super::ui::Ui;
use crate::address::TenantId;
use crate::apply::{Interrupt, stand_in};
use crate::audit::probe::{self, Wish};
use crate::live::Live;
use crate::live::knock::{self, Ground};
use crate::model::{Evidence, Probe, ProbePlan, StandIn, Visit, Visitor};

/// Tenants with a password that have a stand-in at a time.
const STAND_INS: usize = 50;
/// What stand-ins are good for besides the time that the attempts take at least.
const MARGIN: Duration = Duration::from_secs(10 * 60);

/// Drops what killed probes left behind. It comes before everything is read, so that the audit does not find it.
pub(super) async fn tidy(session: &Session, ui: &Ui) {
    let target = &session.target;
    match stand_in::drop_expired(&target.connector, &target.admin_database).await {
        Ok(dropped) if dropped.is_empty() => {}
        Ok(dropped) => ui.note(&format!(
            "probe: dropped what a probe left behind: {}",
            dropped.join(", ")
        )),
        // What is left is a finding of this audit.
        Err(error) => tracing::debug!(%error, "looking for what probes left behind"),
    }
}

/// The heading in `--help`.
const PROBE: &str = "Real attempts";

// Real attempts.
#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// Really try: log in as each tenant to every database, by IAM tokens or by logins made for that
    #[arg(long, help_heading = PROBE)]
    pub(super) probe: bool,
    /// Try only so many pairs of a tenant and a database, and at least one of each tenant
    #[arg(long, value_name = "N", requires = "probe", help_heading = PROBE)]
    pub(super) probe_sample: Option<usize>,
    /// Which ones: a number that an earlier probe printed; default: others each time
    ///
    /// With the same seed, the same pairs are tried again.
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
    ui.note(&announcement(&plan, args.probe_rate));
    let interrupt = interrupt::watch();
    let ground = Ground {
        aws: &session.target.aws,
        facts: &session.desired.facts,
        connector: &session.target.connector,
        parallelism: session.target.parallelism,
        rate: args.probe_rate,
    };
    let mut probe = Probe::default();
    let stop = || interrupt.is_raised();
    probe.visits = knock::visit_all(ground, &plan.by_token, &BTreeMap::new(), &stop).await;
    for some in plan.by_password.chunks(STAND_INS) {
        by_stand_in(session, ground, some, &interrupt, &mut probe).await;
    }
    probe.plan = plan;
    probe.stopped = interrupt.is_raised();
    Ok(probe)
}

fn announcement(plan: &ProbePlan, rate: u32) -> String {
    let (chosen, pairs, seed) = (plan.chosen(), plan.pairs, plan.seed);
    let seconds = chosen / usize::try_from(rate).unwrap_or(1).max(1);
    let mut text = format!(
        "probe: {chosen} connections as {} tenants (of {pairs} pairs; seed {seed}), at most {rate} a second, so at least \
         {seconds} s; each is closed at once, and nothing is written",
        plan.visitors().count()
    );
    if !plan.by_password.is_empty() {
        text.push_str(&format!(
            " but logins that stand in for {} tenants with a password, and are dropped again",
            plan.by_password.len()
        ));
    }
    text
}

async fn by_stand_in(
    session: &Session,
    ground: Ground<'_>,
    visitors: &[Visitor],
    interrupt: &Interrupt,
    probe: &mut Probe,
) {
    if interrupt.is_raised() {
        return;
    }
    let target = &session.target;
    let roles: Vec<&str> = visitors.iter().map(|visitor| visitor.role.as_str()).collect();
    let attempts: usize = visitors.iter().map(|visitor| visitor.databases.len()).sum();
    let seconds = attempts / usize::try_from(ground.rate).unwrap_or(1).max(1);
    let lifetime = MARGIN + Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX / 2)) * 2;
    let work = async |stand_ins: &BTreeMap<String, StandIn>| {
        let able = visitors
            .iter()
            .filter(|visitor| stand_ins.contains_key(&visitor.role));
        let able: Vec<Visitor> = able.cloned().collect();
        knock::visit_all(ground, &able, stand_ins, &|| interrupt.is_raised()).await
    };
    let stood_in =
        stand_in::with_stand_ins(&target.connector, &target.admin_database, &roles, lifetime, work).await;
    probe.visits.extend(stood_in.done);
    let refused = stood_in.refused.into_iter().map(|(role, because)| Visit {
        role,
        attempts: Vec::new(),
        locked_out: Some(format!("no login could be made that stands in for it: {because}")),
    });
    probe.visits.extend(refused);
    probe.left.extend(stood_in.left);
}
