//! The sink function behind the result topics, called in this process.

use std::{collections::BTreeSet, sync::Arc};

use super::{StackError, StackOptions, functions::answer};
use crate::{
    handlers,
    local::poller::{Invoke, InvokeError, Poller, PollerConfig},
    observe::Observer,
    publish::kafka::{KafkaPublisher, KafkaSettings},
    sink::{Sink, Target},
    time::{Clock as _, Millis, SystemClock},
};

const FUNCTION: &str = "sink";
const GROUP: &str = "weir-sink";
/// How long one call may last, as a Lambda function's timeout would say.
const TIMEOUT: Millis = Millis::minutes(2);

struct SinkFunction {
    sink: Sink<KafkaPublisher>,
    observer: Observer,
}

impl Invoke for SinkFunction {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let work = handlers::sink(&self.sink, &payload, SystemClock.now() + TIMEOUT);
        answer(function, self.observer.invocation(work).await)
    }
}

/// Begins to carry rows to the targets; does nothing where there are none, or no view has a topic.
pub(super) async fn start(
    options: &StackOptions,
    kafka: &KafkaSettings,
    publisher: KafkaPublisher,
) -> Result<Option<Poller>, StackError> {
    let topics = topics(options);
    let Some(settings) = options.sink.clone().filter(|_| !topics.is_empty()) else { return Ok(None) };
    let sink = Sink::connect(settings, &options.catalog, publisher, Arc::new(SystemClock)).await;
    let function = SinkFunction { sink: sink.map_err(StackError::Sink)?, observer: Observer::new(FUNCTION) };
    let config = PollerConfig {
        group: GROUP.to_owned(),
        batch_window: options.sink_window,
        ..PollerConfig::new(FUNCTION, topics)
    };
    Ok(Some(Poller::start(config, kafka, function)?))
}

/// The topics that rows are on, alerts among them.
fn topics(options: &StackOptions) -> BTreeSet<&str> {
    options.catalog.views.iter().filter_map(|view| view.options.topic.as_deref()).collect()
}

/// The first target of files.
pub(super) fn lake(options: &StackOptions) -> Option<Target> {
    options.sink.as_ref()?.targets.iter().find(|target| target.is_lake()).cloned()
}
