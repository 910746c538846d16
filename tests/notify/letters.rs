//! What becomes of what cannot be delivered.

use tokio::net::TcpListener;
use weir::{
    error::causes,
    handlers::{self, NotifyError},
    time::{Millis, Timestamp},
};

use super::fixture::{Reply, Server, Stand, alert, header, settings};

#[tokio::test]
async fn a_refusal_is_a_dead_letter_and_takes_nothing_else_with_it() {
    let server = Server::start([Reply::Say(404, "no_service")]).await;
    let stand = Stand::new(settings(&format!("{}/services/s3cret#in_flight=1", server.url()))).await;
    let notified = stand.notify(&[alert("a1", "LOW"), alert("a2", "LOW")]).await;
    assert_eq!((notified.sent, notified.dead), (1, 1));
    assert_eq!(server.ids(), ["a1", "a2"], "what is refused is not tried again");
    let letter = stand.take_letter();
    assert_eq!(
        (letter.topic.as_str(), letter.key.as_deref()),
        ("weir.notify_dead_letters", Some(&b"u1"[..]))
    );
    assert_eq!(letter.payload, alert("a1", "LOW").as_bytes());
    let expected = [
        ("weir.topic", "weir.alerts".to_owned()),
        ("weir.partition", "0".to_owned()),
        ("weir.offset", "7".to_owned()),
        ("weir.timestamp", "1700000000000".to_owned()),
        ("weir.reason", "answered 404 Not Found: no_service".to_owned()),
        ("weir.target", format!("{}/…", server.url())),
        ("weir.attempts", "1".to_owned()),
        ("weir.status", "404".to_owned()),
    ];
    assert_eq!(letter.headers, expected);
}

#[tokio::test]
async fn retries_come_to_an_end() {
    let server = Server::start((0..10).map(|_| Reply::Say(502, "<html>\n bad\n gateway</html>"))).await;
    let stand = Stand::new(settings(&server.url())).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letter = stand.take_letter();
    assert_eq!((header(&letter, "weir.attempts"), server.asked().len()), ("3", 3));
    assert_eq!(header(&letter, "weir.reason"), "answered 502 Bad Gateway: <html> bad gateway</html>");
}

#[tokio::test]
async fn a_long_answer_is_cut_after_its_secrets_were_taken_out() {
    for before in 190..240 {
        let page = format!("{} /services/s3cret0123456789 was not found", "x".repeat(before));
        let server = Server::start([Reply::Say(404, page.leak())]).await;
        let stand = Stand::new(settings(&format!("{}/services/s3cret0123456789", server.url()))).await;
        stand.notify(&[alert("a1", "LOW")]).await;
        let letter = stand.take_letter();
        let reason = header(&letter, "weir.reason");
        assert!(!reason.contains("s3c") && reason.chars().count() <= 250, "{reason}");
    }
}

#[tokio::test]
async fn silence_is_tried_again_and_then_a_dead_letter() {
    let server = Server::start([Reply::Hang, Reply::Hang, Reply::Hang]).await;
    let stand = Stand::new(settings(&server.url())).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letter = stand.take_letter();
    assert_eq!(header(&letter, "weir.reason"), "no answer within 500 ms");
    assert_eq!((header(&letter, "weir.attempts"), header(&letter, "weir.status")), ("3", ""));
}

#[tokio::test]
async fn a_server_that_is_silent_once_gets_the_alert_all_the_same() {
    let server = Server::start([Reply::Hang]).await;
    let stand = Stand::new(settings(&server.url())).await;
    assert_eq!(stand.notify(&[alert("a1", "LOW")]).await.sent, 1);
    assert_eq!(server.ids(), ["a1", "a1"]);
}

#[tokio::test]
async fn nobody_there_is_a_dead_letter() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let stand = Stand::new(settings(&format!("http://{free}/x"))).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letter = stand.take_letter();
    assert!(header(&letter, "weir.reason").contains("refused"), "{letter:?}");
    assert_eq!(header(&letter, "weir.attempts"), "3");
}

#[tokio::test]
async fn whoever_does_not_speak_tls_is_told_apart() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&server.url().replace("http:", "https:"))).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letter = stand.take_letter();
    assert!(header(&letter, "weir.reason").contains("corrupt message"), "{letter:?}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Server::start([Reply::Elsewhere("/other")]).await;
    let stand = Stand::new(settings(&format!("{}/x", server.url()))).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    assert_eq!(header(&stand.take_letter(), "weir.reason"), "answered 302 Found");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_is_no_alert_is_a_dead_letter_of_its_own() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&format!("{} {}", server.url(), server.url()))).await;
    let values =
        ["User 17".to_owned(), alert("a1", "LOW"), r#"{"severity":"LOW"}"#.to_owned(), String::new()];
    let notified = stand.notify(&values).await;
    assert_eq!((notified.alerts, notified.sent, notified.dead), (1, 2, 3));
    let letters = stand.take_letters();
    let told = |n: usize| (header(&letters[n], "weir.offset"), header(&letters[n], "weir.reason"));
    assert_eq!(told(0), ("7", "it is not JSON: expected value at line 1 column 1"));
    assert_eq!(told(1), ("9", "\"id\" is missing, expected a text"));
    assert!(told(2).1.starts_with("it is empty"), "{letters:?}");
    assert_eq!(letters[0].payload, b"User 17");
    assert_eq!(header(&letters[0], "weir.target"), "", "it is no target's fault");
}

#[tokio::test]
async fn the_samples_are_carried_but_for_what_is_no_alert() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&server.url())).await;
    for (file, sent, dead) in [("alerts", 3, 0), ("poison-alert", 1, 2)] {
        let payload = std::fs::read(format!("events/notify/{file}.json")).unwrap();
        let before = server.asked().len();
        handlers::notify(&stand.notifier, &payload, Timestamp::MAX).await.unwrap();
        assert_eq!((server.asked().len() - before, stand.take_letters().len()), (sent, dead), "{file}");
    }
}

#[tokio::test]
async fn a_batch_fails_where_its_dead_letters_are_lost_and_then_sends_what_is_missing() {
    let server = Server::start([Reply::Say(400, "")]).await;
    let stand = Stand::new(settings(&format!("{}#in_flight=1", server.url()))).await;
    let values = [alert("a1", "LOW"), alert("a2", "LOW")];
    stand.letters.refuse(1);
    let error = stand.try_notify(&values, Millis::minutes(1)).await.unwrap_err();
    assert_eq!(causes(&error), "failed to publish to topic weir.notify_dead_letters: no broker");
    let again = stand.notify(&values).await;
    assert_eq!((again.sent, again.repeated, again.dead), (1, 1, 0));
    assert_eq!(server.ids(), ["a1", "a2", "a1"]);
}

#[tokio::test]
async fn a_payload_of_something_else_fails() {
    let stand = Stand::new(settings("")).await;
    let error = handlers::notify(&stand.notifier, br#"{"source":"aws.events"}"#, Timestamp::MAX).await;
    assert!(matches!(error, Err(NotifyError::Payload(_))), "{error:?}");
}
