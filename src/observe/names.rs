//! Every metric that there is. `docs/metrics.md` has the same table, which a test compares.

use metrics::Unit;

use super::metric::{Counter, Definition, Gauge, Histogram, Kind};

/// Seconds, from what a warm read takes to what a function may last.
const SECONDS: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Bytes, from a write unit to what `DynamoDB` takes.
const ITEM_BYTES: &[f64] = &[1024.0, 4096.0, 16_384.0, 65_536.0, 131_072.0, 262_144.0, 409_600.0];

const fn counter(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> Counter {
    Counter(Definition { name, kind: Kind::Counter, unit, labels, help, buckets: &[] })
}

const fn gauge(name: &'static str, unit: Unit, labels: &'static [&'static str], help: &'static str) -> Gauge {
    Gauge(Definition { name, kind: Kind::Gauge, unit, labels, help, buckets: &[] })
}

const fn seconds(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Histogram {
    let (kind, unit) = (Kind::Histogram, Unit::Seconds);
    Histogram(Definition { name, kind, unit, labels, help, buckets: SECONDS })
}

const fn item_bytes(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Histogram {
    let (kind, unit) = (Kind::Histogram, Unit::Bytes);
    Histogram(Definition { name, kind, unit, labels, help, buckets: ITEM_BYTES })
}

/// Declares the metrics, and the list of all of them.
macro_rules! metrics {
    ($($constant:ident: $of:ident = $new:ident($($argument:expr),*);)*) => {
        $(
            #[doc = concat!("See its `help` in [`ALL`]: `", stringify!($constant), "`.")]
            pub static $constant: $of = $new($($argument),*);
        )*
        /// All of them, in the order in which a person asks: what comes in, what becomes of it, what it costs.
        pub static ALL: &[&Definition] = &[$(&$constant.0),*];
    };
}

metrics! {
    RECORDS: Counter = counter("weir_records_total", Unit::Count, &["topic"],
        "Records that the window function was given, repeated ones included");
    BYTES: Counter = counter("weir_bytes_total", Unit::Bytes, &["topic"],
        "Bytes of their keys and values");
    DEAD_LETTERS: Counter = counter("weir_dead_letters_total", Unit::Count, &["topic"],
        "Records that do not fit their table");
    EVENTS: Counter = counter("weir_events_total", Unit::Count, &["view"],
        "Events that a view has counted");
    LATE: Counter = counter("weir_late_total", Unit::Count, &["view"],
        "Events that came too late for a view");
    REPEATED: Counter = counter("weir_repeated_total", Unit::Count, &["view"],
        "Records that a view had absorbed before: batches that were delivered again");
    DEFERRED: Counter = counter("weir_deferred_total", Unit::Count, &["view"],
        "Records that a view left to its backfill");
    WATERMARK_LAG: Gauge = gauge("weir_watermark_lag_seconds", Unit::Seconds, &["view"],
        "How far a view's watermark is behind the clock; 0 while all of its partitions are idle");
    WINDOWS_CLOSED: Counter = counter("weir_windows_closed_total", Unit::Count, &["view"],
        "Windows that were closed, again or for the first time");
    ROWS: Counter = counter("weir_rows_total", Unit::Count, &["view"],
        "Rows that were given out, revisions included");
    CLOSE_SECONDS: Histogram = seconds("weir_close_seconds", &["view"],
        "How long it took to close the windows that were due, from slabs to published rows");
    SLAB_BYTES: Histogram = item_bytes("weir_slab_bytes", &["view"],
        "Bytes of a slab's item as it was written");
    STORE_UNITS: Counter = counter("weir_store_units_total", Unit::Count, &["kind"],
        "Request units that DynamoDB says it consumed, rounded up to whole ones a call");
    STORE_CALLS: Counter = counter("weir_store_calls_total", Unit::Count, &["kind"],
        "Calls that DynamoDB answered; the SDK's own retries are within a call");
    STORE_CONFLICTS: Counter = counter("weir_store_conflicts_total", Unit::Count, &["item"],
        "Writes whose condition failed: another writer was there");
    PUBLISHED: Counter = counter("weir_published_total", Unit::Count, &["topic"],
        "Messages that the broker took");
    PUBLISH_FAILURES: Counter = counter("weir_publish_failures_total", Unit::Count, &["topic"],
        "Publications that failed, and are tried again as a whole");
    NOTIFICATIONS: Counter = counter("weir_notifications_total", Unit::Count, &["outcome"],
        "Alerts by what became of them, a target each");
    INVOCATIONS: Counter = counter("weir_invocations_total", Unit::Count, &["function", "outcome"],
        "Invocations that ended");
    INVOCATION_SECONDS: Histogram = seconds("weir_invocation_seconds", &["function"],
        "How long they took");
    COLD_STARTS: Counter = counter("weir_cold_starts_total", Unit::Count, &["function"],
        "Processes that got their first invocation");
    HTTP_SECONDS: Histogram = seconds("weir_http_seconds", &["route", "status"],
        "How long the API took to begin its answer");
}
