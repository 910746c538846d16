//! The lines of the bill.

use serde_json::{Value as Json, json};

use super::{
    Args, Stream,
    load::{Load, distinct},
    prices::Prices,
};

/// Seconds and hours of a month.
pub(super) const MONTH: f64 = HOURS * 3600.0;
pub(super) const HOURS: f64 = 730.0;
const GB: f64 = 1e9;
/// A page is about so large.
const PAGE: f64 = 4096.0;
/// A function's alarms, and those that are there once: `infra/modules/observability`.
const ALARMS: f64 = 22.0;
/// Of `window` and `sweep`: docs/metrics.md.
const METRICS: f64 = 40.0;
/// So much memory has a whole core.
const CORE: f64 = 1769.0;

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What Flink would do instead.
    Compute,
    /// What is there to be read, whoever computes it.
    Rows,
    /// Events in.
    Stream,
    /// Looking after it.
    Watch,
}

/// A line of the bill, for a month.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) part: Part,
    pub(super) what: String,
    /// How the units come about, with the numbers.
    pub(super) formula: String,
    pub(super) units: f64,
    pub(super) price: String,
    pub(super) dollars: f64,
}

impl Line {
    pub(super) fn json(&self) -> Json {
        let Self { what, formula, units, price, dollars, .. } = self;
        json!({"what": what, "formula": formula, "units": units, "price": price, "dollars": dollars})
    }
}

/// The bill of a month.
#[derive(Debug)]
pub(super) struct Bill<'a> {
    args: &'a Args,
    prices: &'a Prices,
    pub(super) lines: Vec<Line>,
}

impl<'a> Bill<'a> {
    /// The bill of a load.
    pub(super) fn of(load: &Load, args: &'a Args, prices: &'a Prices) -> anyhow::Result<Self> {
        let mut bill = Self { args, prices, lines: Vec::new() };
        bill.window(load)?;
        bill.sweep()?;
        bill.state(load)?;
        bill.rows(load)?;
        bill.stream(load)?;
        bill.api(load)?;
        bill.watch(load)?;
        Ok(bill)
    }

    pub(super) fn total(&self) -> f64 {
        self.lines.iter().map(|line| line.dollars).sum()
    }

    pub(super) fn of_part(&self, part: Part) -> f64 {
        self.lines.iter().filter(|line| line.part == part).map(|line| line.dollars).sum()
    }

    fn add(
        &mut self,
        part: Part,
        what: &str,
        price: &str,
        units: f64,
        formula: String,
    ) -> anyhow::Result<()> {
        let price = self.prices.get(price)?;
        let (dollars, price) = (price.of(units), price.text());
        self.lines.push(Line { part, what: what.to_owned(), formula, units, price, dollars });
        Ok(())
    }

    /// Each batch of a partition is an invocation: it waits for the store, and computes.
    fn window(&mut self, load: &Load) -> anyhow::Result<()> {
        let (wait, memory) = (self.args.wait_millis / 1000.0, f64::from(self.args.memory));
        let batches: f64 = load.tables.iter().map(|table| table.batches).sum();
        let cpu: f64 = load.tables.iter().map(|table| table.rate * table.cpu / 1e6).sum();
        let formula = format!("{} batches/s x {MONTH} s", figure(batches));
        self.add(Part::Compute, "window: requests", "lambda_request", batches * MONTH, formula)?;
        let share = (memory / CORE).min(1.0);
        let units = (batches * wait + cpu / share) * MONTH * memory / 1024.0;
        let formula = format!(
            "({} batches/s x {wait} s waiting + {} CPU s/s / {share:.2} cores) x {MONTH} s x {memory} MB / 1024",
            figure(batches),
            figure(cpu)
        );
        self.add(Part::Compute, "window: memory and time", "lambda_gb_second", units, formula)
    }

