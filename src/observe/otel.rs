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
        Some(Self::to(exporter, name))
    }

    fn to(exporter: SpanExporter, name: String) -> Self {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(name).with_attribute(version).build();
        let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter);
        Self(provider.build())
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::mpsc,
        thread,
    };

    use opentelemetry_otlp::WithExportConfig as _;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// A collector that takes one request, and hands on what it was sent.
    fn collector() -> (String, mpsc::Receiver<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let (send, received) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut all, mut part) = (Vec::new(), [0; 4096]);
            while !is_whole(&all) {
                let len = stream.read(&mut part).unwrap();
                all.extend_from_slice(&part[..len]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            send.send(all).unwrap();
        });
        (url, received)
    }

    fn is_whole(request: &[u8]) -> bool {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
        let len = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        len.is_some_and(|len| request.len() - head - 4 >= len.parse::<usize>().unwrap())
    }

    #[test]
    fn a_span_reaches_the_collector_with_its_fields_before_the_function_answers() {
        let (url, received) = collector();
        // As a function has it: one thread, which is within a runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let exporter = SpanExporter::builder().with_http().with_endpoint(url).build().unwrap();
            let traces = Traces::to(exporter, "weir-test".to_owned());
            let subscriber = Registry::default().with(traces.layer());
            tracing::subscriber::with_default(subscriber, || {
                tracing::info_span!("batch", topic = "clicks", first = 10)
                    .in_scope(|| tracing::info!("absorbed"));
            });
            traces.flush();
        });
        let request = received.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
        let text = String::from_utf8_lossy(&request);
        assert!(text.starts_with("POST /v1/traces "), "{text}");
        for part in ["weir-test", "batch", "topic", "clicks", "absorbed"] {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
}
