//! The promise: a dead letter goes back as it was, once, when it is asked to; nothing else does.

#![cfg(all(feature = "local", unix))]
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::{Headers as _, Message as _},
};
use weir::{
    local::broker::EmbeddedBroker,
    publish::{
        Message, Publisher as _,
        kafka::{KafkaPublisher, KafkaSettings},
    },
};

const LETTERS: &str = "weir.dead_letters";

/// A broker with topics.
struct Stand {
    broker: EmbeddedBroker,
    kafka: KafkaPublisher,
    _dir: tempfile::TempDir,
}

/// A record of a topic.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    key: Option<String>,
    value: String,
    headers: Vec<(String, Vec<u8>)>,
    timestamp: Option<i64>,
}

impl Stand {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::start(dir.path(), None).unwrap();
        let kafka = KafkaPublisher::new(KafkaSettings::plain(broker.bootstrap())).unwrap();
        kafka.ensure_topics(&[(LETTERS, 2), ("clicks", 1), ("orders", 1)]).await.unwrap();
        Self { broker, kafka, _dir: dir }
    }

    async fn write(&self, letters: Vec<Message>) {
        self.kafka.publish(letters).await.unwrap();
    }

    /// Runs `weir redrive`.
    async fn weir(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("redrive").args(arguments).args(["--brokers", &self.broker.bootstrap()]);
        command.env_remove("WEIR_DEAD_LETTER_TOPIC").env_remove("RUST_LOG");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// What it says.
    async fn says(&self, arguments: &[&str]) -> String {
        let output = self.weir(arguments).await;
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// All records of partition 0 of a topic.
    async fn records(&self, topic: &'static str) -> Vec<Found> {
        let bootstrap = self.broker.bootstrap();
        tokio::task::spawn_blocking(move || read(&bootstrap, topic)).await.unwrap()
    }
}

fn read(bootstrap: &str, topic: &str) -> Vec<Found> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "test");
    let consumer: BaseConsumer = config.create().unwrap();
    let (_, end) = consumer.fetch_watermarks(topic, 0, Duration::from_secs(10)).unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(0)).unwrap();
    consumer.assign(&list).unwrap();
    let (mut found, start) = (Vec::new(), Instant::now());
    while i64::try_from(found.len()).unwrap() < end {
        assert!(start.elapsed() < Duration::from_secs(60), "{found:?}");
        let Some(message) = consumer.poll(Duration::from_millis(200)) else { continue };
        let message = message.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        found.push(Found {
            key: message.key().map(text),
            value: text(message.payload().unwrap_or_default()),
            headers: headers.map(|it| (it.key.to_owned(), it.value.unwrap_or_default().to_vec())).collect(),
            timestamp: message.timestamp().to_millis(),
        });
    }
    found
}

