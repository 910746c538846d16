//! The past of a view and the best of its present: pages, filters, orders, on a real engine.

use std::sync::Arc;

use axum::{
    Router,
    body::to_bytes,
    http::{StatusCode, header},
};
use insta::assert_snapshot;
use serde_json::Value as Json;
use tower::ServiceExt;
use weir::{api::serve_router, engine::Reader};

use crate::{
    fixture::{answer, request},
    world::World,
};

/// Counts a page and country in ten seconds; the second window of `/b` in `se` is closed twice.
const SQL: &str = "
  CREATE TABLE clicks (page TEXT, country TEXT, price BIGINT, ts TIMESTAMP NOT NULL);
  CREATE VIEW views WITH (allowed_lateness = '1 hour') AS
  SELECT page, country, count(*) AS views, sum(price) AS paid
  FROM clicks GROUP BY page, country, TUMBLE(ts, INTERVAL '10' SECOND);
  CREATE VIEW pages AS SELECT page, count(*) AS views FROM clicks GROUP BY page, TUMBLE(ts, INTERVAL '10' SECOND);
  CREATE VIEW totals AS SELECT count(*) AS views FROM clicks GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);";

const EVENTS: [&str; 9] = [
    r#"{"page":"/b","country":"se","ts":1000000}"#,
    r#"{"page":"/a","country":"se","price":3,"ts":1001000}"#,
    r#"{"page":"/a","country":"de","ts":1002000}"#,
    r#"{"page":"/b","country":"se","price":5,"ts":1010000}"#,
    r#"{"page":"/b","country":"se","price":5,"ts":1015000}"#,
    r#"{"page":"x,y","country":"de","ts":1999000}"#,
    r#"{"page":"/a","country":"se","ts":2000000}"#,
    r#"{"page":"/b","country":"se","price":1,"ts":1016000}"#,
    r#"{"page":"/z","country":"se","ts":3000000}"#,
];

fn api_of(events: &[&str]) -> Router {
    let world = std::thread::scope(|scope| {
        let absorb = || {
            let world = World::new(SQL);
            world.broker.set("clicks", 0, 0, 1_000_000);
            let (first, last) = events.split_at(events.len() - 2);
            world.absorb("clicks", 0, 0, first);
            world.absorb("clicks", 0, i64::try_from(first.len()).unwrap(), last);
            world
        };
        // The engine of the test's world has a runtime of its own.
        scope.spawn(absorb).join().unwrap()
    });
    serve_router(Arc::new(Reader::new(world.catalog.clone(), world.store.clone())))
}

fn api() -> Router {
    api_of(&EVENTS)
}

async fn get(path: &str) -> String {
    answer(&api(), request("GET", path)).await
}