    fn sweep(&mut self) -> anyhow::Result<()> {
        let (calls, wait) = (MONTH / 60.0, self.args.wait_millis / 1000.0);
        let formula = || "one a minute".to_owned();
        self.add(Part::Compute, "sweep: schedule", "schedule", calls, formula())?;
        self.add(Part::Compute, "sweep: requests", "lambda_request", calls, formula())?;
        let formula = format!("{calls} calls x {wait} s x 1024 MB / 1024");
        self.add(Part::Compute, "sweep: memory and time", "lambda_gb_second", calls * wait, formula)
    }

    /// Heads and slabs.
    fn state(&mut self, load: &Load) -> anyhow::Result<()> {
        let heads: f64 = load.tables.iter().map(|table| table.batches * table.views).sum();
        let partitions = f64::from(self.args.partitions);
        let (write, read) = ((partitions / 20.0).ceil(), (partitions / 80.0).ceil());
        let formula = format!("{} batches/s into views x {read} x {MONTH} s", figure(heads));
        self.add(Part::Compute, "heads read", "dynamodb_read", heads * read * MONTH, formula)?;
        let formula = format!("{} batches/s into views x {write} x {MONTH} s", figure(heads));
        self.add(Part::Compute, "heads advanced", "dynamodb_write", heads * write * MONTH, formula)?;
        for view in load.views.iter().filter(|view| view.slab_writes > 0.0) {
            let formula = format!(
                "{} slabs/s x {} KB, of {:.1} bytes a key, x {MONTH} s",
                figure(view.slab_writes),
                figure(view.slab_units),
                view.key_bytes
            );
            let units = view.slab_writes * view.slab_units * MONTH;
            self.add(Part::Compute, &format!("slabs of {}", view.name), "dynamodb_write", units, formula)?;
        }
        Ok(())
    }

    /// History and pages, which the API reads.
    fn rows(&mut self, load: &Load) -> anyhow::Result<()> {
        let mut stored = 0.0;
        for view in load.views.iter().filter(|view| view.closings > 0.0 && view.rows > 0.0) {
            let (closings, rows) = (figure(view.closings), figure(view.rows));
            let history = (view.rows * view.row_bytes / 1024.0).ceil();
            let formula = format!(
                "{closings} closings/s x {history} KB, of {rows} rows x {:.1} bytes, x {MONTH} s",
                view.row_bytes
            );
            let units = view.closings * history * MONTH;
            self.add(Part::Rows, &format!("history of {}", view.name), "dynamodb_write", units, formula)?;
            let size = view.keys * view.page_bytes();
            let (pages, page) = ((size / PAGE).ceil().max(1.0), (size.min(PAGE) / 1024.0).ceil().max(1.0));
            let touched = distinct(pages, view.rows).max(1.0_f64.min(view.rows));
            let formula = format!(
                "{closings} closings/s x {} of {pages} pages x {page} KB x {MONTH} s",
                figure(touched)
            );
            let name = format!("pages of {}", view.name);
            let writes = view.closings * touched * page * MONTH;
            self.add(Part::Rows, &name, "dynamodb_write", writes, formula.clone())?;
            let formula = formula.replace(&format!("x {page} KB "), "");
            self.add(
                Part::Rows,
                &format!("{name}, read"),
                "dynamodb_read",
                view.closings * touched * MONTH,
                formula,
            )?;
            stored += size + view.closings * view.rows * view.row_bytes * self.args.retention_days * 86_400.0;
        }
        let slabs: f64 = load.views.iter().map(|view| view.slab_writes * view.slab_units * 1024.0).sum();
        // A slab that is rewritten stands once; each is taken to be written twice.
        stored += slabs / 2.0 * self.args.retention_days * 86_400.0;
        let formula = format!(
            "{} GB of slabs, history and pages of {} days",
            figure(stored / GB),
            self.args.retention_days
        );
        self.add(Part::Rows, "table", "dynamodb_storage", stored / GB, formula)
    }

