//! The events of the jobs, generated: the same ones every time.
//!
//! They have the shape of the events of `tests/data/flink`, at rates at which windows hold as much as
//! they do in production: an event a millisecond, for sessions one in ten milliseconds.

use std::fmt::Write;

#[path = "shop.rs"]
mod shop;

use rand::{Rng, SeedableRng, rngs::SmallRng};
use weir::sql::{Catalog, SqlFile};

/// The SQL of the tests against Flink.
const SQL: &str = include_str!("../../tests/data/flink/jobs.sql");
/// The jobs that Flink was not measured with: frequent orders, which are rare, and clicks that lead from a view to a purchase.
const RULES: &str = "
CREATE TABLE order_events (
  order_id TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL, total_amount BIGINT, ts TIMESTAMP NOT NULL
) WITH (key = 'user_id', watermark_delay = '2 seconds');
CREATE VIEW frequent AS
SELECT user_id, order_id, total_amount,
       count(*) OVER (PARTITION BY user_id ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS orders
FROM order_events WHERE status = 'paid'
QUALIFY orders >= 30;
CREATE TABLE user_events (user_id TEXT NOT NULL, kind TEXT NOT NULL, ts TIMESTAMP NOT NULL)
WITH (key = 'user_id', watermark_delay = '2 seconds');
CREATE VIEW paths AS
SELECT * FROM user_events MATCH_RECOGNIZE (
  PARTITION BY user_id ORDER BY ts
  MEASURES view.ts AS viewed_at, count(click.*) AS clicks, purchase.ts AS purchased_at
  PATTERN (view click+ purchase) WITHIN INTERVAL '5' MINUTE
  DEFINE view AS kind = 'view', click AS kind = 'click', purchase AS kind = 'purchase'
);
";
/// The first event's time: 2023-11-14T22:13:20Z.
const START: i64 = 1_700_000_000_000;
/// After how many events it is the turn of a job's next topic.
const TURN: i64 = 10_000;
/// Events are up to this many milliseconds out of order.
const JITTER: i64 = 200;

/// One of the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Click-through rates: 10 s tumbling windows, 1000 products.
    Ctr,
    /// Page views: windows of 5 min every 10 s, 500 pages.
    PageViews,
    /// Popularity: 5 min tumbling windows, 1000 products, distinct ones of 50 000 users.
    Popularity,
    /// Sessions with a gap of 30 min: 20 000 users who come for a quarter of an hour.
    Sessions,
    /// An order counts those of its user in the ten minutes before it: 50 000 users, twelve orders each.
    Rules,
    /// A view, clicks, a purchase within five minutes: 50 000 users, an event in fifty seconds each.
    Patterns,
    /// All views of `sql/`, over as many events of each topic; 50 000 users, 1000 products.
    Shop,
}

impl Job {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ctr,
        Self::PageViews,
        Self::Popularity,
        Self::Sessions,
        Self::Rules,
        Self::Patterns,
        Self::Shop,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ctr => "ctr",
            Self::PageViews => "page-views",
            Self::Popularity => "popularity",
            Self::Sessions => "sessions",
            Self::Rules => "rules",
            Self::Patterns => "patterns",
            Self::Shop => "shop",
        }
    }

    /// The view that it is, of those that the SQL here has.
    const fn view(self) -> Option<&'static str> {
        match self {
            Self::Ctr => Some("ctr"),
            Self::PageViews => Some("pv"),
            Self::Popularity => Some("pop"),
            Self::Sessions => Some("sess"),
            Self::Rules => Some("frequent"),
            Self::Patterns => Some("paths"),
            Self::Shop => None,
        }
    }

    /// The topics that it reads.
    pub(crate) const fn topics(self) -> &'static [&'static str] {
        match self {
            Self::Ctr => &["ctr_events"],
            Self::PageViews => &["pv_events"],
            Self::Popularity => &["act_events"],
            Self::Sessions => &["sess_events"],
            Self::Rules => &["order_events"],
            Self::Patterns => &["user_events"],
            Self::Shop => &shop::TOPICS,
        }
    }

    /// Milliseconds from one event to the next.
    const fn step(self) -> i64 {
        match self {
            Self::Sessions => 10,
            Self::Shop => 8,
            _ => 1,
        }
    }

    /// A catalog of this job alone, whose rows are published.
    pub(crate) fn catalog(self) -> Catalog {
        let Some(view) = self.view() else { return shop::catalog() };
        let text = if matches!(self, Self::Rules | Self::Patterns) { RULES } else { SQL };
        let file = SqlFile { name: "jobs.sql".into(), text: text.into() };
        let mut catalog = Catalog::parse(&[file]).expect("the jobs are valid SQL");
        catalog.keep(&[view.to_owned()]);
        catalog.views.iter_mut().for_each(|view| view.options.topic = Some(view.name.clone()));
        catalog
    }
}

/// A job's events, one after the other.
pub(crate) struct Events {
    job: Job,
    /// How many distinct products the click-through rates are of.
    products: u32,
    random: SmallRng,
    index: i64,
}

