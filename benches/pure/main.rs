//! The pure half: from the text of a tenants file to a plan, without any server.
//!
//! `cargo bench --features criterion --bench pure`; add part of a case's name to run less.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tenantctl::live::Live;

#[path = "../../tests/transitions/applied.rs"]
mod applied;
mod cases;
#[path = "../../tests/transitions/simulate.rs"]
mod simulate;
#[path = "../../tests/transitions/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// What lives, and how much of a file that leaves to do.
const WORLDS: [&str; 2] = ["no_change", "from_zero"];

fn live(world: &str, tenants: usize) -> Live {
    match world {
        "no_change" => cases::settled(&cases::compile(&cases::decode(&cases::blocks(tenants)))),
        _ => cases::untouched(),
    }
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for tenants in SIZES {
        group.throughput(Throughput::Elements(tenants as u64));
        for (form, text) in [("blocks", cases::blocks(tenants)), ("list", cases::list(tenants))] {
            group.bench_with_input(BenchmarkId::new(form, tenants), &text, |bencher, text| {
                bencher.iter_with_large_drop(|| cases::decode(text));
            });
        }
    }
}

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    for tenants in SIZES {
        group.throughput(Throughput::Elements(tenants as u64));
        let loaded = cases::decode(&cases::blocks(tenants));
        group.bench_with_input(
            BenchmarkId::from_parameter(tenants),
            &loaded,
            |bencher, loaded| {
                bencher.iter_with_large_drop(|| cases::compile(loaded));
            },
        );
    }
}

fn diff(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("diff");
    for tenants in SIZES {
        group.throughput(Throughput::Elements(tenants as u64));
        let desired = cases::compile(&cases::decode(&cases::blocks(tenants)));
        for world in WORLDS {
            let live = live(world, tenants);
            group.bench_with_input(BenchmarkId::new(world, tenants), &live, |bencher, live| {
                bencher.iter_with_large_drop(|| cases::compare(&desired, live));
            });
        }
    }
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    for tenants in SIZES {
        group.throughput(Throughput::Elements(tenants as u64));
        let desired = cases::compile(&cases::decode(&cases::blocks(tenants)));
        for world in WORLDS {
            let live = live(world, tenants);
            let diff = cases::compare(&desired, &live);
            group.bench_with_input(BenchmarkId::new(world, tenants), &diff, |bencher, diff| {
                bencher.iter_with_large_drop(|| cases::build(&desired, &live, diff));
            });
        }
    }
}

/// The sum, with what it costs to give the memory back.
fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("all");
    for tenants in SIZES {
        group.throughput(Throughput::Elements(tenants as u64));
        let text = cases::blocks(tenants);
        for world in WORLDS {
            let live = live(world, tenants);
            group.bench_with_input(BenchmarkId::new(world, tenants), &live, |bencher, live| {
                bencher.iter_batched(|| (), |()| drop(cases::all(&text, live)), BatchSize::PerIteration);
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = decode, compile, diff, plan, all
}
criterion_main!(benches);
