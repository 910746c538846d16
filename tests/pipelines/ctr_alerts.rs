//! `sql/ctr_alerts.sql`, over the rates of `sql/ctr.sql`.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    naive::{Windows, share},
    rows::{MINUTE, SECOND, T0, last, lines, run_topics},
};
use crate::lines::Ran;

const FILES: [&str; 2] = ["ctr.sql", "ctr_alerts.sql"];
const WINDOW: i64 = 10 * SECOND;

/// Impressions and clicks, with their times, in the order in which they are sent.
#[derive(Default)]
struct Traffic {
    impressions: Vec<(i64, String)>,
    clicks: Vec<(i64, String)>,
}

impl Traffic {
    /// So many impressions and clicks of a product in the window of that number.
    fn add(&mut self, product: &str, window: i64, impressions: i64, clicks: i64) {
        let at = |n: i64, of: i64| T0 + window * WINDOW + n * WINDOW / of;
        self.impressions.extend((0..impressions).map(|n| (at(n, impressions), product.to_owned())));
        self.clicks.extend((0..clicks).map(|n| (at(n, clicks), product.to_owned())));
    }

    fn in_order(mut self) -> Self {
        self.impressions.sort();
        self.clicks.sort();
        self
    }

    fn run(&self, batch: usize) -> Ran {
        let topic = |kind: &str, events: &[(i64, String)]| -> String {
            let event = |(at, product): &(i64, String)| {
                json!({"user_id": "user_1", "product_id": product, "timestamp": at, "event_type": kind,
                       "session_id": "session_1"})
            };
            lines(&events.iter().map(event).collect::<Vec<_>>())
        };
        let (impressions, clicks) = (topic("view", &self.impressions), topic("click", &self.clicks));
        let ran = run_topics(&FILES, &[("impressions", &impressions), ("clicks", &clicks)], batch);
        assert!(ran.dead.is_empty());
        ran
    }
}

fn close(found: &Value, expected: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() < 1e-4)
}

/// Three products of a rate of a tenth: one whose clicks stop, one whose clicks soar, and one that is
/// shown too little to say anything.
fn rising_and_falling() -> Traffic {
    let mut traffic = Traffic::default();
    for product in ["falls", "rises", "rare"] {
        traffic.add(product, 0, 200, 20);
        traffic.add(product, 1, 100, 10);
    }
    traffic.add("falls", 2, 100, 0);
    traffic.add("falls", 3, 100, 0);
    traffic.add("rises", 2, 100, 60);
    traffic.add("rare", 2, 49, 0);
    traffic.in_order()
}

#[test]
fn a_rate_that_falls_and_one_that_rises_are_told_once() {
    for batch in [1, 50, usize::MAX] {
        let ran = rising_and_falling().run(batch);
        assert!(ran.late.is_empty());
        let trend = last(&ran, "ctr_trend", "product_id");
        let row = |product: &str, window: i64| {
            let start = T0 + window * WINDOW;
            trend.iter().find(|row| row["product_id"] == product && row["window_start"] == start).unwrap()
        };
        assert_eq!(row("falls", 0)["z"], Value::Null, "nothing to compare the first with");
        assert_eq!(row("falls", 0)["previous_ctr"], Value::Null);
        assert!(close(&row("falls", 1)["z"], 0.0));
        // 200 impressions count for 180 now, and of 28 clicks in 280 impressions a tenth is expected. In both together it
        // is 28 of 380, whose standard error is sqrt(0.07368 * 0.92632 * (1 / 100 + 1 / 280)) = 0.03043.
        let fallen = row("falls", 2);
        assert_eq!((&fallen["previous_ctr"], &fallen["before"]), (&json!(0.1), &json!(280.0)));
        assert!(close(&fallen["expected_ctr"], 0.1) && close(&fallen["standard_error"], 0.030_435));
        assert!(close(&fallen["z"], -3.28563), "{fallen}");

        let alerts = last(&ran, "ctr_alerts", "product_id");
        let told: Vec<_> = alerts
            .iter()
            .map(|alert| (alert["rule"].as_str(), alert["product_id"].as_str(), alert["severity"].as_str()))
            .collect();
        let expected = [("ctr_fell", "falls", "MEDIUM"), ("ctr_rose", "rises", "CRITICAL")];
        assert_eq!(told, expected.map(|(a, b, c)| (Some(a), Some(b), Some(c))), "batches of {batch}");
        let (fell, rose) = (&alerts[0], &alerts[1]);
        assert_eq!((&fell["metric_name"], &fell["metric_value"]), (&json!("ctr"), &json!(0.0)));
        assert!(close(&fell["threshold"], 0.1 - 3.0 * 0.030_435), "{fell}");
        assert!(close(&rose["threshold"], 0.1 + 3.0 * 0.049_143), "{rose}");
        assert_eq!(fell["detected_at"], T0 + 3 * WINDOW);
        let details =
            "click-through rate fell to 0.0 (0 clicks, 100 impressions) where 0.1 was expected, z -3.3";
        assert_eq!(fell["details"], details);
    }
}

