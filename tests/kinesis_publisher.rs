//! The promise: what is published to streams is in them, whatever is thrown back on the way; and a shard is told
//! by what may still be in it. Over HTTP, to a server that answers as Kinesis does.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_kinesis::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use serde_json::{Value as Json, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use weir::{
    publish::{Message, Publisher, Standing, Topics, kinesis::KinesisPublisher},
    time::Offset,
};

const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";

/// What Kinesis has and answers.
#[derive(Default)]
struct State {
    /// The key and data of each record in a stream, in their order.
    records: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    /// How many records of the next requests are thrown back.
    throws_back: usize,
    /// How many records each request brought.
    requests: Vec<usize>,
    /// What there is to be read of the shard: for each read the records, and whether that was all.
    reads: Vec<(Vec<Json>, u64, bool)>,
    asked: Vec<Json>,
}

#[derive(Clone, Default)]
struct Kinesis(Arc<Mutex<State>>);

impl Kinesis {
    /// Serves on a free port; answers a publisher that speaks to it.
    async fn start(&self) -> KinesisPublisher {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let kinesis = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kinesis = kinesis.clone();
                tokio::spawn(async move { kinesis.serve(stream).await });
            }
        });
        let keys = Credentials::new("local", "local", None, None, "test");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(keys)
            .retry_config(RetryConfig::disabled())
            .endpoint_url(format!("http://{address}"));
        KinesisPublisher::new(Client::from_conf(config.build()))
    }

    /// Answers the requests of one connection.
    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        loop {
            let head = loop {
                if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                    break end + 4;
                }
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            };
            let text = String::from_utf8(bytes.drain(..head).collect()).unwrap().to_lowercase();
            let header = |name: &str| {
                text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or("")
            };
            let length = header("content-length:").parse().unwrap();
            while bytes.len() < length {
                stream.read_buf(&mut bytes).await.ok()?;
            }
            let body: Vec<u8> = bytes.drain(..length).collect();
            let body: Json = serde_json::from_slice(&body).unwrap();
            let (status, answer) = self.answer(header("x-amz-target:").rsplit('.').next().unwrap(), body);
            let answer = answer.to_string();
            let head = format!(
                "HTTP/1.1 {status} .\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all([head, answer].concat().as_bytes()).await.ok()?;
        }
    }

    fn answer(&self, action: &str, body: Json) -> (u16, Json) {
        let mut state = self.0.lock().unwrap();
        state.asked.push(body.clone());
        let stream = body["StreamName"].as_str().unwrap_or("").to_owned();
        let fail = |kind: &str, message: &str| (400, json!({"__type": kind, "message": message}));
        match action {
            _ if stream == "missing" => fail("ResourceNotFoundException", "Stream missing not found."),
            "putrecords" => (200, state.put(&stream, body["Records"].as_array().unwrap())),
            "listshards" => (200, shards(&body)),
            "getsharditerator" if body["ShardId"] == "shardId-000000000009" => {
                fail("ResourceNotFoundException", "Shard shardId-000000000009 does not exist")
            }
            "getsharditerator" if stream == "anew" => fail(
                "InvalidArgumentException",
                "StartingSequenceNumber 1 used in GetShardIterator on shard shardId-000000000000 in stream anew under \
                 account 1 is invalid because it did not come from this stream.",
            ),
            "getsharditerator" => (200, json!({"ShardIterator": "first"})),
            "getrecords" => {
                let (records, behind, is_end) = state.reads.remove(0);
                let next = if is_end { Json::Null } else { "next".into() };
                (200, json!({"Records": records, "MillisBehindLatest": behind, "NextShardIterator": next}))
            }
            _ => fail("UnknownOperationException", action),
        }
    }
}

impl State {
    fn put(&mut self, stream: &str, records: &[Json]) -> Json {
        self.requests.push(records.len());
        let mut answers = Vec::new();
        for (index, record) in records.iter().enumerate() {
            // Every second one, so that what is thrown back is not just the rest.
            if self.throws_back > 0 && index % 2 == 0 {
                self.throws_back -= 1;
                answers.push(json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}));
                continue;
            }
            let data = base64_simd::STANDARD.decode_to_vec(record["Data"].as_str().unwrap()).unwrap();
            let key = record["PartitionKey"].as_str().unwrap().to_owned();
            self.records.entry(stream.to_owned()).or_default().push((key, data));
            answers.push(json!({"SequenceNumber": SEQUENCE, "ShardId": "shardId-000000000000"}));
        }
        let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
        json!({"FailedRecordCount": failed, "Records": answers})
    }
}

/// Three shards in two pages, the second of which was split.
fn shards(body: &Json) -> Json {
    let shard = |number: u32, ended: bool| {
        let mut range = json!({"StartingSequenceNumber": "1"});
        if ended {
            range["EndingSequenceNumber"] = SEQUENCE.into();
        }
        let keys = json!({"StartingHashKey": "0", "EndingHashKey": "1"});
        json!({"ShardId": format!("shardId-{number:012}"), "HashKeyRange": keys, "SequenceNumberRange": range})
    };
    if body["NextToken"] == "more" {
        assert!(body["StreamName"].is_null(), "a token names the stream by itself");
        return json!({"Shards": [shard(3, false)]});
    }
    json!({"Shards": [shard(12, false), shard(1, true)], "NextToken": "more"})
}

