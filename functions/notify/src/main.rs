//! The function behind the alert topic: alerts to webhooks, Slack and SNS.

use std::sync::Arc;

use anyhow::anyhow;
use lambda_runtime::{Diagnostic, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;
use weir::{
    error::causes,
    handlers::{self, NotifyError},
    notify::Notifier,
    settings::{self, Settings},
    time::{Clock as _, SystemClock},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let observer = &settings::observer("notify")?;
    let settings = settings::notify(settings::variables().await?)?;
    let broker = Settings::from_env()?.broker().await?;
    let notifier = Notifier::connect(settings, broker, Arc::new(SystemClock)).await?;
    let notifier = &notifier;
    run(service_fn(async move |event: LambdaEvent<Box<RawValue>>| {
        let deadline = handlers::deadline(event.context.deadline, SystemClock.now());
        let work = handlers::notify(notifier, event.payload.get().as_bytes(), deadline);
        observer.invocation(work).await.map_err(|error| diagnostic(&error))
    }))
    .await
    .map_err(|error| anyhow!(error))
}

/// The error as Lambda reports it, with all of its causes.
fn diagnostic(error: &NotifyError) -> Diagnostic {
    Diagnostic { error_type: "NotifyError".to_owned(), error_message: causes(error) }
}