    fn stream(&mut self, load: &Load) -> anyhow::Result<()> {
        let rate: f64 = load.tables.iter().map(|table| table.rate).sum();
        let bytes = self.args.bytes_per_event;
        let gigabytes = |bytes: f64| rate * bytes * MONTH / GB;
        let formula = |bytes: f64| format!("{} events/s x {bytes} bytes x {MONTH} s", figure(rate));
        match self.args.stream {
            Stream::Existing => Ok(()),
            Stream::MskServerless => {
                self.add(Part::Stream, "cluster", "msk_serverless_hour", HOURS, format!("{HOURS} hours"))?;
                let hours = load.partitions * HOURS;
                let formula_hours = format!("{} partitions x {HOURS} hours", load.partitions);
                self.add(Part::Stream, "partitions", "msk_serverless_partition_hour", hours, formula_hours)?;
                self.add(
                    Part::Stream,
                    "events written",
                    "msk_serverless_in",
                    gigabytes(bytes),
                    formula(bytes),
                )?;
                self.add(
                    Part::Stream,
                    "events read",
                    "msk_serverless_out",
                    gigabytes(bytes),
                    formula(bytes),
                )?;
                let days = self.args.topic_days;
                let kept = rate * bytes * days * 86_400.0 / GB;
                let formula = format!("{} events/s x {bytes} bytes x {days} days", figure(rate));
                self.add(Part::Stream, "events kept", "msk_serverless_storage", kept, formula)
            }
            Stream::Kinesis => {
                let hours = load.topics * HOURS;
                let formula_hours = format!("{} streams x {HOURS} hours", load.topics);
                self.add(Part::Stream, "streams on demand", "kinesis_stream_hour", hours, formula_hours)?;
                // A record counts in whole kilobytes.
                let billed = (bytes / 1024.0).ceil() * 1024.0;
                self.add(Part::Stream, "events written", "kinesis_in", gigabytes(billed), formula(billed))?;
                self.add(Part::Stream, "events read", "kinesis_out", gigabytes(bytes), formula(bytes))
            }
        }
    }

    /// Requests to read, and events that come by HTTP.
    fn api(&mut self, load: &Load) -> anyhow::Result<()> {
        let rate: f64 = load.tables.iter().map(|table| table.rate).sum();
        let (reads, sends) = (self.args.reads_per_second, rate * self.args.http_share / self.args.http_batch);
        let wait = self.args.wait_millis / 1000.0;
        for (what, requests) in [("reads over HTTP", reads), ("events over HTTP", sends)] {
            if requests > 0.0 {
                let formula = || format!("{} requests/s x {MONTH} s", figure(requests));
                let count = requests * MONTH;
                self.add(Part::Rows, &format!("{what}: API Gateway"), "api_request", count, formula())?;
                self.add(Part::Rows, &format!("{what}: requests"), "lambda_request", count, formula())?;
                let formula = format!("{} x {wait} s x 512 MB / 1024", formula());
                self.add(
                    Part::Rows,
                    &format!("{what}: memory and time"),
                    "lambda_gb_second",
                    count * wait / 2.0,
                    formula,
                )?;
            }
        }
        let units = reads * 2.0 * MONTH;
        let formula = format!("{} requests/s x head and page x {MONTH} s", figure(reads));
        if reads > 0.0 {
            self.add(Part::Rows, "reads over HTTP: table", "dynamodb_read", units, formula)
        } else {
            Ok(())
        }
    }

    fn watch(&mut self, load: &Load) -> anyhow::Result<()> {
        self.add(Part::Watch, "alarms", "alarm", ALARMS, "those of infra/".to_owned())?;
        self.add(Part::Watch, "metrics", "metric", METRICS, "those of window and sweep".to_owned())?;
        let batches: f64 = load.tables.iter().map(|table| table.batches).sum();
        let bytes = batches * 1500.0 * MONTH;
        let formula = format!("{} batches/s x 1500 bytes x {MONTH} s", figure(batches));
        self.add(Part::Watch, "logs", "log_ingested", bytes / GB, formula)
    }
}

/// A number with three digits that say something.
pub(super) fn figure(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        0.1.. => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}
