//! What the four jobs of `tests/data/flink` cost, one with rows of single events, one with a pattern, and all views
//! of `sql/` at once, in CPU seconds for a million events on one core.
//!
//! ```sh
//! cargo bench --no-default-features --features mimalloc --bench jobs -- [--quick] [--json] [--job NAME] [--side NAME] [--events N]
//! ```
//!
//! Each job is run over generated events from three sides:
//!
//! - *slabs*: from the bytes of MSK payloads of 10 000 records (JSON with base64 with JSON inside) to
//!   updated slabs in a store in memory, encoded and compressed. A second partition, which never
//!   reports, keeps every window open.
//! - *rows*: the same with closing: history, pages, rows on a topic.
//! - *NDJSON*: `weir run` from a file of plain NDJSON to a file of rows.
//!
//! `--side slabs`, `--side rows` or `--side ndjson` runs one side alone, for a profiler.
//!
//! Generating events is not measured. `docs/performance.md` shows the numbers and what they are
//! compared with.

mod data;
mod measure;

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
};

use data::{Events, Job};
use measure::{Rounds, cpu_seconds, forget_peak, peak_megabytes};
use weir::{
    engine::{Engine, Settings},
    event,
    publish::{MemoryPublisher, PublishError, Standing, Topics},
    run::{Cut, Input, Outputs, run},
    state::MemoryStore,
    time::{Offset, SystemClock},
};

/// Lambda's largest batch.
const BATCH: usize = 10_000;
/// What Flink 2.3 needed for a million events from NDJSON: `DataStream` with heap state, SQL, `DataStream` with
/// `RocksDB` state. Measured on the same kind of machine, parsing included.
const FLINK: [(Job, f64, Option<f64>, Option<f64>); 4] = [
    (Job::Ctr, 1.10, Some(1.51), Some(7.7)),
    (Job::PageViews, 5.85, Some(2.10), Some(115.0)),
    (Job::Popularity, 1.46, Some(2.61), None),
    (Job::Sessions, 12.2, None, None),
];

/// What is asked for.
struct Request {
    events: usize,
    rounds: usize,
    json: bool,
    job: Option<String>,
    side: Option<String>,
}

/// What a job costs.
struct Report {
    job: Job,
    /// Bytes of a record in the payload.
    record_bytes: usize,
    slabs: Rounds,
    rows: Rounds,
    ndjson: Rounds,
    /// How many rows a million events give.
    given: f64,
    /// Peak of the resident memory of one run with closing, in MB, over these events and over four
    /// times as many.
    peak: f64,
    peak_of_four: f64,
}

fn main() {
    let request = request();
    let folder = tempfile::tempdir().expect("a folder for the events");
    let wanted = |job: &Job| request.job.as_ref().is_none_or(|name| *name == job.name());
    let reports: Vec<_> =
        Job::ALL.into_iter().filter(wanted).map(|job| report(job, &request, folder.path())).collect();
    if request.json {
        println!("{}", serde_json::Value::Array(reports.iter().map(as_json).collect()));
    } else {
        print(&reports, &request);
    }
}

fn request() -> Request {
    let mut request = Request { events: 1_000_000, rounds: 7, json: false, job: None, side: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => (request.events, request.rounds) = (200_000, 3),
            "--json" => request.json = true,
            "--job" => request.job = arguments.next(),
            "--side" => request.side = arguments.next(),
            "--events" => request.events = arguments.next().and_then(|n| n.parse().ok()).expect("a number"),
            "--rounds" => request.rounds = arguments.next().and_then(|n| n.parse().ok()).expect("a number"),
            // What cargo itself passes.
            "--bench" => {}
            other => {
                panic!("{other}: expected --quick, --json, --job NAME, --side NAME, --events N or --rounds N")
            }
        }
    }
    request
}

fn report(job: Job, request: &Request, folder: &Path) -> Report {
    let Request { events, rounds, .. } = *request;
    let file = folder.join(job.name());
    let wants = |side: &str| request.side.as_ref().is_none_or(|wanted| wanted == side);
    if wants("ndjson") {
        write_events(job, events, &file);
    }
    let rounds_of = |side| if wants(side) { rounds } else { 0 };
    let (slabs, rows) = (
        Rounds::of(rounds_of("slabs"), || from_payloads(job, events, false)),
        Rounds::of(rounds_of("rows"), || from_payloads(job, events, true)),
    );
    let mut given = 0.0;
    let ndjson = Rounds::of(rounds_of("ndjson"), || {
        let (seconds, rows) = from_ndjson(job, events, &file);
        given = rows;
        seconds
    });
    let peak_of = |events| {
        if request.side.is_some() {
            return 0.0;
        }
        forget_peak();
        from_payloads(job, events, true);
        peak_megabytes()
    };
    Report {
        job,
        record_bytes: Events::new(job).payload(BATCH).len() / BATCH,
        slabs,
        rows,
        ndjson,
        given,
        peak: peak_of(events),
        peak_of_four: peak_of(4 * events),
    }
}

/// So much of something for a million events.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn a_million(much: f64, events: usize) -> f64 {
    much * 1e6 / events as f64
}

