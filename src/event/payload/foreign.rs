//! What a payload is that is no Kafka event, for the person who wired the function to it.

use serde_json::Value;

use super::PayloadError;

/// Whether the payload is a tick of an `EventBridge` rule or schedule.
pub(super) fn is_schedule(payload: &[u8]) -> bool {
    serde_json::from_slice(payload).is_ok_and(|event: Value| scheduled(&event))
}

fn scheduled(event: &Value) -> bool {
    matches!(text(event, "/source"), Some("aws.events" | "aws.scheduler"))
        && text(event, "/detail-type") == Some("Scheduled Event")
}

/// The error for a payload in which no records were found.
#[cold]
pub(super) fn error(payload: &[u8]) -> PayloadError {
    let mut cursor = super::Cursor::new(payload);
    if let Err(syntax) = cursor.value().and_then(|_| cursor.end()) {
        return PayloadError::NotJson(syntax);
    }
    let found = match serde_json::from_slice(payload) {
        Ok(event) => describe(&event),
        Err(_) => "JSON that holds no UTF-8".to_owned(),
    };
    PayloadError::Foreign { found }
}

fn describe(event: &Value) -> String {
    let Some(fields) = event.as_object() else { return "JSON that is no object".to_owned() };
    let has = |pointer: &str| event.pointer(pointer).is_some();
    let source = text(event, "/eventSource")
        .or_else(|| text(event, "/Records/0/eventSource"))
        .or_else(|| text(event, "/Records/0/EventSource"));
    match source {
        Some("aws:sqs") => return "an SQS event".to_owned(),
        Some("aws:sns") => return "an SNS event".to_owned(),
        Some("aws:s3") => return "an S3 event".to_owned(),
        Some(super::kinesis::SOURCE) => return "a Kinesis event with records of other sources".to_owned(),
        Some("aws:dynamodb") => return "a DynamoDB stream's event".to_owned(),
        Some(source) if super::is_kafka(source) => return "a Kafka event without records".to_owned(),
        Some(other) => return format!("an event of the source \"{other}\""),
        None => {}
    }
    if scheduled(event) {
        "a scheduled event".to_owned()
    } else if has("/detail-type") {
        "an EventBridge event".to_owned()
    } else if has("/deliveryStreamArn") {
        "a Firehose event".to_owned()
    } else if has("/requestContext/connectionId") {
        "an API Gateway WebSocket event".to_owned()
    } else if has("/requestContext") {
        "an API Gateway or function URL request".to_owned()
    } else if has("/records") {
        "an event with records but without \"eventSource\"".to_owned()
    } else {
        let names: Vec<_> = fields.keys().take(5).map(|name| format!("\"{name}\"")).collect();
        format!("an object with the fields [{}]", names.join(", "))
    }
}

fn text<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer)?.as_str()
}
