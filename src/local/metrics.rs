//! `/metrics`: what this process has observed, for Prometheus to scrape.

use std::{sync::OnceLock, time::Duration};

use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use metrics::Recorder as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tokio::{sync::oneshot, time::interval};

use crate::observe::{Definition, Kind, names};

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often what histograms were given is put into their buckets, should nobody scrape.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps what the process observes. A process has one recorder, so this is of all of its stacks; where
/// there was another before, this one keeps nothing.
fn recorder() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = with_buckets().build_recorder();
        names::ALL.iter().for_each(|metric| describe(&recorder, metric));
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the process has a recorder already: /metrics is empty");
        }
        handle
    })
}

fn with_buckets() -> PrometheusBuilder {
    let mut histograms = names::ALL.iter().filter(|metric| metric.kind == Kind::Histogram);
    let with = |builder: PrometheusBuilder, metric: &&'static Definition| {
        builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), metric.buckets)
    };
    // What is refused is a list without buckets, and none of them is.
    histograms.try_fold(PrometheusBuilder::new(), with).unwrap_or_default()
}

fn describe(recorder: &PrometheusRecorder, metric: &Definition) {
    let (name, unit, help) = (metric.name.into(), Some(metric.unit), metric.help.into());
    match metric.kind {
        Kind::Counter => recorder.describe_counter(name, unit, help),
        Kind::Gauge => recorder.describe_gauge(name, unit, help),
        Kind::Histogram => recorder.describe_histogram(name, unit, help),
    }
}

/// `GET /metrics`.
pub(super) fn routes() -> Router {
    recorder();
    Router::new().route("/metrics", get(render))
}

async fn render() -> impl IntoResponse {
    ([(CONTENT_TYPE, TEXT)], recorder().render())
}

/// Bounds what is kept for histograms, until it is told to stop.
pub(super) async fn keep_up(mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(UPKEEP);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => recorder().run_upkeep(),
        }
    }
}
