//! `sql/user_clicks.sql`.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

use super::rows::{assert_rows, run};

const FILES: [&str; 1] = ["user_clicks.sql"];
const TOPIC: &str = "user_clickstream";

#[test]
fn clicks_are_counted_for_ever_in_whatever_order() {
    let lines = "User 17 clicked on /page3 at 1700000000.123\n\
                 User 5 clicked on /page1 at 1700086400.5\n\
                 User 17 clicked on /page3 at 1700000000.123\n\
                 User 17 clicked on /page 9 at 1600000000.0\n\
                 User 17 left at 1700000001.0\n";
    let expected = vec![json!({"user_id": 17, "clicks": 3}), json!({"user_id": 5, "clicks": 1})];
    for batch in [1, 2, 100] {
        let ran = run(&FILES, TOPIC, lines, batch);
        assert!(ran.late.is_empty(), "no click is late");
        assert_eq!(ran.dead.len(), 1, "one is no click");
        assert_rows(&ran, "user_click_aggregation", "user_id", expected.clone());
    }
    // Batches of one: every click gives its user's row so far.
    let so_far = |row: &crate::lines::Row| (row["user_id"].as_i64(), row["clicks"].as_i64());
    let rows: Vec<_> = run(&FILES, TOPIC, lines, 1).rows.iter().map(so_far).collect();
    assert_eq!(rows, [(17, 1), (5, 1), (17, 2), (17, 3)].map(|(user, clicks)| (Some(user), Some(clicks))));
}

#[test]
fn generated_clicks_equal_a_naive_count() {
    let mut random = StdRng::seed_from_u64(2);
    let mut clicks: BTreeMap<u32, u32> = BTreeMap::new();
    let mut line = |_| {
        let user = random.random_range(0..100);
        *clicks.entry(user).or_default() += 1;
        let at: f64 = random.random_range(1.6e9..1.7e9);
        format!("User {user} clicked on /page{} at {at:.3}\n", random.random_range(0..10))
    };
    let lines: String = (0..2000).map(&mut line).collect();
    let expected: Vec<_> =
        clicks.iter().map(|(user, clicks)| json!({"user_id": user, "clicks": clicks})).collect();
    for batch in [1, 100, usize::MAX] {
        let ran = run(&FILES, TOPIC, &lines, batch);
        assert!(ran.late.is_empty() && ran.dead.is_empty());
        assert_rows(&ran, "user_click_aggregation", "user_id", expected.clone());
    }
}
