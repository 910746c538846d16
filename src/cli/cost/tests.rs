//! Sums that were computed by hand.

use clap::Parser;

use super::{
    bill::{Bill, Part},
    flink::{self, Cluster},
    load::{Load, distinct, mean_units},
    *,
};
use crate::sql::SqlFile;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn args(text: &str) -> Args {
    Command::parse_from(std::iter::once("cost").chain(text.split_whitespace())).args
}

fn catalog() -> Catalog {
    let text = "
        CREATE TABLE clicks (k TEXT NOT NULL, ts TIMESTAMP NOT NULL)
        WITH (topic = 'clicks', key = 'k', event_time = 'ts');
        CREATE VIEW counts AS
        SELECT k, count(*) AS n FROM clicks GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);";
    Catalog::parse(&[SqlFile { name: "t.sql".into(), text: text.into() }]).unwrap()
}

/// The dollars of a line.
fn dollars(bill: &Bill<'_>, what: &str) -> f64 {
    bill.lines.iter().find(|line| line.what == what).unwrap_or_else(|| panic!("no {what}")).dollars
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= expected.abs() * 1e-3, "found {found}, expected {expected}");
}

#[test]
fn a_thousand_events_a_second_in_one_partition() {
    let (catalog, prices) = (catalog(), Prices::default());
    let args = args("--events-per-second 1000 --partitions 1 --keys 1000 --stream msk-serverless");
    let load = Load::of(&catalog, &args, 1.0);
    let bill = Bill::of(&load, &args, &prices).unwrap();
    // A batch a second: 2 628 000 requests at $0.20 a million.
    near(dollars(&bill, "window: requests"), 0.5256);
    // (25 ms + 1000 x 0.51 s / 1M) x 2 628 000 x 1769 MB / 1024 x $0.0000133334: of 0.02551 s.
    near(dollars(&bill, "window: memory and time"), 1.5442);
    // A write unit and a read unit a batch.
    near(dollars(&bill, "heads advanced"), 1.6425);
    near(dollars(&bill, "heads read"), 0.3285);
    // A slice of 10 s is written 10.999 times, 1.0999 slabs a batch; its eleven states have keys of 909, 1818, ... 10 000
    // events of 1000 keys: 597, 838, 935, 974, 989, 996, 998, 999, 1000, 1000, 1000 x 10.1 bytes: 6, 9, 10, 10, 10, ... KB.
    let units = (6.0 + 9.0 + 9.0 * 10.0) / 11.0;
    near(dollars(&bill, "slabs of counts"), 1.0999 * units * 2.628 * 0.625);
    // 1000 rows of 14 bytes are 14 KB every ten seconds.
    near(dollars(&bill, "history of counts"), 0.1 * 14.0 * 2.628 * 0.625);
    // 1000 keys of 21 bytes are six pages of four KB; each has some of the rows.
    near(dollars(&bill, "pages of counts"), 0.1 * 6.0 * 4.0 * 2.628 * 0.625);
    near(dollars(&bill, "pages of counts, read"), 0.1 * 6.0 * 2.628 * 0.125);
    // 43 800 calls of 25 ms and a gigabyte.
    near(dollars(&bill, "sweep: memory and time"), 1095.0 * 0.000_013_333_4);
    // $0.75 an hour; five partitions; 525.6 GB in and out; a week is 120.96 GB.
    near(dollars(&bill, "cluster"), 547.5);
    near(dollars(&bill, "partitions"), 5.0 * 730.0 * 0.0015);
    near(dollars(&bill, "events written"), 52.56);
    near(dollars(&bill, "events read"), 26.28);
    near(dollars(&bill, "events kept"), 12.096);
    near(dollars(&bill, "alarms"), 2.2);
    near(bill.total(), bill.lines.iter().map(|line| line.dollars).sum());
}