fn message(topic: &str, key: usize, payload: String) -> Message {
    Message {
        topic: topic.into(),
        key: Some(format!("k{key}").into()),
        payload: payload.into(),
        headers: Vec::new(),
    }
}

#[tokio::test]
async fn every_message_arrives_whatever_is_thrown_back() {
    let kinesis = Kinesis::default();
    let publisher = kinesis.start().await;
    kinesis.0.lock().unwrap().throws_back = 300;
    let messages = (0..1200).map(|n| message(if n % 3 == 0 { "a" } else { "b" }, n % 7, n.to_string()));
    publisher.publish(messages.collect()).await.unwrap();
    let state = kinesis.0.lock().unwrap();
    let sent = |stream: &str| {
        let mut sent: Vec<_> = state.records[stream].clone();
        sent.sort_by_key(|(_, data)| String::from_utf8_lossy(data).parse::<usize>().unwrap());
        sent
    };
    let of = |n: usize| (format!("k{}", n % 7), n.to_string().into_bytes());
    assert_eq!(sent("a"), (0..1200).filter(|n| n % 3 == 0).map(of).collect::<Vec<_>>());
    assert_eq!(sent("b"), (0..1200).filter(|n| n % 3 != 0).map(of).collect::<Vec<_>>());
    assert!(
        state.requests.iter().all(|count| *count <= 500) && state.requests.len() > 3,
        "{:?}",
        state.requests
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_thrown_back_for_ever_fails() {
    let kinesis = Kinesis::default();
    let publisher = kinesis.start().await;
    kinesis.0.lock().unwrap().throws_back = usize::MAX;
    let error = publisher.publish(vec![message("a", 1, "x".into())]).await.unwrap_err();
    let error = weir::error::causes(&error);
    assert!(
        error.starts_with("failed to publish to topic a: 1 records were thrown back 10 times"),
        "{error}"
    );
    assert!(error.ends_with("ProvisionedThroughputExceededException: slow down"), "{error}");
    let error = publisher.publish(vec![message("missing", 1, "x".into())]).await.unwrap_err();
    assert!(weir::error::causes(&error).contains("Stream missing not found"), "{error:?}");
}

#[tokio::test]
async fn the_shards_of_a_stream_are_those_that_are_open() {
    let publisher = Kinesis::default().start().await;
    assert_eq!(publisher.partitions("a").await.unwrap(), Some(vec![3, 12]));
    assert_eq!(publisher.partitions("missing").await.unwrap(), None);
}

#[tokio::test]
async fn a_shard_stands_where_reading_on_finds_it() {
    let kinesis = Kinesis::default();
    let publisher = kinesis.start().await;
    let taken = Offset::in_sequence(SEQUENCE, None).unwrap().next();
    let record = json!({"SequenceNumber": "1", "Data": "e30=", "PartitionKey": "k"});
    let (none, one) = (vec![], vec![record]);
    let cases = [
        (vec![(one.clone(), 0, false)], Standing::Behind),
        (vec![(none.clone(), 0, false)], Standing::CaughtUp),
        // A read goes over a stretch of the shard that may have nothing.
        (vec![(none.clone(), 900, false), (none.clone(), 400, false), (one, 0, false)], Standing::Behind),
        (vec![(none.clone(), 900, false), (none.clone(), 0, false)], Standing::CaughtUp),
        // It was closed.
        (vec![(none.clone(), 0, true)], Standing::CaughtUp),
        (vec![(none, 900, false); 10], Standing::Behind),
    ];
    for (reads, expected) in cases {
        kinesis.0.lock().unwrap().reads.clone_from(&reads);
        assert_eq!(publisher.standing("a", 0, taken).await.unwrap(), expected, "{reads:?}");
        assert!(kinesis.0.lock().unwrap().reads.is_empty());
    }
    assert_eq!(publisher.standing("a", 9, taken).await.unwrap(), Standing::CaughtUp, "it is gone");
    assert_eq!(publisher.standing("anew", 0, taken).await.unwrap(), Standing::MadeAnew);
}

#[tokio::test]
async fn reading_begins_behind_what_was_taken() {
    let kinesis = Kinesis::default();
    let publisher = kinesis.start().await;
    let of = |event| Offset::in_sequence(SEQUENCE, event).unwrap().next();
    let cases = [
        (Offset::FIRST, json!(["TRIM_HORIZON", null])),
        (of(None), json!(["AFTER_SEQUENCE_NUMBER", SEQUENCE])),
        (of(Some(1)), json!(["AT_SEQUENCE_NUMBER", SEQUENCE])),
    ];
    for (next, expected) in cases {
        {
            let mut state = kinesis.0.lock().unwrap();
            state.asked.clear();
            state.reads.push((vec![], 0, false));
        }
        publisher.standing("a", 7, next).await.unwrap();
        let asked = kinesis.0.lock().unwrap().asked[0].clone();
        assert_eq!(asked["ShardId"], "shardId-000000000007");
        assert_eq!(json!([asked["ShardIteratorType"], asked["StartingSequenceNumber"]]), expected);
    }
}
