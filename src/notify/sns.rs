//! Publishes to SNS: to a topic, or to a phone.
//!
//! A topic gets a message for each kind of subscription: e-mails and phones a text, all else (queues,
//! functions, HTTP) the alert as it is. `severity`, `rule` and `view` are message attributes too, for
//! filter policies.

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_sns::{
    Client,
    error::{ProvideErrorMetadata as _, SdkError},
    operation::publish::{PublishError, builders::PublishFluentBuilder},
    types::MessageAttributeValue,
};
use serde_json::json;

use super::{
    Alert,
    target::{Phone, TopicArn},
    text,
};
use crate::{
    error::causes,
    http::{Failure, Then},
};

/// The longest name of a group of a FIFO topic.
const MAX_GROUP: usize = 128;

/// The region, keys and endpoint of the environment (`AWS_ENDPOINT_URL_SNS`, `AWS_ENDPOINT_URL`).
pub(super) async fn environment() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).load().await
}

/// A client for a region, or for that of the environment. It does not retry: that is done for all
/// targets alike, within the invocation's time.
pub(super) fn client(aws: &SdkConfig, region: Option<&str>) -> Client {
    let config = aws_sdk_sns::config::Builder::from(aws).retry_config(RetryConfig::disabled());
    let config = match region {
        Some(region) => config.region(Region::new(region.to_owned())),
        None => config,
    };
    Client::from_conf(config.build())
}

/// Publishes to a topic once.
pub(super) async fn to_topic(client: &Client, topic: &TopicArn, alert: &Alert<'_>) -> Result<(), Failure> {
    let raw = String::from_utf8_lossy(alert.raw);
    let texts = json!({"default": raw, "email": text::body(alert), "sms": text::short(alert)});
    let mut request = client
        .publish()
        .topic_arn(&topic.text)
        .subject(text::subject(alert))
        .message_structure("json")
        .message(texts.to_string());
    if topic.is_fifo() {
        request = request.message_deduplication_id(&alert.id).message_group_id(group(alert));
    }
    send(attributes(request, alert)).await
}

/// Publishes to a phone once.
pub(super) async fn to_phone(client: &Client, phone: &Phone, alert: &Alert<'_>) -> Result<(), Failure> {
    let request = client.publish().phone_number(&phone.0).message(text::short(alert));
    // Reliable rather than cheap.
    send(attribute(attributes(request, alert), "AWS.SNS.SMS.SMSType", "Transactional")).await
}

/// What keeps its order: the alerts of a view.
fn group<'a>(alert: &'a Alert<'_>) -> &'a str {
    let fits = |view: &&str| view.len() <= MAX_GROUP && view.bytes().all(|byte| byte.is_ascii_graphic());
    alert.text("view").filter(fits).unwrap_or("weir")
}

fn attributes(request: PublishFluentBuilder, alert: &Alert<'_>) -> PublishFluentBuilder {
    let named = ["rule", "view"].into_iter().filter_map(|name| Some((name, alert.text(name)?)));
    let request = attribute(request, "severity", alert.severity.name());
    named.fold(request, |request, (name, value)| attribute(request, name, value))
}

fn attribute(request: PublishFluentBuilder, name: &str, value: &str) -> PublishFluentBuilder {
    match MessageAttributeValue::builder().data_type("String").string_value(value).build() {
        Ok(value) => request.message_attributes(name, value),
        Err(_) => request,
    }
}

async fn send(request: PublishFluentBuilder) -> Result<(), Failure> {
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(failure(&error)),
    }
}

fn failure(error: &SdkError<PublishError>) -> Failure {
    match error {
        SdkError::ServiceError(answer) => {
            let (status, code) = (answer.raw().status().as_u16(), answer.err().code().unwrap_or("an error"));
            let message = answer.err().message().unwrap_or("it gave no reason");
            let mut failure = Failure::answered(format!("SNS answered {code}: {message}"), status, None);
            // The key service's throttling comes as 400.
            if code.contains("Throttl") {
                failure.then = Then::Retry;
            }
            failure
        }
        SdkError::ConstructionFailure(_) => Failure::impossible(causes(error)),
        _ => Failure::unanswered(causes(error)),
    }
}
