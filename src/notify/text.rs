//! Plain texts: the subject and the body of an e-mail, and a message for a phone.

use super::{
    Alert,
    digest::{Digest, cut},
};

/// SNS takes subjects of less than 100 characters.
const MAX_SUBJECT: usize = 99;
/// The most characters for a phone: some three messages of the network.
const MAX_SHORT: usize = 400;
/// How many facts a phone is told where the alert has no details.
const SHORT_FACTS: usize = 4;

/// `[CRITICAL] high_value_order`, in the printable ASCII that SNS takes.
pub(super) fn subject(alert: &Alert<'_>) -> String {
    let subject = format!("[{}] {}", alert.severity.name(), alert.title());
    let plain = |char: char| if char == ' ' || char.is_ascii_graphic() { char } else { '?' };
    subject.chars().map(plain).take(MAX_SUBJECT).collect()
}

/// All that a person may want to know, a line a fact.
pub(super) fn body(alert: &Alert<'_>) -> String {
    let digest = Digest::of(alert);
    let mut lines = vec![format!("{}: {}", digest.severity, digest.title)];
    lines.extend(digest.details.iter().flat_map(|details| [String::new(), details.clone()]));
    lines.push(String::new());
    lines.extend(digest.facts.iter().map(|(name, value)| format!("{name}: {value}")));
    let at = digest.at.map(|at| format!("at: {at}"));
    let view = digest.view.map(|view| format!("view: {view}"));
    lines.extend(at.into_iter().chain(view).chain([format!("id: {}", digest.id)]));
    lines.join("\n") + "\n"
}

/// The same in a breath: the details, or the first facts.
pub(super) fn short(alert: &Alert<'_>) -> String {
    let digest = Digest::of(alert);
    let facts = digest.facts.iter().take(SHORT_FACTS).map(|(name, value)| format!("{name} {value}"));
    let told = digest.details.unwrap_or_else(|| facts.collect::<Vec<_>>().join(", "));
    let colon = if told.is_empty() { "" } else { ": " };
    cut(&format!("{} {}{colon}{told}", digest.severity, digest.title), MAX_SHORT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"{"id":"a1","view":"orders","severity":"HIGH","rule":"high_value_order","user_id":"u1",
        "metric_name":"amount","metric_value":3000000,"threshold":1000000,"detected_at":1700000000000}"#;

    #[test]
    fn a_body_has_a_line_a_fact() {
        let alert = Alert::read(ORDER.as_bytes()).unwrap();
        let expected = "HIGH: high_value_order\n\namount: 3000000 (threshold 1000000)\nuser_id: u1\n\
                        at: 2023-11-14T22:13:20.000Z\nview: orders\nid: a1\n";
        assert_eq!(body(&alert), expected);
    }

    #[test]
    fn a_phone_is_told_the_details_or_the_first_facts() {
        let alert = Alert::read(ORDER.as_bytes()).unwrap();
        assert_eq!(short(&alert), "HIGH high_value_order: amount 3000000 (threshold 1000000), user_id u1");
        let told =
            Alert::read(br#"{"id":"a","severity":"LOW","rule":"r","details":"It fell.","x":1}"#).unwrap();
        assert_eq!(short(&told), "LOW r: It fell.");
        let bare = Alert::read(br#"{"id":"a","severity":"LOW"}"#).unwrap();
        assert_eq!(short(&bare), "LOW alert");
    }

    #[test]
    fn a_subject_is_short_plain_ascii() {
        let raw = format!(r#"{{"id":"a","severity":"LOW","rule":"Ümläut\n{}"}}"#, "x".repeat(200));
        let subject = subject(&Alert::read(raw.as_bytes()).unwrap());
        assert!(subject.starts_with("[LOW] ?ml?ut?xxx") && subject.len() == 99, "{subject}");
    }
}
