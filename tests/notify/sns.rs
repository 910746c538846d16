//! Alerts to SNS, as its query protocol has them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::fixture::{Asked, Reply, Server, Stand, alert, header};

const OK: Reply = Reply::Say(
    200,
    r#"<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId>
       </PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>"#,
);
const NOT_FOUND: Reply = Reply::Say(
    404,
    r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>
       <Code>NotFound</Code><Message>Topic does not exist</Message></Error><RequestId>r</RequestId></ErrorResponse>"#,
);
const THROTTLED: Reply = Reply::Say(
    400,
    r#"<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>
       <Code>KMSThrottling</Code><Message>Slow down</Message></Error><RequestId>r</RequestId></ErrorResponse>"#,
);
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alerts";

/// The parameters of a request; those of message attributes as `@name`.
fn parameters(asked: &Asked) -> BTreeMap<String, String> {
    let all: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body).into_owned().collect();
    let mut named = BTreeMap::new();
    for (name, value) in &all {
        let Some(entry) = name.strip_prefix("MessageAttributes.") else {
            named.insert(name.clone(), value.clone());
            continue;
        };
        if let Some(entry) = entry.strip_suffix(".Name") {
            assert_eq!(all[&format!("MessageAttributes.{entry}.Value.DataType")], "String");
            let text = all[&format!("MessageAttributes.{entry}.Value.StringValue")].clone();
            named.insert(format!("@{value}"), text);
        }
    }
    named
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_topic_gets_a_text_for_people_and_the_alert_for_all_else() {
    let server = Server::start([OK]).await;
    let stand = Stand::on_aws(&format!("sns:{TOPIC}"), &server).await;
    assert_eq!(stand.notify(&[alert("a1", "HIGH")]).await.sent, 1);
    let asked = &server.asked()[0];
    let mut found = parameters(asked);
    let texts: Json = serde_json::from_str(&found.remove("Message").unwrap()).unwrap();
    let email = "HIGH: high_value_order\n\nview: orders\nid: a1\n";
    let expected_texts =
        json!({"default": alert("a1", "HIGH"), "email": email, "sms": "HIGH high_value_order"});
    assert_eq!(texts, expected_texts);
    let others = expected(&[
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", TOPIC),
        ("Subject", "[HIGH] high_value_order"),
        ("MessageStructure", "json"),
        ("@severity", "HIGH"),
        ("@rule", "high_value_order"),
        ("@view", "orders"),
    ]);
    assert_eq!(found, others);
    let region = asked.header("authorization").contains("/eu-central-1/sns/aws4_request");
    assert!(region, "signed for the topic's region: {}", asked.header("authorization"));
}

#[tokio::test]
async fn a_fifo_topic_gets_the_id_to_drop_repetitions_by() {
    let server = Server::start([OK]).await;
    let stand = Stand::on_aws(&format!("sns:{TOPIC}.fifo"), &server).await;
    stand.notify(&[alert("a1", "HIGH")]).await;
    let found = parameters(&server.asked()[0]);
    assert_eq!((&*found["MessageDeduplicationId"], &*found["MessageGroupId"]), ("a1", "orders"));
}

#[tokio::test]
async fn a_phone_gets_a_short_text() {
    let server = Server::start([OK]).await;
    let stand = Stand::on_aws("sms:+4915112345678", &server).await;
    stand.notify(&[alert("a1", "CRITICAL")]).await;
    let expected = expected(&[
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("PhoneNumber", "+4915112345678"),
        ("Message", "CRITICAL high_value_order"),
        ("@severity", "CRITICAL"),
        ("@rule", "high_value_order"),
        ("@view", "orders"),
        ("@AWS.SNS.SMS.SMSType", "Transactional"),
    ]);
    assert_eq!(parameters(&server.asked()[0]), expected);
}

#[tokio::test]
async fn throttling_and_faults_are_tried_again() {
    let server = Server::start([THROTTLED, Reply::Say(500, ""), OK]).await;
    let stand = Stand::on_aws(&format!("sns:{TOPIC}"), &server).await;
    assert_eq!(stand.notify(&[alert("a1", "HIGH")]).await.sent, 1);
    assert_eq!(server.asked().len(), 3, "and by nobody else");
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_a_dead_letter() {
    let server = Server::start([NOT_FOUND]).await;
    let stand = Stand::on_aws(&format!("sns:{TOPIC}"), &server).await;
    stand.notify(&[alert("a1", "HIGH")]).await;
    let letter = stand.take_letter();
    let told =
        ["weir.target", "weir.reason", "weir.status", "weir.attempts"].map(|name| header(&letter, name));
    let target = format!("sns:{TOPIC}");
    assert_eq!(told, [target.as_str(), "SNS answered NotFound: Topic does not exist", "404", "1"]);
}
