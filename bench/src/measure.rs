//! What is measured, and in which order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::floor::Floor;
use crate::site::{Cost, Site};
use crate::terraform::{Terraform, Workspace};
use crate::{Failed, clones, storage};

/// How far beyond its limit something may be before `--check` fails: the machine may have been at work on something else.
const ROOM: f64 = 1.25;
/// How many times its floor an apply may take.
const APPLY_LIMIT: f64 = 1.3;
/// How many times its floor a plan may take.
const PLAN_LIMIT: f64 = 1.5;
/// What takes less than this altogether is timed more often: of what is over in a tenth of a second, three rounds say little.
const ENOUGH: Duration = Duration::from_secs(10);
/// But no more often than this.
const MOST_ROUNDS: usize = 25;
const APPLY: [&str; 3] = ["apply", "--auto-approve", "--no-audit"];

/// Something that is timed beside tenantctl.
type Other<'a> = &'a dyn Fn() -> Result<Duration, Failed>;

/// One measurement.
#[derive(Clone, Debug, Default, Serialize)]
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
    /// Seconds that Terraform took for the same, where it was measured.
    pub terraform: Option<f64>,
    /// Where the time went: parts and their seconds, some beside each other.
    pub parts: Vec<(String, f64)>,
}

impl Row {
    fn new(tenants: usize, what: &'static str) -> Self {
        Self {
            tenants,
            what,
            ..Self::default()
        }
    }

    fn cost(self, cost: Cost) -> Self {
        Self {
            seconds: cost.elapsed.as_secs_f64(),
            calls: cost.calls,
            connections: cost.connections,
            peak: cost.peak,
            parts: cost.parts,
            ..self
        }
    }

    fn floor(mut self, floor: Duration) -> Self {
        self.floor = Some(floor.as_secs_f64());
        self
    }

    fn limit(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    fn terraform(mut self, took: Option<Duration>) -> Self {
        self.terraform = took.map(|took| took.as_secs_f64());
        self
    }

    /// The head of the table.
    pub fn head() -> &'static str {
        "| tenants | what | s | floor, s | ratio | calls to AWS | connections | peak, MiB |\n|---|---|---|---|---|---|---|---|"
    }

    /// A line of the table.
    pub fn line(&self) -> String {
        let ratio = self.ratio();
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {:.0} |",
            self.tenants,
            self.what,
            seconds(self.seconds),
            self.floor.map_or_else(String::new, seconds),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.calls,
            self.connections,
            self.peak,
        )
    }

    /// What Terraform took for the same, where it was measured.
    pub fn by_terraform(&self) -> Option<String> {
        let terraform = self.terraform?;
        Some(format!(
            "{} tenants, {}: {} s by Terraform, {:.1} times as long",
            self.tenants,
            self.what,
            seconds(terraform),
            terraform / self.seconds
        ))
    }

    /// Where the time went, for people: the longest first, and nothing of less than a hundredth.
    pub fn parts(&self) -> String {
        let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
        for (part, seconds) in &self.parts {
            *parts.entry(part).or_default() += seconds;
        }
        let mut parts: Vec<_> = parts.into_iter().collect();
        parts.retain(|(_, seconds)| *seconds > self.seconds / 100.0);
        parts.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let parts = (parts.into_iter()).map(|(part, taken)| format!("{part} {} s", seconds(taken)));
        let parts: Vec<_> = parts.collect();
        format!("{} tenants, {}: {}", self.tenants, self.what, parts.join(", "))
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.map(|floor| self.seconds / floor)
    }

    /// Whether it costs more than it should.
    pub fn is_over(&self) -> bool {
        self.exceeds(1.0)
    }

    /// Whether it costs so much more that nothing else on the machine explains it.
    pub fn fails(&self) -> bool {
        self.exceeds(ROOM)
    }

    fn exceeds(&self, room: f64) -> bool {
        matches!((self.ratio(), self.limit), (Some(ratio), Some(limit)) if ratio > limit * room)
    }
}

