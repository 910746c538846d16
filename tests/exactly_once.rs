//! The promise: whatever dies, whatever is delivered twice, in whatever cut, every event is counted
//! once, and what is shown in the end is what a run without a fault shows.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod faults;
mod redelivery;
mod support {
    pub(crate) mod catalog;
}

use faults::Fate;
use redelivery::{
    Log, Redelivery, VIEWS, World, block_on, chaos, dies_everywhere, faultless, kafka, logs, survives_chaos,
};
use weir::engine::Engine;

#[test]
fn a_process_dies_at_every_call_and_its_batch_comes_again() {
    for view in VIEWS {
        dies_everywhere(kafka, view, 1, 12_000, Redelivery::Same);
        dies_everywhere(kafka, view, 3, 2000, Redelivery::Same);
    }
}

#[test]
fn a_process_dies_at_every_call_and_its_batch_comes_cut_anew() {
    for view in VIEWS {
        dies_everywhere(kafka, view, 1, 12_000, Redelivery::Recut);
        dies_everywhere(kafka, view, 1, 12_000, Redelivery::Rewound);
    }
}

#[test]
fn a_process_dies_at_every_call_and_its_batch_comes_twice_at_once() {
    for view in VIEWS {
        dies_everywhere(kafka, view, 1, 12_000, Redelivery::Twice);
        dies_everywhere(kafka, view, 3, 2000, Redelivery::Twice);
    }
}

#[test]
fn one_partition_survives_chaos_with_late_events() {
    survives_chaos(kafka, 0..400, 1, 15_000);
}

/// So many keys that pages, and the slabs of a view without windows, are split while others write them.
#[test]
fn splits_survive_chaos() {
    for seed in 0..24 {
        let select = VIEWS[[0, 2, 5][usize::try_from(seed % 3).unwrap()]];
        let logs: Vec<Log> = logs(seed, 2, 400, 2000).into_iter().map(spread).collect();
        let (expected, _) = block_on(faultless(kafka, select, &logs, 50));
        let seen =
            block_on(tokio::task::LocalSet::new().run_until(chaos(kafka, seed, select, &logs, 1..100)));
        assert!(seen == expected, "{select}, seed {seed}");
    }
}

/// The same records with keys of their own for nearly each.
fn spread(log: Log) -> Log {
    log.into_iter().map(|(n, k, at)| (n, k + n % 300 * 7919, at)).collect()
}

/// A put that is refused is billed like one that is not.
#[test]
fn rows_that_go_on_in_a_slice_are_neither_read_nor_refused_again() {
    let world = World::new(kafka, VIEWS[4], 1);
    let log: Log = (0..400).map(|n| (n, 0, 1_000_000 + n)).collect();
    let fate = Fate::lives(0);
    let (process, cold) = (world.process(&fate), world.process(&fate));
    let calls_of = |engine: &Engine<_, _, _>, batch: usize| {
        let before = fate.calls();
        block_on(engine.absorb(&kafka(0, &log, batch * 100..(batch + 1) * 100))).unwrap();
        fate.calls() - before
    };
    calls_of(&process, 0);
    let calls = calls_of(&process, 1);
    assert_eq!(calls_of(&process, 2), calls);
    // A process that knows nothing is refused once, and reads.
    assert_eq!(calls_of(&cold, 3), calls + 2);
}

#[test]
fn three_partitions_survive_chaos() {
    survives_chaos(kafka, 1000..1300, 3, 2000);
}
