//! The log of a process: for people, or a JSON object a line.
//!
//! On Lambda it goes to standard output, in the format and from the level that the function is configured
//! with: `AWS_LAMBDA_LOG_FORMAT` (`JSON` or `Text`), `AWS_LAMBDA_LOG_LEVEL`, and where that is not set
//! `RUST_LOG`. A line has its spans with it: the invocation's request and trace ids, the batch's topic,
//! partition and offsets.

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

#[cfg(feature = "otel")]
use super::otel::Traces;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Human,
    /// As text without times, which the log that it is written to has.
    Text,
    /// As JSON: `timestamp`, `level`, `target`, `message`, the fields, and `spans` from the outermost on.
    Json,
}

/// Begins to log what passes a filter. A process that logs already goes on as it does.
pub fn init<W>(
    format: Format,
    filter: EnvFilter,
    writer: W,
    is_targeted: bool,
    #[cfg(feature = "otel")] traces: Option<&Traces>,
) where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let subscriber = Registry::default();
    #[cfg(feature = "otel")]
    let subscriber = subscriber.with(traces.map(Traces::layer));
    // It fails only where a log is there already, and then that one is meant.
    let _ = subscriber.with(filter).with(layer(format, writer, is_targeted)).try_init();
}

/// What writes the lines.
fn layer<S, W>(format: Format, writer: W, is_targeted: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'s> tracing_subscriber::registry::LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer).with_target(is_targeted);
    match format {
        Format::Human => layer.boxed(),
        Format::Text => layer.without_time().with_ansi(false).boxed(),
        Format::Json => {
            layer.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed()
        }
    }
}

/// Begins to log as a Lambda function is configured to.
pub(super) fn on_lambda(#[cfg(feature = "otel")] traces: Option<&Traces>) {
    let var = |name: &str| std::env::var(name).ok();
    init(
        lambda_format(var),
        EnvFilter::builder().parse_lossy(lambda_filter(var)),
        std::io::stdout,
        false,
        #[cfg(feature = "otel")]
        traces,
    );
}

fn lambda_format(var: impl Fn(&str) -> Option<String>) -> Format {
    let is_json = var("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    if is_json { Format::Json } else { Format::Text }
}

/// The filter's directives. Lambda knows a level above those that there are here.
fn lambda_filter(var: impl Fn(&str) -> Option<String>) -> String {
    let level = var("AWS_LAMBDA_LOG_LEVEL").filter(|level| !level.is_empty());
    let level =
        level.map(|level| if level.eq_ignore_ascii_case("fatal") { "error".to_owned() } else { level });
    level.or_else(|| var("RUST_LOG")).filter(|filter| !filter.is_empty()).unwrap_or_else(|| "info".to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::Value as Json;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = Registry::default().with(EnvFilter::new("info"));
        let subscriber = subscriber.with(layer(format, move || writer.clone(), false));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn log() {
        let _request = tracing::info_span!("invoke", requestId = "r-1").entered();
        let _batch = tracing::info_span!("batch", topic = "clicks", partition = 2, first = 10).entered();
        tracing::info!(records = 5, "absorbed a batch");
        tracing::debug!("not told");
    }

    #[test]
    fn a_line_of_json_has_the_request_and_the_batch() {
        let text = logged(Format::Json, log);
        let line: Json = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(
            (&line["level"], &line["message"]),
            (&"INFO".into(), &"absorbed a batch".into()),
            "{line}"
        );
        assert_eq!(line["records"], 5);
        assert_eq!(line["spans"][0]["requestId"], "r-1");
        assert_eq!((&line["spans"][1]["topic"], &line["spans"][1]["first"]), (&"clicks".into(), &10.into()));
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }

    #[test]
    fn a_line_of_text_has_them_too_and_no_colours() {
        let text = logged(Format::Text, log);
        assert!(text.contains(r#"requestId="r-1""#) && text.contains("first=10"), "{text}");
        assert!(text.starts_with(" INFO ") && !text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn lambdas_own_settings_go_before_the_usual_ones() {
        let filter = |vars: &[(&str, &str)]| {
            lambda_filter(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(filter(&[]), "info");
        assert_eq!(filter(&[("RUST_LOG", "weir=debug")]), "weir=debug");
        assert_eq!(filter(&[("AWS_LAMBDA_LOG_LEVEL", "WARN"), ("RUST_LOG", "debug")]), "WARN");
        assert_eq!(filter(&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")]), "error");
        assert_eq!(lambda_format(|_| Some("JSON".to_owned())), Format::Json);
        assert_eq!(lambda_format(|_| None), Format::Text);
    }
}
