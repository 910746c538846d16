//! The log: to standard error, above the live line.

use std::io::{self, Write};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use super::live::Live;
use crate::{
    local::dynamo,
    observe::logs::{self, Format},
};

/// What is said where nobody asks for more. Connections come and go when the stack starts and stops, which
/// librdkafka takes for errors.
const QUIET: &str = "rdkafka=error,librdkafka=off";

/// Begins to log. `RUST_LOG` goes before the number of -v.
pub(super) fn init(verbose: u8, live: &Live) {
    let level = match verbose {
        0 => "warn",
        1 => "warn,weir=info",
        2 => "info,weir=debug",
        _ => "debug",
    };
    let default = format!("{level},{QUIET},{}", dynamo::LOG_FILTER);
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    logs::init(
        Format::Human,
        filter,
        Above(live.clone()),
        verbose > 1,
        #[cfg(feature = "otel")]
        crate::observe::otel::Traces::from_env("up").as_ref(),
    );
}

/// Writes above the live line.
#[derive(Clone)]
struct Above(Live);

impl<'a> MakeWriter<'a> for Above {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.above(|| io::stderr().write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
