//! The estimate as people and programs read it.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{
    Args,
    bill::{Bill, Line, Part, figure},
    flink::{self, Cluster},
    load::Load,
    prices::{Prices, STAND},
};
use crate::sql::Catalog;

/// What is behind the numbers.
const NOTES: &str = "\
measured (docs/performance.md): CPU seconds for a million events by the kind of view, on a virtual machine's core; Flink's \
on the same kind of machine, with state on the heap, which favours Flink: on RocksDB, as the managed service has it, two of \
these jobs took five and fifty times as long; 10.1 bytes a key in a slab of two counts.
assumed: a core of Lambda is as fast; an invocation waits --wait-millis for the table and has one partition's batch; other \
aggregates take 8 bytes a key in a slab, first and last 16, those that keep values 64, a further column of a row 8; keys are \
equally frequent; --row-share of what HAVING or QUALIFY looks at passes; a cluster is 60% busy.
not in it: free tiers, discounts, data between zones, NAT and endpoints, point-in-time recovery, X-Ray, notify and sink, \
results published and read, a Kafka cluster that exists, people.
";

/// All that is told.
pub(super) struct Estimate<'a> {
    args: &'a Args,
    load: Load,
    bill: Bill<'a>,
    idle: Bill<'a>,
    clusters: Vec<Compared>,
}

/// A cluster beside this.
struct Compared {
    name: &'static str,
    size: String,
    dollars: f64,
    idle: f64,
    cheaper_from: Option<f64>,
}

impl<'a> Estimate<'a> {
    pub(super) fn of(catalog: &Catalog, args: &'a Args, prices: &'a Prices) -> anyhow::Result<Self> {
        let load = Load::of(catalog, args, 1.0);
        let idle = Bill::of(&Load::of(catalog, args, 0.0), args, prices)?;
        let of = |(cluster, name): (Cluster, &'static str)| {
            let (dollars, size) = cluster.cost(flink::cores(&load), prices)?;
            let cheaper_from = flink::cheaper_from(cluster, catalog, args, prices)?;
            Ok(Compared { name, size, dollars, idle: cluster.cost(0.0, prices)?.0, cheaper_from })
        };
        let clusters = [
            (Cluster::Managed, "Managed Service for Apache Flink"),
            (Cluster::Own, "Flink on instances of your own"),
        ];
        let clusters = clusters.map(of).into_iter().collect::<anyhow::Result<_>>()?;
        Ok(Self { args, bill: Bill::of(&load, args, prices)?, idle, load, clusters })
    }

    fn rate(&self) -> f64 {
        self.load.tables.iter().map(|table| table.rate).sum()
    }

    pub(super) fn json(&self) -> Json {
        let lines = |bill: &Bill<'_>| bill.lines.iter().map(Line::json).collect::<Vec<_>>();
        let cluster = |it: &Compared| {
            json!({"name": it.name, "size": it.size, "dollars": it.dollars, "idle_dollars": it.idle,
                   "cheaper_from_events_per_second": it.cheaper_from})
        };
        json!({
            "events_per_second": self.rate(),
            "prices": STAND,
            "lines": lines(&self.bill),
            "total_dollars": self.bill.total(),
            "idle_dollars": self.idle.total(),
            "compared_dollars": self.bill.of_part(Part::Compute),
            "flink": self.clusters.iter().map(cluster).collect::<Vec<_>>(),
            "notes": NOTES.lines().collect::<Vec<_>>(),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "a month at {} events/s; {STAND}\n", figure(self.rate()))?;
        for table in self.load.tables.iter().filter(|table| table.rate > 0.0) {
            let (name, rate, records) = (&table.name, figure(table.rate), figure(table.records));
            let (batches, views, cpu) = (figure(table.batches), table.views, table.cpu);
            writeln!(
                out,
                "{name}: {rate} events/s in {batches} batches/s of {records}, views: {views}; {cpu:.2} CPU s for 1M"
            )?;
        }
        let parts = [
            (Part::Compute, "computing (what Flink would do)"),
            (Part::Rows, "rows kept and read"),
            (Part::Stream, "events in"),
            (Part::Watch, "watching"),
        ];
        for (part, title) in parts {
            writeln!(out, "\n{title}")?;
            for line in self.bill.lines.iter().filter(|line| line.part == part) {
                writeln!(
                    out,
                    "  {:>10.2}  {}\n              {}, {}",
                    line.dollars, line.what, line.formula, line.price
                )?;
            }
            writeln!(out, "  {:>10.2}  together", self.bill.of_part(part))?;
        }
        writeln!(
            out,
            "\n{:>12.2}  dollars a month; {:.2} without any event",
            self.bill.total(),
            self.idle.total()
        )?;
        self.compare(out)?;
        write!(out, "\n{NOTES}")
    }

    fn compare(&self, out: &mut String) -> std::fmt::Result {
        let ours = self.bill.of_part(Part::Compute);
        writeln!(out, "\ncomputing alone, {ours:.2}, beside a cluster that is always there:")?;
        for it in &self.clusters {
            writeln!(
                out,
                "  {:>10.2}  {} ({:.2} without any event)\n              {}",
                it.dollars, it.name, it.idle, it.size
            )?;
            let keys = if self.args.keys.len() > 1 { "these keys" } else { "as many keys" };
            match it.cheaper_from {
                Some(from) => writeln!(
                    out,
                    "              cheaper than this from {} events/s on, with {keys}",
                    figure(from)
                )?,
                None => writeln!(
                    out,
                    "              cheaper than this at no rate up to 10 million events/s, with {keys}"
                )?,
            }
        }
        Ok(())
    }
}
