//! What a shopper's act is on each topic, as that topic's producers write it.

use serde_json::{Value, json};

use super::visits::{Act, Step};
use crate::time::{Millis, Timestamp};

/// How a topic's records are made.
pub(super) struct Record {
    pub(super) topic: &'static str,
    /// The record's key.
    pub(super) key: fn(&Act) -> String,
    /// The record, with when it happened and an id.
    pub(super) write: fn(&Act, Timestamp, &str) -> String,
}

const CLICK_STREAM: Record = Record { topic: "click-stream", key: user, write: click_stream };
const USER_CLICKSTREAM: Record = Record {
    topic: "user_clickstream",
    key: |act| (act.visit.user + 1).to_string(),
    write: user_clickstream,
};
const RAW_EVENTS: Record = Record { topic: "raw_events", key: user, write: raw_event };
const USER_EVENTS: Record = Record { topic: "user_events", key: user, write: user_event };
const PRODUCT_ANALYTICS: Record =
    Record { topic: "product_analytics", key: product, write: product_analytics };
const ORDER_EVENTS: Record = Record { topic: "order_events", key: user, write: order_event };

/// The topics that visits have events for, each with its table in `sql/`.
pub const VISITS: [(&str, &str); 6] = [
    (CLICK_STREAM.topic, "click_stream"),
    (USER_CLICKSTREAM.topic, "user_clickstream"),
    (RAW_EVENTS.topic, "raw_events"),
    (USER_EVENTS.topic, "user_events"),
    (PRODUCT_ANALYTICS.topic, "product_analytics"),
    (ORDER_EVENTS.topic, "order_events"),
];

/// The records that tell of a step.
pub(super) fn of(step: Step) -> &'static [Record] {
    match step {
        Step::Search => &[CLICK_STREAM, USER_EVENTS],
        Step::Look => &[CLICK_STREAM, RAW_EVENTS, USER_EVENTS],
        Step::Click => &[CLICK_STREAM, USER_CLICKSTREAM, RAW_EVENTS, USER_EVENTS, PRODUCT_ANALYTICS],
        Step::Cart => &[CLICK_STREAM, USER_EVENTS, PRODUCT_ANALYTICS],
        Step::Purchase => &[CLICK_STREAM, RAW_EVENTS, USER_EVENTS, PRODUCT_ANALYTICS],
        Step::Created | Step::Paid | Step::Shipped | Step::Cancelled => &[ORDER_EVENTS],
    }
}

fn user(act: &Act) -> String {
    format!("user_{}", act.visit.user + 1)
}

fn product(act: &Act) -> String {
    format!("product_{}", act.visit.rank + 1)
}

fn session(act: &Act) -> String {
    format!("session_{}", act.visit.number)
}

fn page(act: &Act) -> String {
    match act.step {
        Step::Search => "/search".to_owned(),
        Step::Look => "/home".to_owned(),
        Step::Click => format!("/product/{}", act.visit.rank + 1),
        Step::Cart => "/cart".to_owned(),
        _ => "/checkout".to_owned(),
    }
}

fn click_stream(act: &Act, happened: Timestamp, _: &str) -> String {
    let event_type = match act.step {
        Step::Search => "SEARCH",
        Step::Look => "VIEW",
        Step::Click => "CLICK",
        Step::Cart => "ADD_TO_CART",
        _ => "PURCHASE",
    };
    let since = act.at.0 - act.visit.began.0;
    let event = json!({
        "user_id": user(act), "page": page(act), "timestamp": happened.0, "ip": format!("203.0.113.{}", act.visit.user % 256),
        "session_id": session(act), "event_type": event_type, "product_id": product(act),
        "user_agent": "Mozilla/5.0", "referrer": "direct", "session_duration": since / Millis::seconds(1).0
    });
    event.to_string()
}

fn user_clickstream(act: &Act, happened: Timestamp, _: &str) -> String {
    let (seconds, millis) = (happened.0.div_euclid(1000), happened.0.rem_euclid(1000));
    format!("User {} clicked on /page{} at {seconds}.{millis:03}", act.visit.user + 1, act.visit.rank + 1)
}

fn raw_event(act: &Act, happened: Timestamp, _: &str) -> String {
    let (event, page) = match act.step {
        Step::Look => ("view", "/home"),
        Step::Click => ("click", "/product"),
        _ => ("purchase", "/checkout"),
    };
    json!({"userId": user(act), "event": event, "page": page, "timestamp": happened.0}).to_string()
}

fn user_event(act: &Act, happened: Timestamp, id: &str) -> String {
    let event_type = match act.step {
        Step::Search => "search",
        Step::Look => "page_view",
        Step::Click => "click",
        Step::Cart => "add_to_cart",
        _ => "purchase",
    };
    let amount = (act.step == Step::Purchase).then_some(act.order.amount);
    let device = if act.visit.user.is_multiple_of(3) { "desktop" } else { "mobile" };
    let event = json!({
        "user_id": user(act), "event_type": event_type, "page_url": page(act), "product_id": product(act), "amount": amount,
        "metadata": {"device": device, "session_id": session(act)}
    });
    served(event, happened, id)
}

fn product_analytics(act: &Act, happened: Timestamp, id: &str) -> String {
    let action = match act.step {
        Step::Click => "view",
        Step::Cart => "add_to_cart",
        _ => "purchase",
    };
    let event = json!({
        "product_id": product(act), "action": action, "user_id": user(act), "session_id": session(act),
        "properties": {"category": "lamps", "price": act.visit.price()}
    });
    served(event, happened, id)
}

fn order_event(act: &Act, happened: Timestamp, id: &str) -> String {
    let status = match act.step {
        Step::Paid => "paid",
        Step::Shipped => "shipped",
        Step::Cancelled => "cancelled",
        _ => "created",
    };
    let event = json!({
        "order_id": format!("order_{}", act.order.number), "user_id": user(act), "status": status,
        "items": [{"product_id": product(act), "quantity": act.order.amount / act.visit.price()}],
        "total_amount": act.order.amount, "shipping_address": {"city": "Seoul"}
    });
    served(event, happened, id)
}

/// An event with what the server that takes it adds.
fn served(mut event: Value, happened: Timestamp, id: &str) -> String {
    let at =
        jiff::Timestamp::from_millisecond(happened.0).map_or_else(|_| String::new(), |at| format!("{at:.3}"));
    if let Some(fields) = event.as_object_mut() {
        let added = [("event_id", id), ("timestamp", &at), ("source", "shop"), ("version", "1.0")];
        fields.extend(added.map(|(name, value)| (name.to_owned(), value.into())));
    }
    event.to_string()
}
