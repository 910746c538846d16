//! Alerts to an HTTP server: what it gets, how often, and when.

use std::{num::NonZeroU32, time::Instant};

use weir::{
    handlers,
    notify::Settings,
    time::{Clock as _, Millis, SystemClock},
};

use super::fixture::{Reply, Server, Stand, alert, header, payload, settings};

#[tokio::test]
async fn a_webhook_gets_the_alert_as_it_is_once() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&format!("{}/hooks/x?a=b", server.url()))).await;
    let raw = r#"{ "id":"a1", "severity":"HIGH", "metric_value":1500000.00, "who":"Jürgen" }"#;
    let deadline = SystemClock.now() + Millis::minutes(1);
    let answer = handlers::notify(&stand.notifier, payload(&[raw]).as_bytes(), deadline).await.unwrap();
    assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"batchItemFailures":[]}"#);
    let [asked] = &server.asked()[..] else { panic!("one request, not {:?}", server.asked()) };
    assert_eq!(asked.body, raw.as_bytes());
    assert_eq!(asked.path, "/hooks/x?a=b");
    let headers = ["content-type", "idempotency-key", "authorization"].map(|name| asked.header(name));
    assert_eq!(headers, ["application/json", "a1", ""]);
    assert!(asked.header("user-agent").starts_with("weir/"));
    assert!(stand.take_letters().is_empty());
}

#[tokio::test]
async fn name_and_password_are_sent_as_basic_authentication() {
    let server = Server::start([]).await;
    let url = server.url().replace("http://", "http://Aladdin:open%20sesame@");
    Stand::new(settings(&url)).await.notify(&[alert("a", "LOW")]).await;
    assert_eq!(server.asked()[0].header("authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

#[tokio::test]
async fn every_target_gets_every_alert() {
    let (one, two) = (Server::start([]).await, Server::start([]).await);
    let stand = Stand::new(settings(&format!("{}/a {}/b", one.url(), two.url()))).await;
    let notified = stand.notify(&[alert("a1", "LOW"), alert("a2", "HIGH")]).await;
    assert_eq!((notified.alerts, notified.sent, notified.dead), (2, 4, 0));
    for server in [one, two] {
        let mut ids = server.ids();
        ids.sort();
        assert_eq!(ids, ["a1", "a2"]);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_under_the_same_id() {
    let server = Server::start([Reply::Say(500, "oops"), Reply::Say(503, "")]).await;
    let stand = Stand::new(settings(&server.url())).await;
    let notified = stand.notify(&[alert("a1", "LOW")]).await;
    assert_eq!((notified.sent, notified.dead), (1, 0));
    assert_eq!(server.ids(), ["a1", "a1", "a1"]);
}

#[tokio::test]
async fn a_target_that_asks_for_a_pause_gets_it_from_all_deliveries() {
    let server = Server::start([Reply::Later("1")]).await;
    let stand = Stand::new(settings(&format!("{}#in_flight=1", server.url()))).await;
    let start = Instant::now();
    let notified = stand.notify(&[alert("a1", "LOW"), alert("a2", "LOW")]).await;
    assert!(start.elapsed().as_millis() >= 1000, "{:?}", start.elapsed());
    assert_eq!(notified.sent, 2);
    assert_eq!(server.ids(), ["a1", "a1", "a2"]);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_waited_for() {
    let server = Server::start([Reply::Later("3600")]).await;
    let stand = Stand::new(settings(&format!("{}#in_flight=1", server.url()))).await;
    let start = Instant::now();
    let notified = stand.notify(&[alert("a1", "LOW"), alert("a2", "LOW")]).await;
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
    assert_eq!((notified.sent, notified.dead), (0, 2));
    assert_eq!(server.ids(), ["a1"], "the second waits for the first's pause, too");
    let letters = stand.take_letters();
    let reasons = [header(&letters[0], "weir.reason"), header(&letters[1], "weir.reason")];
    let over = "the invocation's time did not suffice";
    assert_eq!(reasons, [&format!("{over}: answered 429 Too Many Requests"), &format!("{over} to try it")]);
}

#[tokio::test]
async fn deliveries_end_before_the_invocation() {
    let server = Server::start((0..1000).map(|_| Reply::Say(500, ""))).await;
    let mut settings: Settings = settings(&server.url());
    settings.limits.attempts = NonZeroU32::MAX;
    let stand = Stand::new(settings).await;
    let start = Instant::now();
    let notified = stand.try_notify(&[alert("a1", "LOW")], Millis(1200)).await.unwrap();
    assert!(start.elapsed().as_millis() < 1200, "{:?}", start.elapsed());
    assert_eq!(notified.dead, 1);
    let letter = stand.take_letter();
    assert_eq!(header(&letter, "weir.attempts"), server.asked().len().to_string());
    assert!(
        header(&letter, "weir.reason").starts_with("the invocation's time did not suffice: answered 500")
    );
}

#[tokio::test]
async fn a_target_gets_what_it_asked_for_at_least() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&format!("{}#min_severity=HIGH", server.url()))).await;
    let severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO", "of my own"];
    let alerts: Vec<_> = severities.iter().enumerate().map(|(n, name)| alert(&n.to_string(), name)).collect();
    let notified = stand.notify(&alerts).await;
    assert_eq!((notified.sent, notified.below), (3, 3));
    let mut ids = server.ids();
    ids.sort();
    assert_eq!(ids, ["0", "1", "5"]);
}

#[tokio::test]
async fn what_is_delivered_is_not_sent_again_when_its_batch_comes_again() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&server.url())).await;
    let first = stand.notify(&[alert("a1", "LOW"), alert("a1", "LOW")]).await;
    assert_eq!((first.alerts, first.sent, first.repeated), (2, 1, 1));
    let again = stand.notify(&[alert("a1", "LOW"), alert("a2", "LOW")]).await;
    assert_eq!((again.sent, again.repeated), (1, 1));
    assert_eq!(server.ids(), ["a1", "a2"]);
}

#[tokio::test]
async fn in_flight_one_keeps_the_order() {
    let server = Server::start([Reply::Say(500, "")]).await;
    let stand = Stand::new(settings(&format!("{}#in_flight=1", server.url()))).await;
    let alerts: Vec<_> = (0..20).map(|n| alert(&format!("a{n}"), "LOW")).collect();
    stand.notify(&alerts).await;
    let expected: Vec<_> = [0].into_iter().chain(0..20).map(|n| format!("a{n}")).collect();
    assert_eq!(server.ids(), expected);
}

#[tokio::test]
async fn without_a_target_alerts_are_taken_and_nothing_is_a_dead_letter() {
    let stand = Stand::new(settings("")).await;
    let notified = stand.notify(&[alert("a1", "LOW")]).await;
    assert_eq!((notified.alerts, notified.sent, notified.dead), (1, 0, 0));
}
