//! A view over several topics of several partitions: the click-through rate of `sql/ctr.sql` equals a
//! naive count, whatever the partitions and however far the topics' files are apart.

mod support {
    pub(crate) mod catalog;
    pub(crate) mod lines;
}

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::{catalog::catalog, lines::run_lines};

/// Impressions and clicks, each topic in order but for two seconds.
fn events(seed: u64) -> [Vec<(i64, u8)>; 2] {
    let mut random = StdRng::seed_from_u64(seed);
    let mut topic = |step: i64| {
        let mut clock = 1_700_000_000_000;
        let mut event = || {
            clock += random.random_range(0..step);
            (clock - random.random_range(0..2000), random.random_range(0..20))
        };
        (0..2000).map(|_| event()).collect()
    };
    // The second covers five times the time of the first.
    [topic(200), topic(1000)]
}

fn lines(kind: &str, events: &[(i64, u8)]) -> Vec<u8> {
    let line = |(n, (ts, product)): (usize, &(i64, u8))| {
        format!(
            "{{\"event_id\":\"{kind}{n}\",\"product_id\":\"p{product}\",\"user_id\":\"u\",\"session_id\":null,\
             \"event_type\":\"{kind}\",\"ts\":{ts}}}\n"
        )
    };
    events.iter().enumerate().map(line).collect::<String>().into_bytes()
}

/// (product, window start) -> (impressions, clicks).
type Counts = BTreeMap<(String, i64), (i64, i64)>;

fn naive([impressions, clicks]: &[Vec<(i64, u8)>; 2]) -> Counts {
    let mut counts = Counts::new();
    let window = |(ts, product): &(i64, u8)| (format!("p{product}"), ts - ts.rem_euclid(10_000));
    impressions.iter().for_each(|event| counts.entry(window(event)).or_default().0 += 1);
    clicks.iter().for_each(|event| counts.entry(window(event)).or_default().1 += 1);
    counts
}

#[test]
fn the_rate_over_two_topics_equals_a_naive_count() {
    let sql = std::fs::read_to_string("sql/ctr.sql").unwrap();
    for (seed, partitions, batch) in [(1, 1, 1), (2, 3, 7), (3, 3, 500), (4, 8, usize::MAX)] {
        let events = events(seed);
        let inputs =
            [("impressions", lines("impression", &events[0])), ("clicks", lines("click", &events[1]))];
        let ran = run_lines(catalog(&sql), &inputs, batch, partitions);
        assert!(ran.late.is_empty() && ran.dead.is_empty());
        let mut counts = Counts::new();
        for row in &ran.rows {
            let number = |name: &str| row[name].as_i64().unwrap();
            let (impressions, clicks) = (number("impressions"), number("clicks"));
            #[expect(clippy::cast_precision_loss, reason = "as the view has it")]
            let ctr = if impressions == 0 { 0.0 } else { clicks as f64 / impressions as f64 };
            assert_eq!(row["ctr"].as_f64(), Some(ctr), "{row:?}");
            let identity = (row["product_id"].as_str().unwrap().to_owned(), number("window_start"));
            let twice = counts.insert(identity, (impressions, clicks));
            assert_eq!(twice, None, "nothing is late, so a row comes once: {row:?}");
        }
        assert_eq!(counts, naive(&events), "{partitions} partitions in batches of {batch}");
    }
}
