//! Matches by definition: all ways to read a pattern, in the order of what it prefers, over all events of a key.

use serde_json::{Value as Json, json};

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) k: i64,
    pub(crate) x: i64,
    pub(crate) ts: i64,
}

impl Event {
    pub(crate) fn json(&self) -> String {
        json!({"k": self.k, "x": self.x, "ts": self.ts}).to_string()
    }
}

/// A pattern over variables of one letter.
pub(crate) enum Pattern {
    One(char),
    Sequence(&'static [Pattern]),
    Either(&'static [Pattern]),
    /// What, how often at least and at most, whether greedy.
    Times(&'static Pattern, usize, usize, bool),
}

use Pattern::{Either, One, Sequence, Times};

/// A view's pattern, as SQL and as it is meant.
pub(crate) struct Rule {
    pub(crate) sql: &'static str,
    pattern: Pattern,
    pub(crate) within: i64,
    is_past_last: bool,
    /// Whether an event may be of a variable, given those before it and itself with theirs.
    holds: fn(&[(char, i64)]) -> bool,
    /// WHERE, of the sum.
    least: i64,
}

const MANY: usize = usize::MAX;

pub(crate) const RULES: [Rule; 5] = [
    Rule {
        sql: "AFTER MATCH SKIP PAST LAST ROW PATTERN (a b+ c) WITHIN INTERVAL '10' SECOND
              DEFINE a AS x = 0, b AS b.x IN (1, 2), c AS x = 3",
        pattern: Sequence(&[One('a'), Times(&One('b'), 1, MANY, true), One('c')]),
        within: 10_000,
        is_past_last: true,
        holds: |path| match last(path) {
            ('a', x) => x == 0,
            ('b', x) => x == 1 || x == 2,
            (_, x) => x == 3,
        },
        least: i64::MIN,
    },
    Rule {
        sql: "AFTER MATCH SKIP TO NEXT ROW PATTERN (a b* c?) WITHIN INTERVAL '4' SECOND
              DEFINE a AS x < 4, b AS x < 3, c AS x >= 2",
        pattern: Sequence(&[One('a'), Times(&One('b'), 0, MANY, true), Times(&One('c'), 0, 1, true)]),
        within: 4000,
        is_past_last: false,
        holds: |path| match last(path) {
            ('a', x) => x < 4,
            ('b', x) => x < 3,
            (_, x) => x >= 2,
        },
        least: i64::MIN,
    },
    Rule {
        sql: "PATTERN (a b{2,3}) WITHIN INTERVAL '8' SECOND DEFINE b AS x > LAST(x, 1)",
        pattern: Sequence(&[One('a'), Times(&One('b'), 2, 3, true)]),
        within: 8000,
        is_past_last: true,
        holds: |path| path.len() < 2 || path[path.len() - 1].1 > path[path.len() - 2].1,
        least: i64::MIN,
    },
    Rule {
        sql: "PATTERN (a (b | c){1,} (a b)?? d) WITHIN INTERVAL '5' SECOND
              DEFINE a AS x > 0, b AS x = 1 OR x = 4, c AS x > a.x, d AS x < LAST(c.x) OR LAST(b.x, 1) = 1",
        pattern: Sequence(&[
            One('a'),
            Times(&Either(&[One('b'), One('c')]), 1, MANY, true),
            Times(&Sequence(&[One('a'), One('b')]), 0, 1, false),
            One('d'),
        ]),
        within: 5000,
        is_past_last: true,
        holds: |path| match last(path) {
            ('a', x) => x > 0,
            ('b', x) => x == 1 || x == 4,
            ('c', x) => of(path, 'a', 0).is_some_and(|a| x > a),
            (_, x) => of(path, 'c', 0).is_some_and(|c| x < c) || of(path, 'b', 1) == Some(1),
        },
        least: i64::MIN,
    },
    Rule {
        sql: "AFTER MATCH SKIP TO NEXT ROW PATTERN (a+? b) WITHIN INTERVAL '6' SECOND DEFINE b AS x > FIRST(a.x) AND x > 2",
        pattern: Sequence(&[Times(&One('a'), 1, MANY, false), One('b')]),
        within: 6000,
        is_past_last: false,
        holds: |path| match last(path) {
            ('a', _) => true,
            (_, x) => x > path[0].1 && x > 2,
        },
        least: 6,
    },
];

fn last(path: &[(char, i64)]) -> (char, i64) {
    path[path.len() - 1]
}

/// `LAST(variable.x, away)`.
fn of(path: &[(char, i64)], variable: char, away: usize) -> Option<i64> {
    path.iter().rev().filter(|(known, _)| *known == variable).nth(away).map(|(_, x)| *x)
}

pub(crate) fn sql() -> String {
    let table = "CREATE TABLE events (k BIGINT NOT NULL, x BIGINT NOT NULL, ts TIMESTAMP NOT NULL)
                 WITH (key = 'k', watermark_delay = '1 second');";
    let view = |(number, rule): (usize, &Rule)| {
        let filter =
            if rule.least > i64::MIN { format!("WHERE total >= {}", rule.least) } else { String::new() };
        format!(
            "CREATE VIEW rule{number} WITH (topic = 'rows{number}') AS
             SELECT * FROM (SELECT * FROM events WHERE x <> 6) MATCH_RECOGNIZE (
               PARTITION BY k ORDER BY ts
               MEASURES count(*) AS n, sum(x) AS total, FIRST(x) AS first, LAST(x) AS last, a.x AS a, count(b.*) AS bs,
                        min(b.x) AS least_b, FIRST(b.x, 1) AS second_b
               {}) {filter};",
            rule.sql
        )
    };
    RULES.iter().enumerate().fold(table.to_owned(), |sql, rule| sql + view(rule).as_str())
}

/// All ways to read a pattern from an event on, the preferred first: paths that end where it ends.
fn paths(rule: &Rule, pattern: &Pattern, events: &[Event], path: &[(char, i64)]) -> Vec<Vec<(char, i64)>> {
    match pattern {
        One(variable) => {
            let Some(event) = events.get(path.len()) else { return Vec::new() };
            let longer: Vec<_> = path.iter().copied().chain([(*variable, event.x)]).collect();
            let fits = event.ts - events[0].ts < rule.within && (rule.holds)(&longer);
            if fits { vec![longer] } else { Vec::new() }
        }
        Sequence([]) | Times(_, _, 0, _) => vec![path.to_vec()],
        Sequence([first, rest @ ..]) => {
            let firsts = paths(rule, first, events, path);
            firsts.iter().flat_map(|path| paths(rule, &Sequence(rest), events, path)).collect()
        }
        Either(all) => all.iter().flat_map(|one| paths(rule, one, events, path)).collect(),
        Times(one, least, most, is_greedy) => {
            let most = if *most == MANY { MANY } else { most - 1 };
            let again = || {
                let once = paths(rule, one, events, path);
                let rest = Times(one, least.saturating_sub(1), most, *is_greedy);
                once.iter().flat_map(|path| paths(rule, &rest, events, path)).collect::<Vec<_>>()
            };
            match (least, is_greedy) {
                (1.., _) => again(),
                (0, true) => again().into_iter().chain([path.to_vec()]).collect(),
                (0, false) => [path.to_vec()].into_iter().chain(again()).collect(),
            }
        }
    }
}

/// The rows of matches over the events of a key, each with the position of its first event.
pub(crate) fn rows(rule: &Rule, events: &[Event]) -> Vec<(usize, Json)> {
    let (mut first, mut rows) = (0, Vec::new());
    while first < events.len() {
        let rest = &events[first..];
        let Some(path) = paths(rule, &rule.pattern, rest, &[]).into_iter().next() else {
            first += 1;
            continue;
        };
        let number = RULES.iter().position(|known| known.sql == rule.sql).unwrap();
        let bs: Vec<i64> = path.iter().filter(|(variable, _)| *variable == 'b').map(|(_, x)| *x).collect();
        let total: i64 = path.iter().map(|(_, x)| x).sum();
        let row = json!({
            "view": format!("rule{number}"), "k": rest[0].k, "n": path.len(), "total": total, "first": path[0].1,
            "last": last(&path).1, "a": of(&path, 'a', 0), "bs": bs.len(), "least_b": bs.iter().min(), "second_b": bs.get(1),
            "window_start": rest[0].ts, "window_end": rest[path.len() - 1].ts + 1, "revision": 0,
        });
        if total >= rule.least {
            rows.push((first, row));
        }
        first += if rule.is_past_last { path.len() } else { 1 };
    }
    rows
}
