//! What is measured, and in which order.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::Failed;
use crate::floor::Floor;
use crate::site::{Cost, Site};

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// So many tenants there were.
    pub tenants: usize,
    /// Of what.
    pub what: &'static str,
    /// Seconds that tenantctl took.
    pub seconds: f64,
    /// Seconds that the floor took, where there is one.
    pub floor: Option<f64>,
    /// The most that the ratio of both may be.
    pub limit: Option<f64>,
    /// Calls to AWS that tenantctl made.
    pub calls: usize,
    /// Connections to Postgres that it made.
    pub connections: i64,
    /// The most memory that it held, in MiB.
    pub peak: f64,
}

impl Row {
    fn new(
        tenants: usize,
        what: &'static str,
        cost: Cost,
        floor: Option<Duration>,
        limit: Option<f64>,
    ) -> Self {
        Self {
            tenants,
            what,
            seconds: cost.elapsed.as_secs_f64(),
            floor: floor.map(|floor| floor.as_secs_f64()),
            limit,
            calls: cost.calls,
            connections: cost.connections,
            peak: cost.peak,
        }
    }

    /// The head of the table.
    pub fn head() -> &'static str {
        "| tenants | what | s | floor, s | ratio | calls to AWS | connections | peak, MiB |\n|---|---|---|---|---|---|---|---|"
    }

    /// A line of the table.
    pub fn line(&self) -> String {
        let or_none = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        format!(
            "| {} | {} | {:.2} | {} | {} | {} | {} | {:.0} |",
            self.tenants,
            self.what,
            self.seconds,
            or_none(self.floor),
            or_none(self.ratio()),
            self.calls,
            self.connections,
            self.peak
        )
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.seconds / floor)
    }

    /// Whether it costs more than it may.
    pub fn is_over(&self) -> bool {
        matches!((self.ratio(), self.limit), (Some(ratio), Some(limit)) if ratio > limit)
    }
}

/// Everything, for one number of tenants.
pub fn all(
    binary: &Path,
    major: u16,
    tenants: usize,
    rounds: usize,
    show: &dyn Fn(&Row),
) -> Result<Vec<Row>, Failed> {
    let runtime = Runtime::new()?;
    let mut rows = Vec::new();
    let mut add = |row: Row| {
        show(&row);
        rows.push(row);
    };
    let site = Site::start(major, tenants, binary.to_owned())?;
    let floor = runtime.block_on(Floor::new(&site.world))?;

    add(Row::new(
        tenants,
        "validate",
        site.run(&["validate"])?.1,
        None,
        None,
    ));
    let plan: Value = serde_json::from_str(&site.run(&["plan", "--json"])?.0)?;
    let raw = {
        // A world of its own, which has not seen these tenants, and which is gone before the other one fills.
        let other = Site::start(major, tenants, binary.to_owned())?;
        let floor = runtime.block_on(Floor::new(&other.world))?;
        runtime.block_on(floor.apply(&of_world(&plan, &site, &other)?))?
    };
    let (_, cost) = site.run(&["apply", "--auto-approve", "--no-audit"])?;
    add(Row::new(tenants, "apply from zero", cost, Some(raw), Some(1.3)));

    let reads = || runtime.block_on(floor.plan());
    let (cost, read) = in_turns(
        rounds,
        || Ok(site.run(&["plan", "--detailed-exitcode"])?.1),
        reads,
    )?;
    add(Row::new(tenants, "plan, no change", cost, Some(read), Some(1.5)));
    let shallow = || Ok(site.run(&["plan", "--detailed-exitcode", "--shallow"])?.1);
    let (cost, _) = in_turns(rounds, shallow, || Ok(Duration::ZERO))?;
    add(Row::new(tenants, "plan, no change, --shallow", cost, None, None));
    let audits = || runtime.block_on(floor.audit());
    let (cost, audit) = in_turns(rounds, || Ok(site.run(&["audit"])?.1), audits)?;
    add(Row::new(tenants, "audit", cost, Some(audit), None));

    site.tenants(tenants, 1)?;
    let (cost, read) = in_turns(rounds, || Ok(site.run(&["plan"])?.1), reads)?;
    add(Row::new(
        tenants,
        "plan, one changed",
        cost,
        Some(read),
        Some(1.5),
    ));
    site.tenants(tenants + 1, 0)?;
    let (_, cost) = site.run(&["apply", "--auto-approve", "--no-audit"])?;
    add(Row::new(tenants, "apply, one more", cost, None, None));
    Ok(rows)
}

/// The same plan for another world, whose cluster has another id.
fn of_world(plan: &Value, from: &Site, to: &Site) -> Result<Value, Failed> {
    let text = plan
        .to_string()
        .replace(&from.world.cluster.resource_id, &to.world.cluster.resource_id);
    Ok(serde_json::from_str(&text)?)
}

/// One and the other by turns; of each the median.
fn in_turns(
    rounds: usize,
    one: impl Fn() -> Result<Cost, Failed>,
    other: impl Fn() -> Result<Duration, Failed>,
) -> Result<(Cost, Duration), Failed> {
    let (mut costs, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..rounds.max(1) {
        floors.push(other()?);
        costs.push(one()?);
    }
    floors.sort();
    costs.sort_by_key(|cost| cost.elapsed);
    let middle = costs.len() / 2;
    match (costs.get(middle), floors.get(middle)) {
        (Some(cost), Some(floor)) => Ok((*cost, *floor)),
        _ => Err("nothing was measured".into()),
    }
}
