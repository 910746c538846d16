//! Targets as they are written, and what is never shown of them.

use super::*;

fn shown(text: &str) -> Vec<String> {
    Target::list(text).unwrap().iter().map(ToString::to_string).collect()
}

fn reason(text: &str) -> String {
    Target::list(text).unwrap_err().to_string()
}

#[test]
fn a_list_has_commas_or_white_space_between_its_targets() {
    let text = " https://a.example/x,slack+https://b.example:8443/y\n\tsms:+4915112345678, \
                sns:arn:aws:sns:eu-central-1:123456789012:alerts ";
    let expected = [
        "https://a.example/…",
        "slack+https://b.example:8443/…",
        "sms:…78",
        "sns:arn:aws:sns:eu-central-1:123456789012:alerts",
    ];
    assert_eq!(shown(text), expected);
    assert!(shown(" , ").is_empty());
}

#[test]
fn a_webhook_of_slacks_gets_slacks_format_however_it_is_written() {
    let hook = "https://hooks.slack.com/services/T0/B0/xyz";
    assert_eq!(shown(hook), ["slack+https://hooks.slack.com/…"]);
    assert_eq!(shown(&format!("slack+{hook}")), shown(hook));
}

#[test]
fn options_stand_behind_a_hash_and_are_no_part_of_the_address() {
    let [target] =
        &Target::list("https://a.example/x?min_severity=mine#min_severity=high&in_flight=3").unwrap()[..]
    else {
        panic!("one target")
    };
    assert_eq!((target.min_severity, target.in_flight.get()), (Severity::High, 3));
    let Channel::Webhook(hook) = &target.channel else { panic!("a webhook") };
    assert_eq!(hook.uri.to_string(), "https://a.example/x?min_severity=mine");
}

#[test]
fn what_wants_order_gets_one_at_a_time() {
    let in_flight = |text: &str| Target::list(text).unwrap()[0].in_flight.get();
    assert_eq!(in_flight("https://a.example/"), 8);
    assert_eq!(in_flight("slack+https://a.example/"), 1);
    assert_eq!(in_flight("sns:arn:aws:sns:eu-central-1:1:alerts"), 8);
    assert_eq!(in_flight("sns:arn:aws:sns:eu-central-1:1:alerts.fifo"), 1);
}

#[test]
fn errors_tell_the_place_and_what_was_expected_but_not_what_was_found() {
    let cases = [
        ("ftp://s3cret", "expected https://"),
        ("https://", "is no URL"),
        ("slack+s3cret", "is no URL"),
        ("slack+ftp://s3cret", "expected http:// or https://"),
        ("https://a.example/s3cret#level=s3cret", "behind # may stand"),
        ("https://a.example/s3cret#min_severity=s3cret", "min_severity is none of"),
        ("https://a.example/s3cret#in_flight=0", "in_flight is no number"),
        ("sns:arn:aws:sqs:s3cret:1:x", "expected a topic"),
        ("sns:arn:aws:sns::1:s3cret", "expected a topic"),
        ("sms:0151s3cret", "expected a phone"),
        ("sms:+0151123456", "expected a phone"),
    ];
    for (text, expected) in cases {
        let reason = reason(&format!("https://a.example/ {text}"));
        assert!(reason.starts_with("failed to read target 2 of the list: "), "{reason}");
        assert!(reason.contains(expected), "{text}: {reason}");
        assert!(!reason.contains("s3cret"), "{reason}");
    }
}

#[test]
fn no_secret_is_shown() {
    let text = "https://user:passw0rd@a.example/services/s3cret?token=t0ken sms:+4915112345678";
    let targets = Target::list(text).unwrap();
    let shown = format!("{targets:?} {} {}", targets[0], targets[1]);
    for secret in ["passw0rd", "user", "s3cret", "t0ken", "491511234"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn what_a_server_echoes_is_scrubbed() {
    let target = &Target::list("https://user:passw0rd@a.example/services/s3cret?token=t0ken").unwrap()[0];
    let page = "The URL /services/s3cret?token=t0ken was not found. s3cret t0ken passw0rd";
    assert_eq!(target.scrub(page), "The URL … was not found. … … …");
    let token = &Target::list("https://t0ken-as-name@a.example/a%20s3cret").unwrap()[0];
    assert_eq!(token.scrub("a s3cret, a%20s3cret, t0ken-as-name"), "…, …, …");
    let phone = &Target::list("sms:+4915112345678").unwrap()[0];
    assert_eq!(phone.scrub("Reason: +4915112345678 is not valid"), "Reason: +… is not valid");
}
