//! Records to requests, and what is thrown back of them to further ones.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_kinesis::{Client, error::DisplayErrorContext, primitives::Blob, types::PutRecordsRequestEntry};
use xxhash_rust::xxh3::xxh3_128;

use super::letter;
use crate::publish::Message;

/// What one request takes.
const MOST_RECORDS: usize = 500;
const MOST_BYTES: usize = 5 << 20;
/// How long a partition key may be.
const MOST_KEY: usize = 256;
/// How often a record is sent before the publication fails.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A record that is to be put into a stream.
#[derive(Clone, Debug)]
pub(super) struct Record {
    key: String,
    data: Blob,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The records of each stream, in their order.
pub(super) fn by_stream(messages: Vec<Message>) -> BTreeMap<String, Vec<Record>> {
    let mut streams: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for mut message in messages {
        let topic = std::mem::take(&mut message.topic);
        let key = key(message.key.as_deref());
        let record = Record { key, data: Blob::new(letter::data(message)) };
        streams.entry(topic).or_default().push(record);
    }
    streams
}

/// A partition key for a message's: without one records are spread over all shards.
fn key(key: Option<&[u8]>) -> String {
    let Some(key) = key else { return format!("{:016x}", rand::random::<u64>()) };
    let text = String::from_utf8_lossy(key);
    match text.chars().count() {
        // None may be empty.
        0 => "-".to_owned(),
        1..=MOST_KEY => text.into_owned(),
        _ => format!("{:032x}", xxh3_128(key)),
    }
}

/// Puts records into a stream, in as many requests as it takes.
pub(super) async fn put(client: &Client, stream: &str, records: Vec<Record>) -> Result<(), Failure> {
    let mut rest = &records[..];
    while !rest.is_empty() {
        let (request, further) = rest.split_at(fitting(rest));
        put_all(client, stream, request.to_vec()).await?;
        rest = further;
    }
    Ok(())
}

/// How many of the first records fit one request: at least one.
fn fitting(records: &[Record]) -> usize {
    let size = |record: &Record| record.key.len() + record.data.as_ref().len();
    let sums = records.iter().scan(0, |sum, record| {
        *sum += size(record);
        Some(*sum)
    });
    sums.take(MOST_RECORDS).take_while(|sum| *sum <= MOST_BYTES).count().max(1)
}

/// Puts what one request takes, again and again until nothing is thrown back.
async fn put_all(client: &Client, stream: &str, mut records: Vec<Record>) -> Result<(), Failure> {
    let mut pause = PAUSE;
    for attempt in 1.. {
        let (thrown_back, reason) = put_once(client, stream, records).await?;
        if thrown_back.is_empty() {
            break;
        }
        if attempt == ATTEMPTS {
            let count = thrown_back.len();
            return Err(format!(
                "{count} records were thrown back {ATTEMPTS} times, the last time by {reason}"
            )
            .into());
        }
        records = thrown_back;
        tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// What is thrown back of one request, and why.
async fn put_once(
    client: &Client,
    stream: &str,
    records: Vec<Record>,
) -> Result<(Vec<Record>, String), Failure> {
    let entry = |record: &Record| {
        PutRecordsRequestEntry::builder().partition_key(&record.key).data(record.data.clone()).build()
    };
    let entries = records.iter().map(entry).collect::<Result<_, _>>()?;
    let request = client.put_records().stream_name(stream).set_records(Some(entries));
    let answer = request.send().await.map_err(|error| DisplayErrorContext(error).to_string())?;
    if answer.records.len() != records.len() {
        return Err(
            format!("{} records were answered for, of {}", answer.records.len(), records.len()).into()
        );
    }
    let failed = records.into_iter().zip(&answer.records).filter(|(_, result)| result.error_code().is_some());
    let mut reason = String::new();
    let failed = failed.inspect(|(_, result)| {
        reason = format!(
            "{}: {}",
            result.error_code().unwrap_or_default(),
            result.error_message().unwrap_or_default()
        );
    });
    let failed = failed.map(|(record, _)| record).collect();
    Ok((failed, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(count: usize, bytes: usize) -> Vec<Record> {
        vec![Record { key: "k".to_owned(), data: Blob::new(vec![0; bytes]) }; count]
    }

    #[test]
    fn a_request_takes_what_fits() {
        assert_eq!(fitting(&records(1200, 10)), 500);
        assert_eq!(fitting(&records(12, 1 << 20)), 4);
        assert_eq!(fitting(&records(2, 6 << 20)), 1);
        assert_eq!(fitting(&records(3, 0)), 3);
    }

    #[test]
    fn every_key_is_a_partition_key() {
        assert_eq!(key(Some(b"p1")), "p1");
        assert_eq!(key(Some(b"")), "-");
        let long = "ü".repeat(257);
        assert_eq!(
            (key(Some(long.as_bytes())).len(), key(Some("ü".repeat(256).as_bytes())).len()),
            (32, 512)
        );
        assert_eq!(key(Some(long.as_bytes())), key(Some(long.as_bytes())));
        assert_ne!(key(None), key(None));
    }

    #[test]
    fn streams_keep_the_order_of_their_records() {
        let message = |topic: &str, payload: &str| Message {
            topic: topic.to_owned(),
            key: None,
            payload: payload.into(),
            headers: Vec::new(),
        };
        let streams = by_stream(vec![message("b", "1"), message("a", "2"), message("b", "3")]);
        let data = |record: &Record| String::from_utf8(record.data.as_ref().to_vec()).unwrap();
        let spelled: Vec<_> = streams
            .iter()
            .map(|(name, records)| (name.as_str(), records.iter().map(data).collect()))
            .collect();
        assert_eq!(spelled, [("a", vec!["2".to_owned()]), ("b", vec!["1".to_owned(), "3".to_owned()])]);
    }
}