/// The rows of an answer, each as the named columns; and the query of the next page.
async fn rows_of(api: &Router, path: &str, columns: &[&str]) -> (Vec<String>, Option<String>) {
    let response = api.clone().oneshot(request("GET", path)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let next = response.headers().get(header::LINK).map(|link| {
        let link = link.to_str().unwrap();
        link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
    });
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let rows: Vec<Json> = serde_json::from_slice(&body).unwrap();
    let shown = |row: &Json| columns.iter().map(|name| row[name].to_string()).collect::<Vec<_>>().join(" ");
    (rows.iter().map(shown).collect(), next)
}

async fn rows(path: &str) -> Vec<String> {
    rows_of(&api(), path, &["window_end", "page", "country", "views"]).await.0
}

/// All pages of a query, one after the other.
async fn pages(api: &Router, path: &str, query: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = Some(format!("?{query}"));
    while let Some(query) = next {
        let (page, link) = rows_of(api, &format!("{path}{query}"), columns).await;
        pages.push(page);
        next = link;
        assert!(pages.len() < 10_000, "the pages have no end");
    }
    pages
}

const ALL: [&str; 6] = [
    r#"1010000 "/a" "de" 1"#,
    r#"1010000 "/a" "se" 1"#,
    r#"1010000 "/b" "se" 1"#,
    r#"1020000 "/b" "se" 3"#,
    r#"2000000 "x,y" "de" 1"#,
    r#"2010000 "/a" "se" 1"#,
];

#[tokio::test]
async fn the_past_is_told_by_window_and_key_in_its_newest_revision() {
    assert_snapshot!(get("/views/windows?from=1010000&to=1020000").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    [{"view":"views","page":"/b","country":"se","views":3,"paid":11,"window_start":1010000,"window_end":1020000,"revision":1,"final":false}]
    "#);
    assert_eq!(rows("/views/windows").await, ALL);
}

#[tokio::test]
async fn windows_end_behind_from_and_not_behind_to() {
    for (query, expected) in [
        ("from=1010000", &ALL[3..]),
        ("from=1009999", &ALL[..]),
        ("to=1020000", &ALL[..4]),
        ("to=1019999", &ALL[..3]),
        ("from=1010000&to=1020000", &ALL[3..4]),
        ("from=1010000&to=1010000", &[]),
        ("from=1970-01-01T00:17:00Z&to=1970-01-01T00:33:20", &ALL[4..5]),
        ("from=9223372036854775807", &[]),
        ("to=-9223372036854775808", &[]),
    ] {
        assert_eq!(rows(&format!("/views/windows?{query}")).await, expected, "{query}");
    }
}

#[tokio::test]
async fn the_past_of_one_key() {
    assert_eq!(rows("/views/windows?key=/a,se").await, [ALL[1], ALL[5]]);
    assert_eq!(rows("/views/windows?key.page=x,y&key.country=de").await, [ALL[4]]);
    assert_eq!(rows("/views/windows?key=/b,se&from=1010000").await, [ALL[3]]);
    assert!(rows("/views/windows?key=/nope,se").await.is_empty());
    assert_eq!(rows("/pages/windows?key=x,y").await, [r#"2000000 "x,y" null 1"#]);
    assert_eq!(rows("/totals/windows").await.len(), 4);
}

#[tokio::test]
async fn the_past_comes_in_pages() {
    let api = api();
    let columns = ["window_end", "page", "country", "views"];
    for limit in 1..=7 {
        let pages = pages(&api, "/views/windows", &format!("limit={limit}"), &columns).await;
        assert_eq!(pages.concat(), ALL, "in pages of {limit}");
        assert!(pages.iter().all(|page| page.len() <= limit));
    }
    let some = pages(&api, "/views/windows", "from=1009999&to=2000000&limit=2", &columns).await;
    assert_eq!(some.concat(), ALL[..5]);
    let (_, next) = rows_of(&api, "/views/windows?limit=2&from=5", &columns).await;
    assert!(next.unwrap().starts_with("?limit=2&from=5&cursor="));
}

/// More windows than one page reads the items of: it ends early, and the next goes on.
#[tokio::test]
async fn a_page_reads_so_much_and_no_more() {
    let event =
        |n: i64| format!(r#"{{"page":"p{}","country":"se","ts":{}}}"#, n % 700, 1_000_000 + n * 10_000);
    let events: Vec<String> = (0..720).map(event).collect();
    let api = api_of(&events.iter().map(String::as_str).collect::<Vec<_>>());
    let pages = pages(&api, "/views/windows", "key=p650,se&limit=5", &["window_end"]).await;
    assert_eq!(pages, [vec![], vec!["7510000".to_owned()]]);
    let all = self::pages(&api, "/views/windows", "limit=100", &["window_end"]).await;
    assert_eq!(all.len(), 8);
    let ends: Vec<i64> = all.concat().iter().map(|end| end.parse().unwrap()).collect();
    assert_eq!(ends, (0..719).map(|n| 1_010_000 + n * 10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_best_come_first() {
    let best = async |query: &str| {
        let columns = ["page", "country", "views", "paid"];
        rows_of(&api(), &format!("/views/latest?{query}"), &columns).await.0
    };
    let (ad, as_, bs, xd) =
        (r#""/a" "de" 1 null"#, r#""/a" "se" 1 null"#, r#""/b" "se" 3 11"#, r#""x,y" "de" 1 null"#);
    assert_eq!(best("").await, [ad, as_, bs, xd]);
    assert_eq!(best("order=-views&limit=1").await, [bs]);
    assert_eq!(best("order=-views&limit=2").await, [bs, ad]);
    assert_eq!(best("order=views").await, [ad, as_, xd, bs]);
    assert_eq!(best("order=-country,-page").await, [bs, as_, xd, ad]);
    assert_eq!(best("order=-paid").await[0], bs, "NULL is last...");
    assert_eq!(best("order=paid").await[0], bs, "...in either order");
    assert_eq!(best("order=-window_end&limit=1").await, [as_]);
}

#[tokio::test]
async fn filters_choose_rows() {
    let some = async |query: &str| {
        rows_of(&api(), &format!("/views/latest?{query}"), &["page", "country"]).await.0.join(", ")
    };
    let (ad, as_, bs, xd) = (r#""/a" "de""#, r#""/a" "se""#, r#""/b" "se""#, r#""x,y" "de""#);
    for (query, expected) in [
        ("page=/a", vec![ad, as_]),
        ("page.eq=%2Fa&country=se", vec![as_]),
        ("page.ne=/a", vec![bs, xd]),
        ("views.gte=3", vec![bs]),
        ("views.gt=3", vec![]),
        ("views.lt=3", vec![ad, as_, xd]),
        ("views.lte=3&views.gte=2", vec![bs]),
        ("page.in=/a,/b&country=se", vec![as_, bs]),
        ("paid.null=true", vec![ad, as_, xd]),
        ("paid.null=false", vec![bs]),
        ("paid.ne=11", vec![]),
        ("window_end.gte=1970-01-01T00:33:20Z", vec![as_, xd]),
        ("revision=1", vec![bs]),
    ] {
        assert_eq!(some(query).await, expected.join(", "), "{query}");
    }
    let previous = rows_of(&api(), "/views/previous?views=1&order=-page", &["page", "window_end"]).await.0;
    assert_eq!(previous, [r#""/b" 1010000"#, r#""/a" 1010000"#]);
}

#[tokio::test]
async fn the_present_comes_in_pages_too() {
    let api = api();
    for query in ["", "order=-views&", "order=paid,-country&", "views.lt=3&order=-page&"] {
        let whole = rows_of(&api, &format!("/views/latest?{query}"), &["page", "country"]).await.0;
        for limit in 1..=5 {
            let pages =
                pages(&api, "/views/latest", &format!("{query}limit={limit}"), &["page", "country"]).await;
            assert_eq!(pages.concat(), whole, "{query} in pages of {limit}");
            assert_eq!(pages.len(), whole.len().div_ceil(limit), "{query} in pages of {limit}");
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_none_says_what_was_expected() {
    let api = api();
    let (_, next) = rows_of(&api, "/views/latest?order=-views&limit=1", &[]).await;
    let cursor = next.unwrap().split_once("cursor=").unwrap().1.to_owned();
    let of_another_order = format!("/views/latest?order=views&limit=1&cursor={cursor}");
    let of_another_path = format!("/views/previous?order=-views&limit=1&cursor={cursor}");
    let stale =
        "cursor: expected one from the Link header of an answer to this very query; only limit may differ";
    for (path, detail) in [
        ("/views/latest?limit=0", r#"limit: found "0"; expected a whole number from 1 to 10000"#),
        ("/views/windows?limit=10001", r#"limit: found "10001"; expected a whole number from 1 to 10000"#),
        ("/views/latest?limit=1&limit=2", "limit is given twice"),
        ("/views/latest?cursor=AAAA", "cursor: expected limit beside it"),
        ("/views/windows?cursor=AAAA", stale),
        ("/views/windows?cursor=%25", stale),
        (&of_another_order, stale),
        (&of_another_path, stale),
        (
            "/views/windows?from=yesterday",
            r#"from: found "yesterday"; expected epoch milliseconds or ISO 8601, such as 2026-01-31T12:00:00Z"#,
        ),
        (
            "/views/windows?from=2000&to=1000",
            "from (1970-01-01T00:00:02.000Z) is later than to (1970-01-01T00:00:01.000Z)",
        ),
        (
            "/views/windows?key=/a",
            "key: found 1 parts; expected 2: view views has the key columns (page, country)",
        ),
        (
            "/views/windows?key.page=/a",
            "key: found 1 parts; expected 2: view views has the key columns (page, country)",
        ),
        ("/totals/windows?key=a", "key: found 1 parts; expected 0: view totals has the key columns ()"),
        (
            "/views/windows?order=views",
            r#"unknown parameter "order"; expected from, to, key, limit or cursor"#,
        ),
        (
            "/views/latest?order=-clicks",
            r#"unknown column in order: "clicks"; expected one of page, country, views, paid, window_start, window_end, revision"#,
        ),
        (
            "/views/latest?clicks.gte=1",
            r#"unknown parameter "clicks.gte"; expected limit, order, cursor or a column: page, country, views, paid, window_start, window_end, revision"#,
        ),
        (
            "/views/latest?views.above=1",
            r#"views.above: unknown operator "above"; expected one of eq, ne, lt, lte, gt, gte, in, null"#,
        ),
        ("/views/latest?views.gte=ten", r#"views.gte: found "ten"; expected BIGINT"#),
        ("/views/latest?paid.null=1", r#"paid.null: found "1"; expected true or false"#),
        ("/views/latest?page=%FF", r#""%FF" is not UTF-8 once decoded"#),
    ] {
        let text = answer(&api, request("GET", path)).await;
        let (head, body) = text.rsplit_once('\n').unwrap();
        assert!(head.starts_with("400\ncontent-type: application/problem+json"), "{path}: {text}");
        let problem: Json = serde_json::from_str(body).unwrap();
        assert_eq!(problem["detail"], *detail, "{path}");
        assert_eq!(problem["type"], "urn:weir:problem:malformed-query");
    }
}
