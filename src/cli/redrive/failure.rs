//! Batches that were given up, as Lambda writes them to an on-failure destination: their records as letters.

use std::ops::Range;

use anyhow::{Context, bail};
use serde_json::{Map, Value as Json};

use super::letter::{Letter, Spot, own_headers};
use crate::{event, publish::kafka::Original};

/// The letters of a line that tells of a batch; none if it is anything else.
///
/// S3 and `weir poll` get the batch itself, under `payload`; SQS and SNS only where it stood.
pub(super) fn letters(line: &[u8]) -> anyhow::Result<Option<Vec<Letter>>> {
    let Ok(Json::Object(told)) = serde_json::from_slice::<Json>(line) else { return Ok(None) };
    if !told.contains_key("KafkaBatchInfo") {
        return Ok(None);
    }
    let payload = match told.get("payload") {
        Some(Json::String(text)) => text.clone(),
        Some(event @ Json::Object(_)) => event.to_string(),
        _ => bail!("it tells of a batch without its records; only S3 and weir poll's topic have them"),
    };
    let about: Vec<_> = reason(&told).into_iter().map(|reason| ("reason".to_owned(), reason)).collect();
    let batches = event::parse(payload.as_bytes()).context("failed to read its payload")?;
    let mut letters = Vec::new();
    for batch in &batches {
        for record in &batch.records {
            let bytes = |range: Range<usize>| batch.bytes.get(range).unwrap_or_default().to_vec();
            let number = record.offset.number().context("it is not of Kafka")?;
            let (topic, offset) = (batch.topic.clone(), number);
            let origin = Spot { topic: topic.clone(), partition: batch.partition, offset };
            let json = batch.headers(record).map(String::from_utf8_lossy);
            let headers = json.map(|json| own_headers(&json)).transpose();
            let headers = headers.with_context(|| format!("the headers of {origin}"))?.unwrap_or_default();
            let (key, value) = (record.key.clone().map(bytes), bytes(record.value.clone()));
            let record = Original { topic, key, value, headers, timestamp: record.timestamp };
            letters.push(Letter { spot: None, at: None, origin, about: about.clone(), record });
        }
    }
    Ok(Some(letters))
}

fn reason(told: &Map<String, Json>) -> Option<String> {
    let reason = told.get("requestContext")?.get("condition")?.as_str()?;
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::time::Timestamp;

    fn told(payload: &Json) -> Vec<u8> {
        let told = json!({
            "requestContext": {"condition": "RetryAttemptsExhausted"},
            "KafkaBatchInfo": {"batchSize": 1},
            "payload": payload,
        });
        told.to_string().into_bytes()
    }

    #[test]
    fn the_records_of_a_batch_are_letters() {
        let event = json!({"eventSource": "aws:kafka", "records": {"clicks-1": [{
            "topic": "clicks", "partition": 1, "offset": 7, "timestamp": 1_700_000_000_000_i64,
            "timestampType": "CREATE_TIME", "key": "aw==", "value": "dg==", "headers": [{"a": [1, -1]}],
        }]}});
        let expected = Original {
            topic: "clicks".into(),
            key: Some(b"k".to_vec()),
            value: b"v".to_vec(),
            headers: vec![("a".into(), vec![1, 255])],
            timestamp: Some(Timestamp(1_700_000_000_000)),
        };
        for payload in [Json::String(event.to_string()), event] {
            let found = letters(&told(&payload)).unwrap().unwrap();
            let [letter] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((&letter.record, letter.reason()), (&expected, "RetryAttemptsExhausted"));
            assert_eq!(letter.origin.to_string(), "clicks-1@7");
        }
    }

    #[test]
    fn a_batch_without_its_records_says_so_and_anything_else_is_none() {
        let error = letters(&told(&Json::Null)).unwrap_err().to_string();
        assert!(error.contains("without its records"), "{error}");
        assert!(letters(b"{\"topic\":\"a\"}").unwrap().is_none() && letters(b"x").unwrap().is_none());
    }
}
