//! Events of every topic of `sql/`, in the form that their producers send.

use std::fmt::Write;

use rand::{Rng, rngs::SmallRng};
use weir::sql::{Catalog, SqlFile};

/// All views that the repository ships.
const SQL: [(&str, &str); 6] = [
    ("ctr.sql", include_str!("../../sql/ctr.sql")),
    ("ctr_alerts.sql", include_str!("../../sql/ctr_alerts.sql")),
    ("page_views.sql", include_str!("../../sql/page_views.sql")),
    ("shop.sql", include_str!("../../sql/shop.sql")),
    ("user_behaviour.sql", include_str!("../../sql/user_behaviour.sql")),
    ("user_clicks.sql", include_str!("../../sql/user_clicks.sql")),
];

/// The topics, each with as many events as any other.
pub(crate) const TOPICS: [&str; 8] = [
    "impressions",
    "clicks",
    "click-stream",
    "user_clickstream",
    "raw_events",
    "user_events",
    "product_analytics",
    "order_events",
];

/// All views at once, as they are deployed.
pub(crate) fn catalog() -> Catalog {
    let files = SQL.map(|(name, text)| SqlFile { name: name.into(), text: text.into() });
    Catalog::parse(&files).expect("the repository's SQL is valid")
}

/// Key and value of a topic's nth event.
pub(crate) fn event(topic: &str, n: i64, at: i64, random: &mut SmallRng) -> (String, String) {
    let (user, product) = (random.random_range(0..50_000), random.random_range(0..1000));
    let page = random.random_range(0..500);
    let session = at / 1_800_000;
    let (by_user, by_product) = (format!("user_{user}"), format!("product_{product}"));
    match topic {
        "impressions" | "clicks" => {
            let kind = topic.trim_end_matches('s');
            let value = format!(
                r#"{{"event_id":"e{n}","product_id":"{by_product}","user_id":"{by_user}","session_id":"s{user}_{session}","event_type":"{kind}","ts":{at}}}"#
            );
            (by_product, value)
        }
        "click-stream" => {
            let kind =
                one_of(random, &["VIEW", "VIEW", "VIEW", "CLICK", "ADD_TO_CART", "PURCHASE", "SEARCH"]);
            let value = format!(
                r#"{{"user_id":"{by_user}","page":"/p/{page}","timestamp":{at},"ip":"203.0.113.6","session_id":"s{user}_{session}","event_type":"{kind}","product_id":"{by_product}","user_agent":"Mozilla/5.0","referrer":"direct","session_duration":266}}"#
            );
            (by_user, value)
        }
        "user_clickstream" => {
            let seconds = format_args!("{}.{:03}", at / 1000, at % 1000);
            (format!("{user}"), format!("User {user} clicked on /p/{page} at {seconds}"))
        }
        "raw_events" => {
            let (kind, page) = one_of(
                random,
                &[
                    ("view", "/home"),
                    ("view", "/product"),
                    ("view", "/product"),
                    ("click", "/product"),
                    ("click", "/product"),
                    ("purchase", "/checkout"),
                ],
            );
            let value =
                format!(r#"{{"userId":"{by_user}","event":"{kind}","page":"{page}","timestamp":{at}}}"#);
            (by_user, value)
        }
        "user_events" => {
            let kind = one_of(random, &["page_view", "page_view", "click", "purchase"]);
            let time = iso(at);
            let value = format!(
                r#"{{"event_id":"{n:032}","timestamp":"{time}","source":"api","version":"1.0","user_id":"{by_user}","event_type":"{kind}","page_url":"/p/{page}","metadata":{{"device":"mobile","session_id":"s{user}_{session}"}}}}"#
            );
            (by_user, value)
        }
        "product_analytics" => {
            let action = one_of(random, &["view", "view", "view", "add_to_cart", "purchase", "review"]);
            let time = iso(at);
            let value = format!(
                r#"{{"event_id":"{n:032}","timestamp":"{time}","source":"api","version":"1.0","product_id":"{by_product}","action":"{action}","user_id":"{by_user}","session_id":"s{user}_{session}","properties":{{"category":"lamps","price":250000}}}}"#
            );
            (by_product, value)
        }
        _ => {
            let status = one_of(random, &["created", "paid", "paid", "shipped", "delivered", "cancelled"]);
            let (time, amount) = (iso(at), random.random_range(1000..1_005_000));
            let value = format!(
                r#"{{"event_id":"{n:032}","timestamp":"{time}","source":"api","version":"1.0","order_id":"order_{n}","user_id":"{by_user}","status":"{status}","items":[{{"product_id":"{by_product}","quantity":2}}],"total_amount":{amount},"shipping_address":{{"city":"Busan"}}}}"#
            );
            (by_user, value)
        }
    }
}

fn one_of<T: Copy>(random: &mut SmallRng, all: &[T]) -> T {
    *all.get(random.random_range(0..all.len())).expect("one of them")
}

/// As the gateway writes times: 2023-11-14T22:13:20.000Z.
fn iso(at: i64) -> String {
    let mut text = String::new();
    let time = jiff::Timestamp::from_millisecond(at).expect("a time of this century");
    write!(text, "{time:.3}").expect("a string takes everything");
    text
}
