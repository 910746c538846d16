use super::*;

fn parse(text: &str) -> anyhow::Result<Address> {
    text.parse()
}

#[test]
fn an_address_says_what_it_is() {
    let kafka = Address::Kafka { bootstrap: "127.0.0.1:9092".to_owned(), topic: "clicks".to_owned() };
    assert_eq!(parse("kafka://127.0.0.1:9092/clicks").unwrap(), kafka);
    assert_eq!(parse("http://127.0.0.1:8080/events/clicks/batch").unwrap().subject(), Some("clicks"));
    assert_eq!(parse("ws://127.0.0.1:8080/ws/events?table=clicks").unwrap().subject(), Some("clicks"));
    let invoke = "http://127.0.0.1:9000/2015-03-31/functions/window/invocations";
    assert_eq!(parse("lambda://127.0.0.1:9000/window").unwrap().to_string(), invoke);
}

#[test]
fn an_address_that_is_none_says_what_was_expected() {
    let error = |text| parse(text).unwrap_err().to_string();
    assert_eq!(error("kafka://127.0.0.1/clicks"), "expected kafka://host:port/topic");
    assert_eq!(error("lambda://127.0.0.1:9000"), "expected lambda://host:port/function");
    assert_eq!(error("s3://bucket/key"), "expected kafka://, http://, ws:// or lambda://, found s3://");
    assert_eq!(error("clicks"), "expected kafka://, http://, ws:// or lambda://");
}

#[test]
fn events_are_wrapped_as_an_event_source_sends_them() {
    let event = Event { key: Some(b"p1".to_vec()), payload: b"{}".to_vec(), time: Some(Timestamp(7)) };
    let unkeyed = Event { key: None, ..event.clone() };
    insta::assert_snapshot!(kafka_event("clicks", 5, &[event, unkeyed]), @r#"
    {"eventSource":"SelfManagedKafka","bootstrapServers":"weir-replay:9092","records":{"clicks-0":[{"topic":"clicks","partition":0,"offset":5,"timestamp":7,"timestampType":"CREATE_TIME","value":"e30=","headers":[],"key":"cDE="},{"topic":"clicks","partition":0,"offset":6,"timestamp":7,"timestampType":"CREATE_TIME","value":"e30=","headers":[]}]}}
    "#);
}