/// What is measured.
pub struct Bench<'a> {
    /// The binary.
    pub binary: &'a Path,
    /// The version of Postgres.
    pub major: u16,
    /// How often each is timed at least; the median counts.
    pub rounds: usize,
    /// Databases are clones that are there before, and a first apply has no floor.
    pub clones: bool,
    /// What the servers are started with.
    pub settings: Vec<(String, String)>,
    /// Told of each row as it comes, last in what there is so far.
    pub show: &'a dyn Fn(&[Row]) -> Result<(), Failed>,
    /// Says what is no figure.
    pub say: &'a dyn Fn(&str),
    /// What else is measured, where it is there.
    pub terraform: Terraform,
}

/// A first apply, and the world that it left.
struct First {
    site: Site,
    row: Row,
}

impl Bench<'_> {
    /// Everything, for one number of tenants.
    pub fn measure(&self, tenants: usize, rows: &mut Vec<Row>) -> Result<(), Failed> {
        let runtime = Runtime::new()?;
        let mut add = |row: Row| {
            rows.push(row);
            (self.show)(rows)
        };
        let terraform = self.terraform.prepare();
        if let Err(reason) = &terraform {
            (self.say)(&format!("Terraform is not measured: {reason}"));
        }
        let terraform = terraform.ok();
        let data = storage::for_tenants(tenants * (1 + usize::from(terraform.is_some())));
        if data.is_none() {
            (self.say)(&format!("{tenants} tenants have their databases on a disk"));
        }
        let start = || Site::start(self.major, tenants, self.binary, data.clone(), &self.settings);

        let First { site, row } = if self.clones {
            Self::adopted(tenants, &start)?
        } else {
            self.first_applies(tenants, &start, data.as_deref(), &runtime)?
        };
        let terraform = match terraform {
            Some(ready) => Some(ready.with(start()?.world, tenants)?),
            None => None,
        };
        let made = terraform.as_ref().map(Workspace::apply).transpose()?;
        add(row.terraform(made))?;
        let floor = runtime.block_on(Floor::new(&site.world))?;
        let row = |what| Row::new(tenants, what);
        let validate = || site.cost(&["validate"]);
        add(self.in_turns(row("validate"), validate, &[&|| site.read_files()])?)?;

        let read = || runtime.block_on(floor.plan(true));
        let others: [Other<'_>; 2] = [&read, &|| match &terraform {
            Some(terraform) => terraform.plan(),
            None => Ok(Duration::ZERO),
        }];
        let others = &others[..1 + usize::from(terraform.is_some())];
        let unchanged = self.in_turns(row("plan, no change"), || site.cost(&["plan"]), others)?;
        add(unchanged.limit(PLAN_LIMIT))?;
        let shallow = || runtime.block_on(floor.plan(false));
        let row_of = row("plan, no change, --shallow");
        let looked = self.in_turns(row_of, || site.cost(&["plan", "--shallow"]), &[&shallow])?;
        add(looked.limit(PLAN_LIMIT))?;
        let evidence = || runtime.block_on(floor.audit());
        add(self.in_turns(row("audit"), || site.cost(&["audit"]), &[&evidence])?)?;

        site.tenants(tenants, 1)?;
        let changed = self.in_turns(row("plan, one changed"), || site.cost(&["plan"]), &[&read])?;
        add(changed.limit(PLAN_LIMIT))?;
        site.tenants(tenants + 1, 0)?;
        let applied = site.cost(&APPLY)?;
        // The floor makes yet another, because this one is there now.
        site.tenants(tenants + 2, 0)?;
        let raw = read()? + runtime.block_on(floor.apply(&site.plan()?))?;
        let more = row("apply, one more").cost(applied).floor(raw);
        add(more.limit(APPLY_LIMIT))?;
        Ok(())
    }

    /// A first apply as often as anything else, and the median of the ratios: one round says as much of the machine as of
    /// the program.
    fn first_applies(
        &self,
        tenants: usize,
        start: &dyn Fn() -> Result<Site, Failed>,
        data: Option<&Path>,
        runtime: &Runtime,
    ) -> Result<First, Failed> {
        let mut first = Self::first_apply(tenants, start, data, runtime)?;
        let mut rows = vec![first.row.clone()];
        for _ in 1..self.rounds {
            // The world before is gone by then.
            drop(first.site);
            first = Self::first_apply(tenants, start, data, runtime)?;
            rows.push(first.row.clone());
        }
        rows.sort_by(|one, other| one.ratio().partial_cmp(&other.ratio()).unwrap_or(Ordering::Equal));
        let ratios: Vec<_> = rows
            .iter()
            .filter_map(Row::ratio)
            .map(|ratio| format!("{ratio:.2}"))
            .collect();
        (self.say)(&format!(
            "{tenants} tenants, apply from zero, all ratios: {}",
            ratios.join(", ")
        ));
        first.row = rows.swap_remove(rows.len() / 2);
        Ok(first)
    }

    /// From nothing to all of them: the floor in a world of its own, which is gone before the other one fills.
    fn first_apply(
        tenants: usize,
        start: &dyn Fn() -> Result<Site, Failed>,
        data: Option<&Path>,
        runtime: &Runtime,
    ) -> Result<First, Failed> {
        let (site, another) = (start()?, start()?);
        let raw = {
            let plan = of_world(&site.plan()?, &site, &another)?;
            let floor = runtime.block_on(Floor::new(&another.world))?;
            storage::settle(data)?;
            runtime.block_on(floor.apply(&plan))?
        };
        drop(another);
        storage::settle(data)?;
        let row = Row::new(tenants, "apply from zero").cost(site.cost(&APPLY)?);
        Ok(First {
            site,
            row: row.floor(raw).limit(APPLY_LIMIT),
        })
    }

    /// The rest of all of them, in databases that were there before.
    fn adopted(tenants: usize, start: &dyn Fn() -> Result<Site, Failed>) -> Result<First, Failed> {
        let site = start()?;
        clones::make(&site.world, tenants)?;
        site.cost(&[&APPLY[..], &["--mode", "adopt"]].concat())?;
        let row = Row::new(tenants, "apply, databases adopted").cost(site.cost(&APPLY)?);
        Ok(First { site, row })
    }

    /// What a process costs that does next to nothing.
    pub fn start_up(&self, rows: &mut Vec<Row>) -> Result<(), Failed> {
        let site = Site::start(
            self.major,
            1,
            self.binary,
            storage::for_tenants(1),
            &self.settings,
        )?;
        for what in ["--help", "validate"] {
            let row = self.in_turns(Row::new(1, what), || site.cost(&[what]), &[&nothing])?;
            rows.push(row);
            (self.show)(rows)?;
        }
        Ok(())
    }

    /// One and the others by turns, as often as is asked for and until that took a while; of each the median. The first
    /// of the others is the floor, the second Terraform.
    fn in_turns(
        &self,
        row: Row,
        one: impl Fn() -> Result<Cost, Failed>,
        others: &[Other<'_>],
    ) -> Result<Row, Failed> {
        let (mut costs, mut theirs) = (Vec::new(), vec![Vec::new(); others.len()]);
        let begun = Instant::now();
        let enough =
            |rounds| rounds >= self.rounds.max(1) && (rounds >= MOST_ROUNDS || begun.elapsed() > ENOUGH);
        while !enough(costs.len()) {
            for (other, times) in others.iter().zip(&mut theirs) {
                times.push(other()?);
            }
            costs.push(one()?);
        }
        costs.sort_by_key(|cost| cost.elapsed);
        let middle = costs.len() / 2;
        let medians = theirs.into_iter().map(|mut times| {
            times.sort();
            times.get(middle).copied()
        });
        let mut medians = medians.flatten();
        let cost = costs.into_iter().nth(middle).ok_or("nothing was measured")?;
        let row = row.cost(cost);
        Ok(match medians.next() {
            Some(floor) => row.floor(floor).terraform(medians.next()),
            None => row,
        })
    }
}

/// With as many digits as say something.
fn seconds(value: f64) -> String {
    let digits = if value < 0.1 { 3 } else { 2 };
    format!("{value:.digits$}")
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