/// From payloads to slabs, and to rows if windows close.
fn from_payloads(job: Job, count: usize, closes: bool) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let topics = Partitions(if closes { 1 } else { 2 });
    let engine = Engine::new(
        Arc::new(job.catalog()),
        MemoryStore::new(),
        MemoryPublisher::default(),
        topics,
        Arc::new(SystemClock),
        Settings::default(),
    );
    let mut events = Events::new(job);
    let mut seconds = 0.0;
    let mut lost = 0;
    for _ in 0..count.div_ceil(BATCH) {
        let payload = events.payload(BATCH);
        let start = cpu_seconds();
        let batches = event::parse(&payload).expect("a Kafka event");
        for batch in &batches {
            let absorbed = runtime.block_on(engine.absorb(batch)).expect("memory does not fail");
            lost += absorbed.late + absorbed.dead;
        }
        drop(batches);
        seconds += cpu_seconds() - start;
        // What DynamoDB's expiry does.
        for (view, slice) in runtime.block_on(engine.horizons()).expect("memory does not fail") {
            engine.store().drop_before(&view, slice);
        }
        drop(engine.publisher().take());
    }
    assert_eq!(lost, 0, "no event is late or broken");
    a_million(seconds, count.div_ceil(BATCH) * BATCH)
}

/// `weir run`, from file to file: what it costs, and how many rows it gives.
fn from_ndjson(job: Job, count: usize, file: &Path) -> (f64, f64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let start = cpu_seconds();
    let input = |topic: &&str| {
        let file = File::open(file.with_extension(topic)).expect("the events");
        Input { topic: (*topic).into(), lines: Box::new(BufReader::with_capacity(1 << 18, file)) }
    };
    let inputs = job.topics().iter().map(input).collect();
    let rows = File::create(file.with_extension("rows")).expect("a file for the rows");
    let outputs = Outputs {
        views: Vec::new(),
        rows: Box::new(BufWriter::new(rows)),
        late: Box::new(std::io::sink()),
        dead: Box::new(std::io::sink()),
    };
    let cut = Cut { batch: BATCH, partitions: NonZeroU32::MIN };
    let ran = run(job.catalog(), inputs, cut, outputs, Arc::new(SystemClock), |_| ());
    let summary = runtime.block_on(ran).expect("the run does not fail");
    assert_eq!((summary.records, summary.late, summary.dead), (count as u64, 0, 0));
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rows = summary.rows as f64;
    (a_million(cpu_seconds() - start, count), a_million(rows, count))
}

/// A file a topic.
fn write_events(job: Job, count: usize, file: &Path) {
    let create = |topic: &&str| File::create(file.with_extension(topic)).map(BufWriter::new);
    let mut files: Vec<_> =
        job.topics().iter().map(create).collect::<Result<_, _>>().expect("files for the events");
    for event in Events::new(job).take(count) {
        let place = job.topics().iter().position(|topic| *topic == event.topic).expect("one of the topics");
        let file = files.get_mut(place).expect("a file a topic");
        writeln!(file, "{}", event.value).expect("room for the events");
    }
    files.iter_mut().try_for_each(Write::flush).expect("room for the events");
}

fn print(reports: &[Report], request: &Request) {
    println!("{} events, {} rounds: CPU s for 1M events, least (median)", request.events, request.rounds);
    println!("built with thin LTO and one codegen unit, as the functions are deployed\n");
    println!(
        "| job | MSK payload to slabs | to rows | NDJSON to rows | Flink 2.3, heap | Flink SQL | Flink RocksDB |"
    );
    println!("|---|---|---|---|---|---|---|");
    let seconds = |rounds: Rounds| format!("{:.2} ({:.2})", rounds.least, rounds.median);
    for report in reports {
        let (heap, sql, rocks) = flink(report.job);
        let known = |seconds: Option<f64>| seconds.map_or(String::new(), |seconds| format!("{seconds:.2}"));
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            report.job.name(),
            seconds(report.slabs),
            seconds(report.rows),
            seconds(report.ndjson),
            known(heap),
            known(sql),
            known(rocks)
        );
    }
    println!(
        "\n| job | bytes a record in the payload | rows | peak memory, MB | over four times the events, MB |"
    );
    println!("|---|---|---|---|---|");
    for report in reports {
        let Report { job, record_bytes, given, peak, peak_of_four, .. } = report;
        println!("| {} | {record_bytes} | {given:.0} | {peak:.0} | {peak_of_four:.0} |", job.name());
    }
}

fn flink(job: Job) -> (Option<f64>, Option<f64>, Option<f64>) {
    let found = FLINK.iter().find(|(of, ..)| *of == job);
    found.map_or((None, None, None), |(_, heap, sql, rocks)| (Some(*heap), *sql, *rocks))
}

fn as_json(report: &Report) -> serde_json::Value {
    let rounds = |rounds: Rounds| serde_json::json!({"least": rounds.least, "median": rounds.median});
    serde_json::json!({
        "job": report.job.name(),
        "record_bytes": report.record_bytes,
        "rows": report.given,
        "payload_to_slabs_cpu_seconds": rounds(report.slabs),
        "payload_to_rows_cpu_seconds": rounds(report.rows),
        "ndjson_to_rows_cpu_seconds": rounds(report.ndjson),
        "peak_megabytes": report.peak,
        "peak_megabytes_of_four_times_the_events": report.peak_of_four,
    })
}

/// A broker where every topic has so many partitions.
struct Partitions(i32);

impl Topics for Partitions {
    async fn partitions(&self, _topic: &str) -> Result<Option<Vec<i32>>, PublishError> {
        Ok(Some((0..self.0).collect()))
    }
    async fn standing(&self, _: &str, _: i32, _: Offset) -> Result<Standing, PublishError> {
        Ok(Standing::Behind)
    }
}