/// An event.
pub(crate) struct Event {
    /// The record's topic.
    pub(crate) topic: &'static str,
    /// Its offset.
    pub(crate) offset: i64,
    /// The record's key.
    pub(crate) key: String,
    /// The record's value.
    pub(crate) value: String,
    /// Its time.
    pub(crate) at: i64,
}

impl Events {
    pub(crate) fn new(job: Job) -> Self {
        Self::of_products(job, 1000)
    }

    pub(crate) fn of_products(job: Job, products: u32) -> Self {
        Self { job, products, random: SmallRng::seed_from_u64(7), index: 0 }
    }

    /// The next event's topic, and how many of it were before.
    fn place(&self) -> (&'static str, i64) {
        let topics = self.job.topics();
        let (turn, count) = (self.index / TURN, i64::try_from(topics.len()).expect("a few"));
        let topic = usize::try_from(turn % count).ok().and_then(|turn| topics.get(turn));
        (topic.expect("one of the topics"), turn / count * TURN + self.index % TURN)
    }

    fn event(&mut self) -> Event {
        let ((topic, n), random) = (self.place(), &mut self.random);
        self.index += 1;
        let at = START + n * self.job.step() - random.random_range(0..JITTER);
        let (key, value) =
            if self.job == Job::Shop { shop::event(topic, n, at, random) } else { self.keyed_json(n, at) };
        Event { topic, offset: n, key, value, at }
    }

    /// Key and value of an event that the SQL here is about.
    fn keyed_json(&mut self, n: i64, at: i64) -> (String, String) {
        let random = &mut self.random;
        let mut json = format!(r#"{{"event_id":"e{n}","#);
        let key = match self.job {
            Job::Ctr => {
                let kind = if random.random_ratio(1, 10) { "click" } else { "impression" };
                let (product, user) = (random.random_range(0..self.products), random.random_range(0..50_000));
                put(
                    &mut json,
                    format_args!(r#""type":"{kind}","product_id":"p{product}","user_id":"u{user}""#),
                );
                format!("p{product}")
            }
            Job::PageViews => {
                let (user, page) = (random.random_range(0..50_000), random.random_range(0..500));
                put(&mut json, format_args!(r#""user_id":"u{user}","page_url":"/p/{page}""#));
                format!("/p/{page}")
            }
            Job::Popularity => {
                let actions =
                    ["view", "view", "view", "view", "view", "view", "view", "cart", "cart", "purchase"];
                let action = actions.get(random.random_range(0..actions.len())).expect("one of them");
                let (product, user) = (random.random_range(0..1000), random.random_range(0..50_000));
                put(
                    &mut json,
                    format_args!(
                        r#""product_id":"p{product}","action":"{action}","user_id":"u{user}","session_id":"s{user}""#
                    ),
                );
                format!("p{product}")
            }
            Job::Sessions => {
                // Two thousand users are there at a time; every fifty events one goes and another comes.
                let (user, page) =
                    ((n / 50 + random.random_range(0..2000)) % 20_000, random.random_range(0..300));
                put(&mut json, format_args!(r#""user_id":"u{user}","page_url":"/p/{page}""#));
                format!("u{user}")
            }
            Job::Rules => {
                let (user, amount) = (random.random_range(0..50_000), random.random_range(100..2_000_000));
                put(
                    &mut json,
                    format_args!(
                        r#""order_id":"o{n}","user_id":"u{user}","status":"paid","total_amount":{amount}"#
                    ),
                );
                format!("u{user}")
            }
            Job::Patterns => {
                let user = random.random_range(0..50_000);
                let kind = match random.random_range(0..10) {
                    0..5 => "view",
                    5..8 => "click",
                    _ => "purchase",
                };
                put(&mut json, format_args!(r#""user_id":"u{user}","kind":"{kind}""#));
                format!("u{user}")
            }
            Job::Shop => String::new(),
        };
        put(&mut json, format_args!(r#","ts":{at}}}"#));
        (key, json)
    }

    /// The next events as the payload that an MSK event source sends.
    pub(crate) fn payload(&mut self, records: usize) -> Vec<u8> {
        let (topic, _) = self.place();
        let mut text = format!(
            r#"{{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:us-east-1:0:cluster/c/1","bootstrapServers":"b:9092","records":{{"{topic}-0":["#
        );
        for record in 0..records {
            let Event { topic, offset, key, value, at } = self.event();
            let comma = if record == 0 { "" } else { "," };
            let (key, value) = (base64(&key), base64(&value));
            put(
                &mut text,
                format_args!(
                    r#"{comma}{{"topic":"{topic}","partition":0,"offset":{offset},"timestamp":{at},"timestampType":"CREATE_TIME","key":"{key}","value":"{value}","headers":[{{"traceparent":[48,48,45,52,98,102,57,50,102,51,53]}}]}}"#
                ),
            );
        }
        text.push_str("]}}");
        text.into_bytes()
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        Some(self.event())
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes everything");
}

fn base64(text: &str) -> String {
    base64_simd::STANDARD.encode_to_string(text)
}