/// A late click changes its window's rate and what is expected behind it; it does not make the window its own
/// predecessor.
#[test]
fn a_late_click_leaves_the_previous_window_where_it_was() {
    let mut traffic = Traffic::default();
    traffic.add("p", 0, 100, 10);
    traffic.add("p", 1, 100, 20);
    traffic.add("p", 2, 100, 30);
    let mut traffic = traffic.in_order();
    let middle = T0 + WINDOW + 5 * SECOND;
    // The watermark stands 2 s behind: the window in the middle was given, and waits 5 s for such as this.
    let end = T0 + 2 * WINDOW + 4 * SECOND;
    traffic.impressions.retain(|(at, _)| *at < end);
    traffic.clicks.retain(|(at, _)| *at < end);
    traffic.clicks.push((middle, "p".into()));
    traffic.clicks.push((T0 + 3 * WINDOW, "p".into()));
    traffic.impressions.push((T0 + 3 * WINDOW, "p".into()));
    let ran = traffic.run(1);
    let of_middle =
        ran.rows.iter().filter(|row| row["view"] == "ctr_trend" && row["window_start"] == T0 + WINDOW);
    let told: Vec<_> = of_middle.map(|row| (row["ctr"].as_f64(), row["previous_ctr"].as_f64())).collect();
    assert_eq!(told, [(Some(0.2), Some(0.1)), (Some(0.21), Some(0.1))]);
    let third = last(&ran, "ctr_trend", "product_id").remove(2);
    assert_eq!(third["previous_ctr"], 0.21);
}

/// A product's windows as the view has them, by plain arithmetic.
#[derive(Default)]
struct Expectation {
    impressions: f64,
    clicks: f64,
    alerted: Option<i64>,
}

impl Expectation {
    /// z, and whether it is an alert.
    #[expect(clippy::cast_precision_loss, reason = "as the view has it")]
    fn next(&mut self, end: i64, impressions: usize, clicks: usize) -> (Option<f64>, bool) {
        let (n, k) = (impressions as f64, clicks as f64);
        let pooled = (k + self.clicks) / (n + self.impressions);
        let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / self.impressions)).sqrt();
        let z = (share(clicks, impressions) - self.clicks / self.impressions) / error;
        let before = self.impressions;
        self.impressions = n + 0.9 * self.impressions;
        self.clicks = k + 0.9 * self.clicks;
        let z = z.is_finite().then_some(z);
        let is_far = impressions >= 50 && before >= 200.0 && z.is_some_and(|z| z.abs() >= 3.0);
        let is_alert = is_far && self.alerted.is_none_or(|last| end - last >= 5 * MINUTE);
        if is_alert {
            self.alerted = Some(end);
        }
        (z, is_alert)
    }
}

/// Five products for fifteen minutes, whose rates change every two.
fn generated() -> Traffic {
    let mut random = StdRng::seed_from_u64(3);
    let mut traffic = Traffic::default();
    for product in 0..5 {
        let mut rate = 0.1;
        for window in 0..90 {
            if window % 12 == 0 {
                rate = random.random_range(0.01..0.3);
            }
            let impressions = random.random_range(20..120);
            let clicks = (0..impressions).filter(|_| random.random_bool(rate)).count();
            traffic.add(&format!("product_{product}"), window, impressions, clicks.try_into().unwrap());
        }
    }
    let mut traffic = traffic.in_order();
    for events in [&mut traffic.impressions, &mut traffic.clicks] {
        // Up to 2 s out of order, which is no longer than the watermark waits.
        let mut sent: Vec<_> =
            events.drain(..).map(|event| (event.0 + random.random_range(0..2000), event)).collect();
        sent.sort();
        events.extend(sent.into_iter().map(|(_, event)| event));
    }
    traffic
}

#[test]
fn generated_rates_equal_plain_arithmetic() {
    let traffic = generated();
    let windows = Windows { size: WINDOW, slide: WINDOW, delay: 2 * SECOND, lateness: 5 * SECOND };
    let of = |events: &[(i64, String)]| -> BTreeMap<(i64, String), usize> {
        let groups = windows.group(events, |_, product| Some(product.clone()));
        groups.into_iter().map(|(key, group)| (key, group.len())).collect()
    };
    let (impressions, clicks) = (of(&traffic.impressions), of(&traffic.clicks));
    let mut products: BTreeMap<String, Expectation> = BTreeMap::new();
    let (mut trend, mut alerts) = (Vec::new(), Vec::new());
    for ((start, product), shown) in impressions {
        let end = start + WINDOW;
        let clicked = clicks.get(&(start, product.clone())).copied().unwrap_or_default();
        let (z, is_alert) = products.entry(product.clone()).or_default().next(end, shown, clicked);
        if is_alert {
            alerts.push((end, product.clone()));
        }
        trend.push((end, product, z));
    }
    assert!(alerts.len() > 8, "{alerts:?}");
    for batch in [100, usize::MAX] {
        let ran = traffic.run(batch);
        assert!(ran.late.is_empty());
        let identity = |row: &Value| {
            (row["window_end"].as_i64().unwrap(), row["product_id"].as_str().unwrap().to_owned())
        };
        let found = last(&ran, "ctr_trend", "product_id");
        assert_eq!(found.len(), trend.len());
        for (row, (end, product, z)) in found.iter().zip(&trend) {
            assert_eq!(identity(row), (*end, product.clone()));
            assert!(z.map_or(row["z"].is_null(), |z| close(&row["z"], z)), "{row} instead of {z:?}");
        }
        let told: Vec<_> = last(&ran, "ctr_alerts", "product_id").iter().map(identity).collect();
        assert_eq!(told, alerts, "batches of {batch}");
    }
}