/// A letter of `topic`'s first partition.
fn letter(topic: &str, offset: i64, reason: &str, more: &[(&'static str, &str)]) -> Message {
    let mut headers = vec![
        ("weir.topic", topic.to_owned()),
        ("weir.partition", "0".to_owned()),
        ("weir.offset", offset.to_string()),
        ("weir.timestamp", (1_700_000_000_000 + offset).to_string()),
        ("weir.reason", reason.to_owned()),
    ];
    headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let (key, payload) = (Some(format!("k{offset}").into_bytes()), format!("v{offset}").into_bytes());
    Message { topic: LETTERS.to_owned(), key, payload, headers }
}

#[tokio::test]
async fn a_letter_goes_back_once_as_it_was() {
    let stand = Stand::new().await;
    let own = [("weir.headers", r#"[{"trace":[97,-1]}]"#)];
    let first = letter("clicks", 1, "n: expected a BIGINT", &own);
    // Written twice, as happens when a batch comes again; the second is of another partition.
    let again = Message { key: Some(b"elsewhere".to_vec()), ..first.clone() };
    stand.write(vec![first, letter("orders", 2, "no JSON", &[]), again]).await;
    let dry = stand.says(&["--dry-run"]).await;
    assert!(dry.starts_with("2 letters would be sent back: 1 of clicks, 1 of orders\n"), "{dry}");
    assert_eq!(stand.records("clicks").await, []);

    let said = stand.says(&[]).await;
    let expected =
        "2 letters sent back: 1 of clicks, 1 of orders\nleft: 1 of a record that another letter is of too\n";
    assert_eq!(said, expected);
    let headers = vec![("trace".to_owned(), vec![b'a', 0xff])];
    let (key, timestamp) = (Some("k1".to_owned()), Some(1_700_000_000_001));
    let sent = stand.records("clicks").await;
    let [found] = sent.as_slice() else { panic!("{sent:?}") };
    // Of a record that was written twice either letter may come first.
    assert_eq!((&found.value, &found.headers, found.timestamp), (&"v1".to_owned(), &headers, timestamp));
    assert!(found.key == key || found.key.as_deref() == Some("elsewhere"), "{found:?}");
    assert_eq!(stand.records("orders").await.len(), 1);

    let said = stand.says(&[]).await;
    assert!(said.starts_with("0 letters sent back\nleft: 2 dealt with before\n"), "{said}");
    assert_eq!((stand.records("clicks").await.len(), stand.records("orders").await.len()), (1, 1));
    assert_eq!(stand.says(&["--list"]).await, "");
}

#[tokio::test]
async fn conditions_pick_letters_in_any_order() {
    let stand = Stand::new().await;
    let reason = |offset| if offset % 2 == 0 { "no JSON" } else { "n: expected a BIGINT" };
    stand.write((0..10).map(|offset| letter("clicks", offset, reason(offset), &[])).collect()).await;
    let listed = stand.says(&["--list", "--where", "reason~JSON", "--where", "offset=4"]).await;
    assert!(listed.contains("clicks-0@4  no JSON\n    v4\n") && listed.lines().count() == 2, "{listed}");

    let said = stand.says(&["--where", "reason~BIGINT", "--limit", "3", "--rate", "100"]).await;
    assert_eq!(said, "3 letters sent back: 3 of clicks\nleft: 5 not asked for\nleft: 2 beyond --limit\n");
    let said = stand.says(&["--where", "reason=no JSON", "--discard"]).await;
    assert!(said.starts_with("5 letters noted as dealt with"), "{said}");
    let said = stand.says(&[]).await;
    assert_eq!(said, "2 letters sent back: 2 of clicks\nleft: 8 dealt with before\n");
    let mut values: Vec<_> = stand.records("clicks").await.into_iter().map(|found| found.value).collect();
    values.sort();
    assert_eq!(values, ["v1", "v3", "v5", "v7", "v9"]);
    assert_eq!(stand.says(&["--list", "--all"]).await.lines().count(), 20);
}

#[tokio::test]
async fn a_file_of_letters_is_mended_and_sent() {
    let stand = Stand::new().await;
    stand.write(vec![letter("clicks", 1, "x", &[]), letter("clicks", 2, "x", &[])]).await;
    let listed = stand.says(&["--list", "--format", "json", "--where", "offset=1"]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), listed.replace("\"value\":\"v1\"", "\"value\":\"mended\"")).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(stand.says(&["--file", path]).await, "1 letters sent back: 1 of clicks\n");
    assert_eq!(stand.says(&["--file", path]).await, "0 letters sent back\nleft: 1 dealt with before\n");
    let found = stand.records("clicks").await;
    assert_eq!(found.iter().map(|found| found.value.as_str()).collect::<Vec<_>>(), ["mended"]);
    assert_eq!(found.first().unwrap().timestamp, Some(1_700_000_000_001));
    std::fs::write(file.path(), "{}\n").unwrap();
    let output = stand.weir(&["--file", path]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains(":1: it is no letter"), "{error}");
}

#[tokio::test]
async fn late_events_are_left_unless_they_are_asked_for() {
    let stand = Stand::new().await;
    let late = |view| letter("clicks", 1, "", &[("weir.view", view), ("weir.watermark", "5")]);
    stand.write(vec![late("a"), late("b"), letter("gone", 2, "x", &[])]).await;
    let said = stand.says(&["--where", "topic=clicks"]).await;
    assert!(said.starts_with("0 letters sent back\nleft: 1 not asked for\nleft: 2 late events: "), "{said}");
    assert!(said.contains("weir backfill"), "{said}");
    // Late for two views, it is one record.
    let said = stand.says(&["--where", "topic=clicks", "--late"]).await;
    assert!(said.starts_with("1 letters sent back: 1 of clicks\n"), "{said}");
    assert_eq!(stand.records("clicks").await.len(), 1);
    let output = stand.weir(&[]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("there is no topic \"gone\" any more"), "{error}");
    let output = stand.weir(&["nowhere"]).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("there is no topic \"nowhere\""), "{error}");
}

#[tokio::test]
async fn what_is_no_letter_is_told_and_left() {
    let stand = Stand::new().await;
    let stray = Message { topic: LETTERS.into(), key: None, payload: b"stray".to_vec(), headers: Vec::new() };
    stand.write(vec![stray]).await;
    let output = stand.weir(&[]).await;
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "0 letters sent back\nleft: 1 no letters\n");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no letter: it has no header weir.topic"), "{error}");
}
