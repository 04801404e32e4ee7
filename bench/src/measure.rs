//! What is measured, and in which order.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::Failed;
use crate::floor::Floor;
use crate::site::{Cost, Site};

/// How many times its floor an apply may take.
const APPLY: f64 = 1.3;
/// How many times its floor a plan may take.
const PLAN: f64 = 1.5;

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
    /// Where the time went: parts and their seconds, some beside each other.
    pub parts: Vec<(String, f64)>,
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
            parts: cost.parts,
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

    /// Where the time went, for people; the longest first.
    pub fn parts(&self) -> String {
        let mut parts = self.parts.clone();
        parts.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let parts = parts
            .iter()
            .map(|(part, seconds)| format!("{part} {seconds:.2} s"));
        let parts: Vec<_> = parts.collect();
        format!("{} tenants, {}: {}", self.tenants, self.what, parts.join(", "))
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.seconds / floor)
    }

    /// Whether it costs more than it may.
    pub fn is_over(&self) -> bool {
        matches!((self.ratio(), self.limit), (Some(ratio), Some(limit)) if ratio > limit)
    }
}

/// What is measured.
pub struct Bench<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// The version of Postgres.
    pub major: u16,
    /// How often each is timed; the median counts.
    pub rounds: usize,
    /// Shows a row as soon as there is one.
    pub show: &'a dyn Fn(&Row),
}

impl Bench<'_> {
    /// Everything, for one number of tenants.
    pub fn measure(&self, tenants: usize, rows: &mut Vec<Row>) -> Result<(), Failed> {
        let runtime = Runtime::new()?;
        let mut add = |what, cost, floor, limit| {
            let row = Row::new(tenants, what, cost, floor, limit);
            (self.show)(&row);
            rows.push(row);
        };
        let site = Site::start(self.major, tenants, self.binary.to_owned())?;
        let floor = runtime.block_on(Floor::new(&site.world))?;
        let alone = |arguments: &[&str]| self.in_turns(|| site.cost(arguments), || Ok(Duration::ZERO));
        let beside = |arguments: &[&str], other: &dyn Fn() -> Result<Duration, Failed>| {
            let (cost, floor) = self.in_turns(|| site.cost(arguments), other)?;
            Ok::<_, Failed>((cost, Some(floor)))
        };

        add("validate", alone(&["validate"])?.0, None, None);
        let plan: Value = serde_json::from_str(&site.run(&["plan", "--json"])?.0)?;
        let raw = {
            // A world of its own, which has not seen these tenants, and which is gone before the other one fills.
            let other = Site::start(self.major, tenants, self.binary.to_owned())?;
            let floor = runtime.block_on(Floor::new(&other.world))?;
            runtime.block_on(floor.apply(&of_world(&plan, &site, &other)?))?
        };
        drop(plan);
        let apply = ["apply", "--auto-approve", "--no-audit"];
        add("apply from zero", site.cost(&apply)?, Some(raw), Some(APPLY));

        let read = || runtime.block_on(floor.plan(true));
        let (cost, reads) = beside(&["plan"], &read)?;
        add("plan, no change", cost, reads, Some(PLAN));
        let (cost, reads) = beside(&["plan", "--shallow"], &|| runtime.block_on(floor.plan(false)))?;
        add("plan, no change, --shallow", cost, reads, None);
        let (cost, reads) = beside(&["audit"], &|| runtime.block_on(floor.audit()))?;
        add("audit", cost, reads, None);

        site.tenants(tenants, 1)?;
        let (cost, reads) = beside(&["plan"], &read)?;
        add("plan, one changed", cost, reads, Some(PLAN));
        site.tenants(tenants + 1, 0)?;
        add("apply, one more", site.cost(&apply)?, None, None);
        Ok(())
    }

    /// What a process costs that does next to nothing.
    pub fn start_up(&self, rows: &mut Vec<Row>) -> Result<(), Failed> {
        let site = Site::start(self.major, 1, self.binary.to_owned())?;
        for (what, arguments) in [("--help", ["--help"].as_slice()), ("validate", &["validate"])] {
            let (cost, floor) = self.in_turns(|| site.cost(arguments), nothing)?;
            let row = Row::new(1, what, cost, Some(floor), None);
            (self.show)(&row);
            rows.push(row);
        }
        Ok(())
    }

    /// One and the other by turns; of each the median.
    fn in_turns(
        &self,
        one: impl Fn() -> Result<Cost, Failed>,
        other: impl Fn() -> Result<Duration, Failed>,
    ) -> Result<(Cost, Duration), Failed> {
        let (mut costs, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds.max(1) {
            floors.push(other()?);
            costs.push(one()?);
        }
        floors.sort();
        costs.sort_by_key(|cost| cost.elapsed);
        let middle = costs.len() / 2;
        match (costs.into_iter().nth(middle), floors.get(middle)) {
            (Some(cost), Some(floor)) => Ok((cost, *floor)),
            _ => Err("nothing was measured".into()),
        }
    }
}

/// A process that does nothing.
fn nothing() -> Result<Duration, Failed> {
    let begun = Instant::now();
    Command::new("true").status()?;
    Ok(begun.elapsed())
}

/// How much longer each takes with ten times the tenants, where that was measured.
pub fn growth(rows: &[Row]) -> Vec<(String, f64)> {
    let tenfold = |row: &Row| {
        let more = rows
            .iter()
            .find(|more| more.what == row.what && more.tenants == 10 * row.tenants)?;
        let what = format!("{}, {} to {} tenants", row.what, row.tenants, more.tenants);
        Some((what, more.seconds / row.seconds))
    };
    let grown = rows.iter().filter(|row| row.tenants >= 1000);
    grown.filter_map(tenfold).collect()
}

/// The same plan for another world, whose cluster has another id.
fn of_world(plan: &Value, from: &Site, to: &Site) -> Result<Value, Failed> {
    let text = plan
        .to_string()
        .replace(&from.world.cluster.resource_id, &to.world.cluster.resource_id);
    Ok(serde_json::from_str(&text)?)
}
