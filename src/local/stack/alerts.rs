//! The notify function behind the alert topics, called in this process.

use std::{collections::BTreeSet, sync::Arc};

use super::{StackError, StackOptions, functions::answer};
use crate::{
    handlers,
    local::poller::{Invoke, InvokeError, Poller, PollerConfig},
    notify::Notifier,
    observe::Observer,
    publish::kafka::{KafkaPublisher, KafkaSettings},
    time::{Clock as _, Millis, SystemClock},
};

const FUNCTION: &str = "notify";
const GROUP: &str = "weir-notify";
/// How long one call may last, as a Lambda function's timeout would say.
const TIMEOUT: Millis = Millis::minutes(1);

struct NotifyFunction {
    notifier: Notifier<KafkaPublisher>,
    observer: Observer,
}

impl Invoke for NotifyFunction {
    async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let work = handlers::notify(&self.notifier, &payload, SystemClock.now() + TIMEOUT);
        answer(function, self.observer.invocation(work).await)
    }
}

/// Begins to carry alerts to the targets; does nothing where there are none, or nobody raises alerts.
pub(super) async fn start(
    options: &StackOptions,
    kafka: &KafkaSettings,
    publisher: KafkaPublisher,
) -> Result<Option<Poller>, StackError> {
    let topics = topics(options);
    let Some(settings) = options.notify.clone().filter(|_| !topics.is_empty()) else { return Ok(None) };
    let notifier = Notifier::connect(settings, publisher, Arc::new(SystemClock)).await;
    let notifier = notifier.map_err(StackError::Notify)?;
    let function = NotifyFunction { notifier, observer: Observer::new(FUNCTION) };
    let config = PollerConfig { group: GROUP.to_owned(), ..PollerConfig::new(FUNCTION, topics) };
    Ok(Some(Poller::start(config, kafka, function)?))
}

/// The topics that alerts are on.
fn topics(options: &StackOptions) -> BTreeSet<&str> {
    let views = options.catalog.views.iter().map(|view| &view.options);
    views.filter(|options| options.alert).filter_map(|options| options.topic.as_deref()).collect()
}
