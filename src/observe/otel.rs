//! Traces to an OpenTelemetry collector, by OTLP over HTTP: each span of the log, with its fields.
//!
//! They are sent where `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` is set; the other
//! `OTEL_` variables of the specification hold as well (headers, timeout, sampler, resource attributes).

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Registry;

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// Sends spans in the background.
#[derive(Clone, Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// As the environment says; none where it names no collector. One that cannot be set up is told on
    /// standard error, and traces nothing.
    pub fn from_env(service: &'static str) -> Option<Self> {
        ENDPOINTS.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()))?;
        let exporter = SpanExporter::builder().with_http().build();
        let exporter = exporter.inspect_err(|error| eprintln!("failed to set up traces: {error}")).ok()?;
        let name = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| format!("weir-{service}"));
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(name).with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter);
        Some(Self(provider.build()))
    }

    /// What a log hands its spans to.
    pub(super) fn layer(&self) -> OpenTelemetryLayer<Registry, SdkTracer> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("weir"))
    }

    /// Sends what there is: a function may be frozen once it has answered.
    pub fn flush(&self) {
        if let Err(error) = self.0.force_flush() {
            eprintln!("failed to send traces: {error}");
        }
    }
}
