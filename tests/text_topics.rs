//! The promise: plain text goes in, and sentences come out.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
    #[expect(dead_code, reason = "other tests look at more of the world")]
    pub(crate) mod world;
}

use std::collections::BTreeMap;

use support::{catalog::catalog, lines::run_lines, world::World};

const SQL: &str = "
  CREATE TABLE user_clickstream (user_id BIGINT NOT NULL, url TEXT NOT NULL, ts TIMESTAMP NOT NULL)
  WITH (key = 'user_id', event_time = 'ts', format = 'text', pattern = 'User {user_id} clicked on {url} at {ts}');
  CREATE VIEW clicks WITH (
    topic = 'user_click_aggregation', text_topic = 'user_click_sentences',
    template = 'User {user_id} has clicked {clicks} times on {pages} pages until {window_end}.'
  ) AS
  SELECT user_id, count(*) AS clicks, count(DISTINCT url) AS pages
  FROM user_clickstream GROUP BY user_id, TUMBLE(ts, INTERVAL '10' SECOND);";

fn sentences(world: &World) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let published = world.published("user_click_sentences").into_iter();
    published.map(|message| (text(message.key.unwrap()), text(message.payload))).collect()
}

#[test]
fn a_row_is_published_as_json_and_as_a_sentence() {
    let world = World::new(SQL);
    world.broker.set("user_clickstream", 0, 0, 100);
    let absorbed = world.absorb(
        "user_clickstream",
        0,
        0,
        &[
            "User 17 clicked on /page3 at 1000.123",
            "User 17 clicked on /page3 at 1000124\n",
            "User 17 clicked on /page 4 at 1970-01-01T00:16:41Z",
            "User seventeen clicked on /page3 at 1000.5",
            "User 5 clicked on /page3 at 1010.0",
        ],
    );
    assert_eq!((absorbed.accepted, absorbed.dead), (4, 1));
    let letters = world.published("weir.dead_letters");
    let reason = letters[0].headers.iter().find(|(name, _)| *name == "weir.reason").unwrap();
    let expected =
        r#"column "user_id": found "seventeen" at byte 5, expected BIGINT (an integer of 64 bits)"#;
    assert_eq!(reason.1, expected);
    let json = world.rows("user_click_aggregation");
    assert_eq!(json[0].as_object().unwrap()["clicks"], 3);
    let sentence = "User 17 has clicked 3 times on 2 pages until 1970-01-01T00:16:50.000Z.";
    assert_eq!(sentences(&world), [("17".to_owned(), sentence.to_owned())]);
}

#[test]
fn a_sentence_needs_no_json_beside_it() {
    let world = World::new(&SQL.replace("topic = 'user_click_aggregation', ", ""));
    world.broker.set("user_clickstream", 0, 0, 100);
    world.absorb(
        "user_clickstream",
        0,
        0,
        &["User 1 clicked on / at 1000.0", "User 1 clicked on / at 1010.0"],
    );
    assert_eq!(sentences(&world).len(), 1);
    assert!(world.broker.messages.take().is_empty());
}

/// Files of plain text give the rows that a naive count gives, whatever the partitions and the batches.
#[test]
fn files_of_plain_text_are_counted() {
    let mut clicks: BTreeMap<i64, i64> = BTreeMap::new();
    let mut line = |n: i64| {
        let user = n * n % 37;
        *clicks.entry(user).or_default() += 1;
        format!("User {user} clicked on /page{} at 1700000001.{n:03}\n", n % 7)
    };
    let lines = (0..1000).map(&mut line).collect::<String>() + "\nUser 1 left at 1700000001.5\n";
    for (batch, partitions) in [(1, 1), (7, 3), (usize::MAX, 4)] {
        let inputs = [("user_clickstream", lines.clone().into_bytes())];
        let ran = run_lines(catalog(SQL), &inputs, batch, partitions);
        let rows = ran.rows.iter();
        let counted: BTreeMap<i64, i64> =
            rows.map(|row| (row["user_id"].as_i64().unwrap(), row["clicks"].as_i64().unwrap())).collect();
        assert_eq!(counted, clicks);
        assert_eq!(ran.rows.len(), clicks.len(), "one row a user, and no sentences among them");
        assert_eq!(ran.dead.len(), 1);
        assert_eq!(ran.dead[0]["value"], "User 1 left at 1700000001.5");
        assert_eq!(
            ran.dead[0]["reason"],
            r#"does not fit the pattern: found "1 left at 1700000001.5" at byte 5, expected {user_id} and then " clicked on ""#
        );
    }
}

#[test]
fn late_plain_text_is_kept_whole() {
    let lines = "User 1 clicked on \"/\" at 1000.0\nUser 1 clicked on / at 2000.0\nUser 1 clicked on \"/\" at 1001.0\n";
    let ran = run_lines(catalog(SQL), &[("user_clickstream", lines.as_bytes().to_vec())], 1, 1);
    assert_eq!(ran.late.len(), 1);
    assert_eq!(ran.late[0]["view"], "clicks");
    assert_eq!(ran.late[0]["text"], "User 1 clicked on \"/\" at 1001.0");
    assert_eq!(ran.late[0]["watermark"], 1_999_999);
}

/// The click-through rates of `sql/ctr.sql` from events as other producers send them: `timestamp` for
/// `ts`, `view` for `impression`.
#[test]
fn other_producers_events_make_the_same_rates() {
    let sql = std::fs::read_to_string("sql/ctr.sql").unwrap();
    let line = |kind: &str, time: &str, at: i64| {
        format!(
            "{{\"user_id\":\"u\",\"product_id\":\"p\",\"{time}\":{at},\"event_type\":\"{kind}\",\"session_id\":\"s\"}}\n"
        )
    };
    let shown = [
        line("view", "timestamp", 1_700_000_000_000),
        line("impression", "timestamp", 1_700_000_000_001),
        line("view", "ts", 1_700_000_000_002),
        line("impression", "ts", 1_700_000_000_003),
    ];
    let clicked = line("click", "timestamp", 1_700_000_001_000);
    let inputs = [("impressions", shown.concat().into_bytes()), ("clicks", clicked.into_bytes())];
    let ran = run_lines(catalog(&sql), &inputs, 2, 1);
    assert!(ran.dead.is_empty() && ran.late.is_empty());
    let row = ran.rows.last().unwrap();
    assert_eq!((&row["impressions"], &row["clicks"], &row["ctr"]), (&4.into(), &1.into(), &0.25.into()));
}