#[test]
fn a_rate_of_nothing_leaves_what_is_always_there() {
    let (catalog, prices) = (catalog(), Prices::default());
    let args = args("--events-per-second 0");
    let bill = Bill::of(&Load::of(&catalog, &args, 1.0), &args, &prices).unwrap();
    let there: Vec<_> =
        bill.lines.iter().filter(|line| line.dollars > 0.0).map(|line| line.what.as_str()).collect();
    assert_eq!(there, ["sweep: schedule", "sweep: requests", "sweep: memory and time", "alarms", "metrics"]);
    // 43 800 x $1.20 a million, 1095 GB-seconds, 22 alarms, 40 metrics.
    near(bill.total(), 0.05256 + 0.0146 + 2.2 + 12.0);
    assert_eq!(flink::cheaper_from(Cluster::Managed, &catalog, &args, &prices).unwrap(), None);
}

/// What `cargo bench --bench cost` has DynamoDB count for the click-through rates of docs/performance.md: 1000
/// products, one partition, an event a millisecond, with pages. Its keys are numbered, which pack better than
/// random ones: 4.3 bytes a key of a slab instead of 10.1.
#[test]
fn the_arithmetic_is_near_what_dynamodb_counted() {
    for (batch, measured) in [(10_000.0, 1890.0), (1000.0, 6430.0)] {
        let (slice, batches) = (10_000.0, 1e6 / batch);
        let touched = batches * (1.0 + (batch - 1.0) / slice);
        let slabs = touched * mean_units(1000.0, slice, 4.3, slice / batch * (1.0 + (batch - 1.0) / slice));
        let history = 100.0 * (1000.0_f64 * 9.2 / 1024.0).ceil();
        let units = batches + slabs + history;
        assert!((0.8..1.25).contains(&(units / measured)), "{batch}: {units}, measured {measured}");
    }
}

#[test]
fn flink_becomes_cheaper_somewhere_and_is_billed_by_the_kpu() {
    let (catalog, prices) = (catalog(), Prices::default());
    let args = args("--events-per-second 1000 --partitions 1");
    let cores = flink::cores(&Load::of(&catalog, &args, 1.0));
    near(cores, 0.00151);
    // One KPU and that for orchestration.
    near(Cluster::Managed.cost(cores, &prices).unwrap().0, 160.6);
    near(Cluster::Own.cost(cores, &prices).unwrap().0, 2.0 * 730.0 * 0.0816);
    // Four cores at 60%: seven KPUs and one; four instances.
    near(Cluster::Managed.cost(4.0, &prices).unwrap().0, 8.0 * 80.3);
    near(Cluster::Own.cost(4.0, &prices).unwrap().0, 4.0 * 730.0 * 0.0816);
    let from = flink::cheaper_from(Cluster::Managed, &catalog, &args, &prices).unwrap().unwrap();
    let ours = |rate: f64| {
        let load = Load::of(&catalog, &args, rate / 1000.0);
        let ours = Bill::of(&load, &args, &prices).unwrap().of_part(Part::Compute);
        ours - Cluster::Managed.cost(flink::cores(&load), &prices).unwrap().0
    };
    assert!(ours(from) > 0.0 && ours(from / 1.02) <= 0.0, "{from}");
}

#[test]
fn rates_and_keys_are_of_all_or_of_one() {
    let args = args("--events-per-second 10 --events-per-second clicks=7 --keys counts=5");
    assert_eq!((args.rate("clicks", 4), args.rate("other", 4)), (7.0, 2.5));
    assert_eq!((args.keys_of("counts"), args.keys_of("other")), (5.0, 1000.0));
    let check = |text: &str| self::args(text).check(&catalog()).unwrap_err().to_string();
    assert_eq!(check("--events-per-second click=1"), "--events-per-second: there is no table \"click\"");
    assert_eq!(check("--events-per-second 1 --keys a=1"), "--keys: there is no view \"a\"");
    assert!("x".parse::<Figure>().is_err() && "a=-1".parse::<Figure>().is_err());
}

#[test]
fn what_is_drawn_of_keys_is_never_more_than_there_are() {
    near(distinct(1000.0, 10.0), 9.95);
    near(distinct(1000.0, 1e6), 1000.0);
    assert_eq!(distinct(0.0, 5.0), 0.0);
}
