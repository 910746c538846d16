//! The promise: the poller hands records on as Lambda's Kafka event source does: in order, in the same
//! JSON, again when a batch fails, and never past what was handled.
#![cfg(feature = "local")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod stand;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use weir::{
    local::poller::{
        Filters, HttpInvoke, Invoke, InvokeError, PAYLOAD_LIMIT, PollerConfig, StartingPosition,
    },
    state::Partition,
    time::{Clock as _, Offset, SystemClock},
};

use self::stand::{Function, Held, Stand, Together, config, eventually, offsets};

const FOR_EVER: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_the_one_that_lambda_sends() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.publish("clicks", [r#"{"key":"value"}"#.into()]).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let poller = stand.poll(config("clicks"), &function);
    eventually("the event", || !function.calls().is_empty()).await;
    poller.stop().await.unwrap();
    let mut event = function.calls().remove(0);
    let timestamp = event["records"]["clicks-0"][0]["timestamp"].take();
    assert!(timestamp.as_i64().unwrap() > 1_600_000_000_000, "{timestamp}");
    let expected = json!({
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": stand.settings.bootstrap_servers(),
        "records": {"clicks-0": [{
            "topic": "clicks", "partition": 0, "offset": 0, "timestamp": null, "timestampType": "CREATE_TIME",
            "key": "a2V5IDA=", "value": "eyJrZXkiOiJ2YWx1ZSJ9", "headers": [{"weir.n": [48]}],
        }]},
    });
    assert_eq!(event, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_when_it_is_full() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 25).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let full = PollerConfig { batch_size: 10, batch_window: FOR_EVER, ..config("clicks") };
    let _poller = stand.poll(full, &function);
    eventually("two batches", || function.calls().len() == 2).await;
    assert_eq!(function.batches(), [(0..10).collect::<Vec<_>>(), (10..20).collect()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_stays_below_the_limit() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.publish("clicks", (0..14).map(|_| "x".repeat(700_000))).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let _poller = stand.poll(PollerConfig { batch_window: FOR_EVER, ..config("clicks") }, &function);
    eventually("two batches", || function.calls().len() == 2).await;
    assert_eq!(function.batches(), [(0..6).collect::<Vec<_>>(), (6..12).collect()]);
    assert!(function.calls.lock().unwrap().iter().all(|payload| payload.len() <= PAYLOAD_LIMIT));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_batch_comes_again_and_nothing_overtakes_it() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 20).await;
    let function =
        Function::new(|call, _| if call < 2 { Err("throttled") } else { Ok(json!({"statusCode": 200})) });
    let poller = stand.poll(PollerConfig { batch_size: 10, ..config("clicks") }, &function);
    eventually("all records", || poller.counts().records == 20).await;
    let (first, second): (Vec<_>, Vec<_>) = ((0..10).collect(), (10..20).collect());
    assert_eq!(function.batches(), [&first, &first, &first, &second].map(Vec::clone));
    assert_eq!((poller.counts().batches, poller.counts().retries, poller.counts().set_aside), (2, 2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panicking_function_has_failed() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 3).await;
    let function = Function::new(|call, _| {
        assert!(call > 0, "on purpose");
        Ok(Value::Null)
    });
    let poller = stand.poll(config("clicks"), &function);
    eventually("all records", || poller.counts().records == 3).await;
    assert_eq!((function.handled("clicks-0"), poller.counts().retries), (vec![0, 1, 2], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn halving_finds_the_poison_and_sets_only_it_aside() {
    let stand = Stand::new(&[("clicks", 1), ("dead", 1)]).await;
    stand.numbers("clicks", 16).await;
    let poison = |_, offsets: &[i64]| if offsets.contains(&5) { Err("poison") } else { Ok(Value::Null) };
    let function = Function::new(poison);
    let mut bisecting = config("clicks");
    bisecting.retry.max_retries = Some(1);
    bisecting.retry.bisect = true;
    bisecting.retry.on_failure = Some("dead".into());
    let poller = stand.poll(bisecting, &function);
    eventually("all records", || poller.counts().records == 16).await;
    assert_eq!(function.handled("clicks-0"), (0..16).filter(|offset| *offset != 5).collect::<Vec<_>>());
    assert_eq!(poller.counts().set_aside, 1);
    assert_eq!(stand.kafka.offsets("dead", 0).await.unwrap().1, Offset::at(1));

    let undertaker = Function::new(|_, _| Ok(Value::Null));
    let _poller = stand.poll(PollerConfig { group: "dead".into(), ..config("dead") }, &undertaker);
    eventually("the poison", || !undertaker.calls().is_empty()).await;
    let value = undertaker.calls()[0]["records"]["dead-0"][0]["value"].as_str().unwrap().to_owned();
    let dead: Value = serde_json::from_slice(&base64_simd::STANDARD.decode_to_vec(value).unwrap()).unwrap();
    assert_eq!(dead["KafkaBatchInfo"]["recordsInfo"]["clicks-0"]["firstRecordOffset"], 5);
    assert_eq!(dead["requestContext"]["approximateInvokeCount"], 2);
    let payload: Value = serde_json::from_str(dead["payload"].as_str().unwrap()).unwrap();
    assert_eq!(offsets(&payload), [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_failed_of_a_batch_comes_again() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 10).await;
    let failures = json!({"batchItemFailures": [{"itemIdentifier": {"partition": "clicks-0", "offset": 4}}]});
    let function = Function::new(move |call, _| Ok(if call == 0 { failures.clone() } else { Value::Null }));
    let poller = stand.poll(PollerConfig { batch_size: 10, ..config("clicks") }, &function);
    eventually("all records", || poller.counts().records == 10).await;
    assert_eq!(function.batches(), [(0..10).collect::<Vec<_>>(), (4..10).collect()]);
    assert_eq!(function.handled("clicks-0"), (0..10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_run_side_by_side_each_in_order() {
    let stand = Stand::new(&[("clicks", 3), ("views", 3)]).await;
    stand.numbers("clicks", 900).await;
    stand.numbers("views", 900).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let together = Together(Arc::new(Barrier::new(6)), function.clone());
    let both =
        PollerConfig { topics: vec!["clicks".into(), "views".into()], batch_size: 7, ..config("clicks") };
    let poller = stand.poll(both, &together);
    eventually("all records", || poller.counts().records == 1800).await;
    for topic in ["clicks", "views"] {
        for index in 0..3 {
            let end = stand.kafka.offsets(topic, index).await.unwrap().1.number().unwrap();
            assert!(end > 0);
            assert_eq!(function.handled(&format!("{topic}-{index}")), (0..end).collect::<Vec<_>>());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_poller_goes_on_behind_what_was_handled() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 30).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let held = Held::new(10, function.clone());
    let tens = PollerConfig { batch_size: 10, ..config("clicks") };
    let poller = stand.poll(tens.clone(), &held);
    held.called.notified().await;
    drop(poller);
    assert_eq!(function.handled("clicks-0"), (0..10).collect::<Vec<_>>());

    let poller = stand.poll(tens, &function);
    eventually("all records", || poller.counts().records == 20).await;
    assert_eq!(function.handled("clicks-0"), (0..30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_the_batch_in_flight_finish() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 30).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let held = Held::new(10, function.clone());
    let tens = PollerConfig { batch_size: 10, ..config("clicks") };
    let poller = stand.poll(tens.clone(), &held);
    held.called.notified().await;
    // In this order: the stop is asked for before the batch may end.
    let (stopped, ()) = tokio::join!(biased; poller.stop(), async { held.go_on.notify_one() });
    stopped.unwrap();
    assert_eq!(function.handled("clicks-0"), (0..20).collect::<Vec<_>>());

    let poller = stand.poll(tens, &function);
    eventually("all records", || poller.counts().records == 10).await;
    assert_eq!(function.handled("clicks-0"), (0..30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_batch_that_fails_for_ever() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 5).await;
    let function = Function::new(|_, _| Err("down"));
    let mut patient = config("clicks");
    patient.retry.first_pause = FOR_EVER;
    patient.retry.longest_pause = FOR_EVER;
    let poller = stand.poll(patient, &function);
    eventually("the first attempt", || poller.counts().retries == 1).await;
    poller.stop().await.unwrap();

    let function = Function::new(|_, _| Ok(Value::Null));
    let poller = stand.poll(config("clicks"), &function);
    eventually("all records", || poller.counts().records == 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_function_shows_as_lag() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 50).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let held = Held::new(10, function.clone());
    let poller = stand.poll(PollerConfig { batch_size: 10, ..config("clicks") }, &held);
    held.called.notified().await;
    let partition = Partition { topic: "clicks".into(), index: 0 };
    let position = || poller.positions().get(&partition).copied();
    eventually("the lag", || {
        position().is_some_and(|it| it.lag == 40 && it.high_watermark == Offset::at(50))
    })
    .await;
    assert_eq!(position().unwrap().next, Some(Offset::at(10)));
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_begins_behind_what_is_there() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 5).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let latest = PollerConfig { start: StartingPosition::Latest, ..config("clicks") };
    let _poller = stand.poll(latest, &function);
    while function.handled("clicks-0").is_empty() {
        stand.numbers("clicks", 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(function.handled("clicks-0")[0] >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_can_stand_behind_an_endpoint() {
    use axum::{Router, body::Bytes, extract::Path, routing::post};
    let function = Function::new(|call, _| if call == 0 { Err("out of memory") } else { Ok(Value::Null) });
    let behind = function.clone();
    let run = move |Path(name): Path<String>, body: Bytes| async move {
        match behind.invoke(&name, body.into()).await {
            Ok(answer) => ([("x-amz-executed-version", "1")], answer),
            Err(error) => ([("x-amz-function-error", "Unhandled")], error.to_string().into_bytes()),
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let routes = Router::new().route("/2015-03-31/functions/{name}/invocations", post(run));
    tokio::spawn(async move {
        axum::serve(listener, routes.layer(axum::extract::DefaultBodyLimit::disable())).await
    });

    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 3).await;
    let poller = stand.poll(config("clicks"), &HttpInvoke::new(endpoint));
    eventually("all records", || poller.counts().records == 3).await;
    assert_eq!((function.batches(), poller.counts().retries), (vec![vec![0, 1, 2]; 2], 1));

    let nowhere = HttpInvoke::new("http://127.0.0.1:1").invoke("window", Vec::new()).await.unwrap_err();
    assert!(matches!(nowhere, InvokeError::Transport { .. }), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_filter_lets_pass_is_done_with() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 10).await;
    let filters = Filters::parse(&[r#"{"value":[{"numeric":["<",7]},8]}"#.to_owned()]).unwrap();
    let function = Function::new(|_, _| Ok(Value::Null));
    let filtered = PollerConfig { filters, ..config("clicks") };
    let poller = stand.poll(filtered.clone(), &function);
    eventually("the numbers below 7, and 8", || function.handled("clicks-0").len() == 8).await;
    poller.stop().await.unwrap();
    assert_eq!(function.handled("clicks-0"), [0, 1, 2, 3, 4, 5, 6, 8]);

    // Nothing of what was kept back comes again, not even what stood behind all others.
    stand.publish("clicks", ["5".to_owned()]).await;
    let poller = stand.poll(PollerConfig { filters: Filters::default(), ..filtered }, &function);
    eventually("the record behind them", || function.handled("clicks-0").len() == 9).await;
    poller.stop().await.unwrap();
    assert_eq!(function.handled("clicks-0"), [0, 1, 2, 3, 4, 5, 6, 8, 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_begins_at_a_time_and_goes_on_where_it_was() {
    let stand = Stand::new(&[("clicks", 1)]).await;
    stand.numbers("clicks", 3).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let at = SystemClock.now();
    stand.numbers("clicks", 2).await;
    let function = Function::new(|_, _| Ok(Value::Null));
    let from = PollerConfig { start: StartingPosition::At(at), ..config("clicks") };
    let poller = stand.poll(from.clone(), &function);
    eventually("what came since", || function.handled("clicks-0").len() == 2).await;
    poller.stop().await.unwrap();
    stand.numbers("clicks", 1).await;
    let poller = stand.poll(from, &function);
    eventually("what came then", || function.handled("clicks-0").len() == 3).await;
    poller.stop().await.unwrap();
    assert_eq!(function.handled("clicks-0"), [3, 4, 5]);
}
