//! Slack's format for incoming webhooks: a line with the severity, and below it, behind a bar in the
//! severity's colour, the details and facts.
//!
//! Texts are `mrkdwn`, in which `&`, `<` and `>` have to be escaped and then nothing in a value can make
//! a link or call a channel; `verbatim` keeps Slack from finding links by itself. The limits are Slack's:
//! 10 fields a section, 2000 characters a field, 3000 a text, 50 blocks.

use serde_json::{Value, json};

use super::{
    Alert, Level, Severity,
    digest::{Digest, Moment, cut},
};

/// The fields of one section.
const FIELDS: usize = 10;
/// The most facts that are shown.
const MAX_FACTS: usize = 40;
/// The most characters of a fact's value. Escaping makes a character five, so name and value fit a field.
const MAX_VALUE: usize = 200;
/// The most characters of a name or title.
const MAX_NAME: usize = 150;

/// The message for an alert.
pub(super) fn message(alert: &Alert<'_>) -> Value {
    let digest = Digest::of(alert);
    let (sign, color) = look(&alert.severity);
    let title = escaped(&cut(digest.title, MAX_NAME));
    let headline = format!("{sign} *{}* {title}", escaped(&cut(digest.severity, MAX_NAME)));
    let fallback = format!("{} {title}", escaped(&cut(digest.severity, MAX_NAME)));
    let blocks: Vec<Value> =
        details(&digest).into_iter().chain(facts(&digest)).chain([foot(&digest)]).collect();
    json!({"text": headline, "attachments": [{"color": color, "fallback": fallback, "blocks": blocks}]})
}

/// The sign and the colour of a severity.
const fn look(level: &Level) -> (&'static str, &'static str) {
    match level {
        Level::Known(Severity::Critical) => ("🔴", "#d7263d"),
        Level::Known(Severity::High) => ("🟠", "#f46036"),
        Level::Known(Severity::Medium) => ("🟡", "#f2b705"),
        Level::Known(Severity::Low) => ("🔵", "#2e86ab"),
        Level::Known(Severity::Info) => ("⚪", "#8d99ae"),
        Level::Other(_) => ("🔔", "#8d99ae"),
    }
}

fn details(digest: &Digest<'_>) -> Option<Value> {
    let details = digest.details.as_deref()?;
    Some(json!({"type": "section", "text": mrkdwn(&escaped(details))}))
}

fn facts(digest: &Digest<'_>) -> Vec<Value> {
    let field = |(name, value): &(&str, String)| {
        mrkdwn(&format!("*{}*\n{}", escaped(&cut(name, MAX_NAME)), escaped(&cut(value, MAX_VALUE))))
    };
    let mut fields: Vec<Value> = digest.facts.iter().take(MAX_FACTS).map(field).collect();
    if let Some(more) = digest.facts.len().checked_sub(MAX_FACTS).filter(|more| *more > 0) {
        fields.pop();
        fields.push(mrkdwn(&format!("and {} more", more + 1)));
    }
    fields.chunks(FIELDS).map(|fields| json!({"type": "section", "fields": fields})).collect()
}

/// When, by which view, and the id to look for.
fn foot(digest: &Digest<'_>) -> Value {
    let view = digest.view.map(|view| format!("view {}", escaped(&cut(view, MAX_NAME))));
    let parts = [digest.at.as_ref().map(time), view, Some(format!("id {}", escaped(digest.id)))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    json!({"type": "context", "elements": [mrkdwn(&parts.join("  |  "))]})
}

/// A time that Slack shows in the reader's own zone.
fn time(at: &Moment) -> String {
    match at {
        Moment::At(at) => {
            format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{at}>", at.0.div_euclid(1000))
        }
        Moment::Told(text) => escaped(text),
    }
}

fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(raw: &str) -> Value {
        message(&Alert::read(raw.as_bytes()).unwrap())
    }

    #[test]
    fn nothing_in_a_value_is_markup() {
        let message = message_of(r#"{"id":"a","severity":"<!channel>","rule":"a&b","who":"<!here> <@U1>"}"#);
        let text = message.to_string();
        assert!(
            !text.contains("<!channel>") && !text.contains("<!here>") && !text.contains("<@U1>"),
            "{text}"
        );
        assert_eq!(message["text"], "🔔 *&lt;!channel&gt;* a&amp;b");
    }

    #[test]
    fn many_facts_are_sections_of_ten_and_the_rest_is_counted() {
        let fields: Vec<_> = (0..55).map(|n| format!(r#""c{n}":{n}"#)).collect();
        let message = message_of(&format!(r#"{{"id":"a","severity":"INFO",{}}}"#, fields.join(",")));
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        let sizes: Vec<_> =
            blocks.iter().filter_map(|block| block["fields"].as_array()).map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 10, 10]);
        assert_eq!(blocks[3]["fields"][9]["text"], "and 16 more");
    }

    #[test]
    fn long_texts_stay_within_slacks_limits() {
        let long = "&".repeat(5000);
        let message = message_of(&format!(
            r#"{{"id":"a","severity":"{long}","rule":"{long}","details":"{long}","x":"{long}","{long}":1}}"#
        ));
        let blocks = message["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks[0]["text"]["text"].as_str().unwrap().len() <= 3000);
        for field in blocks[1]["fields"].as_array().unwrap() {
            assert!(field["text"].as_str().unwrap().len() <= 2000);
        }
    }
}
