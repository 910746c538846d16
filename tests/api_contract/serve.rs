//! The routes for readers.

use std::io::Read;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use insta::assert_snapshot;
use tower::ServiceExt;
use weir::api::serve_router;

use crate::fixture::{MemoryViews, Store, answer, request};

fn router(store: Store) -> Router {
    serve_router(MemoryViews::new(store))
}

async fn get(path: &str) -> String {
    answer(&router(Store::Answers), request("GET", path)).await
}

#[tokio::test]
async fn latest_has_every_key_and_says_what_is_final() {
    assert_snapshot!(get("/ctr/latest").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    [{"view":"ctr","product_id":"latest","impressions":9,"ctr":0.125,"window_start":0,"window_end":10000,"revision":0,"final":true},{"view":"ctr","product_id":"p/2 ü","impressions":4,"ctr":0.25,"window_start":0,"window_end":10000,"revision":0,"final":true},{"view":"ctr","product_id":"p1","impressions":2,"ctr":0.5,"window_start":10000,"window_end":20000,"revision":1,"final":false}]
    "#);
}

#[tokio::test]
async fn previous_has_the_windows_before() {
    assert_snapshot!(get("/ctr/previous").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    [{"view":"ctr","product_id":"p1","impressions":1,"ctr":0.0,"window_start":0,"window_end":10000,"revision":0,"final":true}]
    "#);
}

#[tokio::test]
async fn no_rows_are_an_empty_array() {
    assert_snapshot!(answer(&router(Store::Empty), request("GET", "/ctr/latest")).await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    []
    "#);
}

#[tokio::test]
async fn a_key_has_its_latest_row_and_the_one_before() {
    assert_snapshot!(get("/ctr/p1").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"latest":{"view":"ctr","product_id":"p1","impressions":2,"ctr":0.5,"window_start":10000,"window_end":20000,"revision":1,"final":false},"previous":{"view":"ctr","product_id":"p1","impressions":1,"ctr":0.0,"window_start":0,"window_end":10000,"revision":0,"final":true}}
    "#);
}

#[tokio::test]
async fn a_key_may_hold_any_character() {
    assert_snapshot!(get("/ctr/p%2F2%20%C3%BC").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"latest":{"view":"ctr","product_id":"p/2 ü","impressions":4,"ctr":0.25,"window_start":0,"window_end":10000,"revision":0,"final":true},"previous":null}
    "#);
}

#[tokio::test]
async fn a_key_named_like_a_route_is_reached_encoded() {
    assert_snapshot!(get("/ctr/%6Catest").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"latest":{"view":"ctr","product_id":"latest","impressions":9,"ctr":0.125,"window_start":0,"window_end":10000,"revision":0,"final":true},"previous":null}
    "#);
}

#[tokio::test]
async fn a_key_of_two_columns_is_two_segments() {
    assert_snapshot!(get("/orders/eu/-3").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"latest":{"view":"orders","region":"eu","shop":-3,"total":0.5,"window_start":10000,"window_end":20000,"revision":0,"final":false},"previous":null}
    "#);
}

#[tokio::test]
async fn a_view_without_keys_stands_at_its_name_and_big_integers_stay_numbers() {
    assert_snapshot!(get("/totals").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"latest":{"view":"totals","events":9007199254740993,"window_start":0,"window_end":10000,"revision":0,"final":true},"previous":null}
    "#);
}

#[tokio::test]
async fn a_view_with_keys_is_described_at_its_name() {
    assert_snapshot!(get("/ctr").await, @r#"
    200
    content-type: application/json
    cache-control: max-age=1
    {"name":"ctr","columns":[{"name":"product_id","type":"TEXT"},{"name":"impressions","type":"BIGINT"},{"name":"ctr","type":"DOUBLE"}],"keys":[{"name":"product_id","type":"TEXT"}],"window":{"kind":"tumble","size_ms":10000},"allowed_lateness_ms":5000,"sources":["impressions"],"topic":"ctr_results","links":{"self":"ctr","latest":"ctr/latest","previous":"ctr/previous","windows":"ctr/windows","key":"ctr/{product_id}"},"closed_through":20000,"partitions":[{"topic":"raw_impressions","partition":0,"next_offset":42,"watermark":20000,"seen_at":30000,"idle":false}]}
    "#);
}

#[tokio::test]
async fn a_view_that_has_absorbed_nothing_says_so() {
    let text = answer(&router(Store::Empty), request("GET", "/ctr")).await;
    assert!(text.ends_with(r#""closed_through":null,"partitions":[]}"#), "{text}");
}

#[tokio::test]
async fn views_lists_all() {
    assert_snapshot!(get("/views").await, @r#"
    200
    content-type: application/json
    cache-control: no-store
    [{"name":"ctr","columns":[{"name":"product_id","type":"TEXT"},{"name":"impressions","type":"BIGINT"},{"name":"ctr","type":"DOUBLE"}],"keys":[{"name":"product_id","type":"TEXT"}],"window":{"kind":"tumble","size_ms":10000},"allowed_lateness_ms":5000,"sources":["impressions"],"topic":"ctr_results","links":{"self":"ctr","latest":"ctr/latest","previous":"ctr/previous","windows":"ctr/windows","key":"ctr/{product_id}"}},{"name":"orders","columns":[{"name":"region","type":"TEXT"},{"name":"shop","type":"BIGINT"},{"name":"total","type":"DOUBLE"}],"keys":[{"name":"region","type":"TEXT"},{"name":"shop","type":"BIGINT"}],"window":{"kind":"tumble","size_ms":10000},"allowed_lateness_ms":5000,"sources":["impressions"],"topic":null,"links":{"self":"orders","latest":"orders/latest","previous":"orders/previous","windows":"orders/windows","key":"orders/{region}/{shop}"}},{"name":"totals","columns":[{"name":"events","type":"BIGINT"}],"keys":[],"window":{"kind":"tumble","size_ms":10000},"allowed_lateness_ms":5000,"sources":["impressions"],"topic":null,"links":{"self":"totals","latest":"totals/latest","previous":"totals/previous","windows":"totals/windows"}}]
    "#);
}

#[tokio::test]
async fn health_is_the_stores() {
    assert_snapshot!(get("/health").await, @r#"
    200
    content-type: application/json
    cache-control: no-store
    {"status":"ok"}
    "#);
    assert_snapshot!(answer(&router(Store::Away), request("GET", "/health")).await, @r#"
    503
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 1
    {"type":"urn:weir:problem:store-unavailable","title":"Store unavailable","status":503,"detail":"the store does not answer","instance":"/health"}
    "#);
}

#[tokio::test]
async fn an_unknown_view_is_answered_with_the_known() {
    assert_snapshot!(get("/nope/latest").await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-view","title":"Unknown view","status":404,"detail":"there is no view \"nope\"","instance":"/nope/latest","views":["ctr","orders","totals"]}
    "#);
}

#[tokio::test]
async fn an_unknown_key_is_not_found() {
    assert_snapshot!(get("/ctr/p9").await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-key","title":"Unknown key","status":404,"detail":"view ctr has no row for /p9 yet","instance":"/ctr/p9"}
    "#);
    assert_snapshot!(answer(&router(Store::Empty), request("GET", "/totals")).await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-key","title":"Unknown key","status":404,"detail":"view totals has no row yet","instance":"/totals"}
    "#);
}

#[tokio::test]
async fn a_key_with_the_wrong_number_of_parts_is_not_found() {
    assert_snapshot!(get("/orders/eu").await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-key","title":"Unknown key","status":404,"detail":"view orders has 2 key columns (region, shop), the path names 1","instance":"/orders/eu"}
    "#);
    assert_snapshot!(get("/totals/eu").await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-key","title":"Unknown key","status":404,"detail":"view totals has no key columns: its row is at /totals","instance":"/totals/eu"}
    "#);
}

#[tokio::test]
async fn a_malformed_key_is_a_bad_request() {
    assert_snapshot!(get("/orders/eu/seventeen").await, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:malformed-key","title":"Malformed key","status":400,"detail":"shop is BIGINT, which \"seventeen\" is not","instance":"/orders/eu/seventeen"}
    "#);
    assert_snapshot!(get("/ctr/%FF").await, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:malformed-key","title":"Malformed key","status":400,"detail":"product_id is not UTF-8 once decoded","instance":"/ctr/%FF"}
    "#);
}

#[tokio::test]
async fn a_parameter_where_there_are_none_is_a_bad_request() {
    assert_snapshot!(get("/ctr/p1?limit=5").await, @r#"
    400
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:malformed-query","title":"Malformed query","status":400,"detail":"unknown parameter \"limit\"; expected none","instance":"/ctr/p1"}
    "#);
    assert!(get("/totals?x").await.starts_with("400"));
    assert!(get("/ctr?x=1").await.starts_with("400"));
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    assert_snapshot!(get("/ctr/").await, @r#"
    404
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:unknown-path","title":"Unknown path","status":404,"detail":"nothing stands at /ctr/","instance":"/ctr/"}
    "#);
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_named_with_those_that_are() {
    assert_snapshot!(answer(&router(Store::Answers), request("DELETE", "/ctr/latest")).await, @r#"
    405
    content-type: application/problem+json
    cache-control: no-store
    allow: GET,HEAD
    {"type":"urn:weir:problem:unknown-method","title":"Method not allowed","status":405,"detail":"/ctr/latest does not take DELETE","instance":"/ctr/latest"}
    "#);
}

#[tokio::test]
async fn a_store_that_is_away_asks_to_try_again_and_keeps_its_secrets() {
    assert_snapshot!(answer(&router(Store::Away), request("GET", "/ctr/latest")).await, @r#"
    503
    content-type: application/problem+json
    cache-control: no-store
    retry-after: 1
    {"type":"urn:weir:problem:store-unavailable","title":"Store unavailable","status":503,"detail":"the store does not answer","instance":"/ctr/latest"}
    "#);
    for path in ["/ctr", "/ctr/p1", "/ctr/previous", "/totals"] {
        let text = answer(&router(Store::Away), request("GET", path)).await;
        assert!(text.starts_with("503") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_damaged_store_is_the_servers_fault() {
    assert_snapshot!(answer(&router(Store::Damaged), request("GET", "/ctr/p1")).await, @r#"
    500
    content-type: application/problem+json
    cache-control: no-store
    {"type":"urn:weir:problem:store-damaged","title":"Store damaged","status":500,"detail":"what the store holds cannot be read","instance":"/ctr/p1"}
    "#);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let head = router(Store::Answers).oneshot(request("HEAD", "/ctr/latest")).await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert!(head.headers().contains_key(header::ETAG));
    assert!(to_bytes(head.into_body(), usize::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_that_did_not_change_are_not_sent_again() {
    let first = router(Store::Answers).oneshot(request("GET", "/ctr/p1")).await.unwrap();
    let tag = first.headers()[header::ETAG].clone();
    let again =
        |tag: &str| Request::get("/ctr/p1").header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
    let same = router(Store::Answers).oneshot(again(tag.to_str().unwrap())).await.unwrap();
    assert_eq!((same.status(), &same.headers()[header::ETAG]), (StatusCode::NOT_MODIFIED, &tag));
    let other = router(Store::Answers).oneshot(again("W/\"0\"")).await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_are_compressed_for_those_who_ask() {
    let request = Request::get("/views").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let response = router(Store::Answers).oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    let packed = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_ref()).read_to_string(&mut text).unwrap();
    assert!(text.starts_with(r#"[{"name":"ctr""#), "{text}");
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let text = get("/").await;
    assert!(text.starts_with("200\ncontent-type: text/html"), "{text}");
    assert!(!text.contains("://"), "the page names another host");
}

#[tokio::test]
async fn serve_takes_no_events() {
    let text = answer(&router(Store::Answers), request("POST", "/events/impressions")).await;
    assert!(text.starts_with("405"), "{text}");
}
