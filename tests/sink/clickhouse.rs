//! Rows in ClickHouse: what the server is asked.

use serde_json::{Value as Json, json};

use super::{
    catalog::catalog,
    fixture::{DAY, SQL, Stand, batch, thing},
    server::{Asked, Reply, Server, say},
};

/// What a server says that has the columns of `things`.
const COLUMNS: &str = r#"{"name":"k","sorts":1}
{"name":"n","sorts":0}
{"name":"x","sorts":0}
{"name":"b","sorts":0}
{"name":"t","sorts":0}
{"name":"list","sorts":0}
{"name":"window_start","sorts":1}
{"name":"window_end","sorts":1}
{"name":"revision","sorts":0}
{"name":"weir_partition","sorts":0}
{"name":"weir_offset","sorts":0}
"#;

fn url(server: &Server) -> String {
    format!("clickhouse://web:s3cr%40t@{}/web", server.address)
}

fn is_insert(asked: &Asked) -> bool {
    asked.query.contains_key("query")
}

fn inserted(asked: &Asked) -> Vec<Json> {
    let lines = zstd::decode_all(asked.body.as_slice()).unwrap();
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The statements that make tables.
async fn tables(sql: &str, values: &[Json]) -> String {
    let server = Server::start([]).await;
    let stand = Stand::of(&url(&server), &catalog(sql)).await;
    assert_eq!(stand.sink(&batch("things", 0, values)).await.dead, 0);
    let asked = server.take();
    let texts = asked.iter().filter(|asked| !is_insert(asked)).map(Asked::text);
    texts.filter(|text| text.starts_with("CREATE")).collect::<Vec<_>>().join("\n\n")
}

#[tokio::test]
async fn a_table_is_made_of_the_plan_and_rows_are_inserted() {
    let server = Server::start([]).await;
    let stand = Stand::new(&url(&server)).await;
    let mut odd = thing("漢 \"\\", 0, 3);
    (odd["n"], odd["x"]) = (json!(i64::MAX), Json::Null);
    stand.sink(&batch("things", 7, &[thing("a", 0, 0), odd])).await;
    let asked = server.take();
    assert_eq!(asked.len(), 3);
    for asked in &asked {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/"));
        assert_eq!((asked.header("x-clickhouse-user"), asked.header("x-clickhouse-key")), ("web", "s3cr@t"));
        assert_eq!(
            (asked.query["database"].as_str(), asked.query["wait_end_of_query"].as_str()),
            ("web", "1")
        );
    }
    assert_eq!(asked[0].query["param_table"], "things");
    insta::assert_snapshot!(asked[1].text(), @r#"
CREATE TABLE IF NOT EXISTS `things` (
    `k` String,
    `n` Nullable(Int64),
    `x` Nullable(Float64),
    `b` Nullable(Bool),
    `t` Nullable(DateTime64(3, 'UTC')),
    `list` Nullable(String),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
PARTITION BY toYYYYMM(`window_start`)
ORDER BY (`k`, `window_start`, `window_end`)
SETTINGS non_replicated_deduplication_window = 1000
"#);
    insta::assert_snapshot!(asked[2].query["query"], @r"INSERT INTO `things` (`k`, `n`, `x`, `b`, `t`, `list`, `window_start`, `window_end`, `revision`, `weir_partition`, `weir_offset`) FORMAT JSONEachRow");
    assert_eq!(asked[2].header("content-encoding"), "zstd");
    assert!(asked[2].query["insert_deduplication_token"].starts_with("things-0-000000000007-000000000008-"));
    insta::assert_snapshot!(String::from_utf8(zstd::decode_all(asked[2].body.as_slice()).unwrap()).unwrap(), @r#"
{"k":"a","n":0,"x":0.1,"b":true,"t":"2026-11-21 00:00:00.007","list":"[1,2]","window_start":"2026-11-21 00:00:00.000","window_end":"2026-11-21 00:01:00.000","revision":0,"weir_partition":0,"weir_offset":7}
{"k":"漢 \"\\","n":9223372036854775807,"x":null,"b":true,"t":"2026-11-21 00:00:00.007","list":"[1,2]","window_start":"2026-11-21 00:00:00.000","window_end":"2026-11-21 00:01:00.000","revision":3,"weir_partition":0,"weir_offset":8}
"#);
    stand.sink(&batch("things", 9, &[thing("a", 1, 0)])).await;
    assert_eq!(server.take().len(), 1, "the table is known now");
}

#[tokio::test]
async fn every_kind_of_view_is_ordered_by_what_tells_its_rows_apart() {
    let so_far = json!({"view": "so_far", "k": "a", "n": 3, "revision": 2});
    let window = |mut row: Json| {
        (row["window_start"], row["window_end"], row["revision"]) = (json!(DAY), json!(DAY + 1), json!(0));
        row
    };
    let values = [
        so_far,
        window(json!({"view": "hidden", "n": 1})),
        window(json!({"view": "countries", "country": null, "n": 1})),
        window(json!({"view": "many", "k": "a", "severity": "HIGH", "rule": "many", "n": 10, "id": "f00"})),
        window(json!({"view": "large", "k": "a", "date": 100, "source_record": "events-0@7"})),
    ];
    insta::assert_snapshot!(tables(SQL, &values).await, @r#"
CREATE TABLE IF NOT EXISTS `so_far` (
    `k` String,
    `n` Nullable(Int64),
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
ORDER BY (`k`)
SETTINGS non_replicated_deduplication_window = 1000

CREATE TABLE IF NOT EXISTS `hidden` (
    `n` Nullable(Int64),
    `weir_key` String,
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
PARTITION BY toYYYYMM(`window_start`)
ORDER BY (`weir_key`, `window_start`, `window_end`)
SETTINGS non_replicated_deduplication_window = 1000

CREATE TABLE IF NOT EXISTS `countries` (
    `country` Nullable(String),
    `n` Nullable(Int64),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
PARTITION BY toYYYYMM(`window_start`)
ORDER BY (`country`, `window_start`, `window_end`)
SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = 1000

CREATE TABLE IF NOT EXISTS `many` (
    `k` Nullable(String),
    `severity` Nullable(String),
    `rule` Nullable(String),
    `n` Nullable(Int64),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `id` String,
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
PARTITION BY toYYYYMM(`window_start`)
ORDER BY (`window_start`, `window_end`, `id`)
SETTINGS non_replicated_deduplication_window = 1000

CREATE TABLE IF NOT EXISTS `weir_alerts` (
    `id` String,
    `view` String,
    `severity` Nullable(String),
    `rule` Nullable(String),
    `window_start` Nullable(DateTime64(3, 'UTC')),
    `window_end` Nullable(DateTime64(3, 'UTC')),
    `revision` UInt32,
    `alert` String,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
ORDER BY (`id`)
SETTINGS non_replicated_deduplication_window = 1000

CREATE TABLE IF NOT EXISTS `large` (
    `k` String,
    `date` Nullable(Int64),
    `window_start` DateTime64(3, 'UTC'),
    `window_end` DateTime64(3, 'UTC'),
    `revision` UInt32,
    `source_record` String,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
PARTITION BY toYYYYMM(`window_start`)
ORDER BY (`k`, `window_start`, `window_end`, `source_record`)
SETTINGS non_replicated_deduplication_window = 1000
"#);
}

#[tokio::test]
async fn names_cannot_break_out_of_a_statement() {
    let sql = "CREATE TABLE e (k TEXT, ts TIMESTAMP) WITH (event_time = 'ts');
               CREATE VIEW \"a-b.c\" AS SELECT k AS \"x`) y\", count(*) AS \"n\\\" FROM e GROUP BY k;";
    let values = [json!({"view": "a-b.c", "x`) y": "1", "n\\": 1, "revision": 0})];
    insta::assert_snapshot!(tables(sql, &values).await, @r#"
CREATE TABLE IF NOT EXISTS `a-b.c` (
    `x\`) y` Nullable(String),
    `n\\` Nullable(Int64),
    `revision` UInt32,
    `weir_partition` Int64,
    `weir_offset` Int64
)
ENGINE = ReplacingMergeTree(`revision`)
ORDER BY (`x\`) y`)
SETTINGS allow_nullable_key = 1, non_replicated_deduplication_window = 1000
"#);
}

#[tokio::test]
async fn a_batch_that_comes_again_is_the_same_insert() {
    let server = Server::start([]).await;
    let values = [thing("a", 0, 0), thing("b", 0, 0)];
    for _ in 0..2 {
        Stand::new(&url(&server)).await.sink(&batch("things", 0, &values)).await;
    }
    Stand::new(&url(&server)).await.sink(&batch("things", 0, &values[..1])).await;
    let inserts: Vec<Asked> = server.take().into_iter().filter(is_insert).collect();
    let token = |place: usize| inserts[place].query["insert_deduplication_token"].clone();
    assert_eq!((token(0), &inserts[0].body), (token(1), &inserts[1].body));
    assert_ne!(token(0), token(2), "what was cut otherwise must not be taken for a repetition");
    Stand::new(&url(&server)).await.sink(&batch("things", 0, &[thing("x", 0, 0), thing("y", 0, 0)])).await;
    let other = server.take().into_iter().find(is_insert).unwrap();
    assert_ne!(token(0), other.query["insert_deduplication_token"], "a topic made anew has other rows");
}

#[tokio::test]
async fn a_column_that_the_table_has_not_is_added() {
    let without: String = COLUMNS
        .lines()
        .filter(|line| !line.contains("\"list\"") && !line.contains("\"x\""))
        .fold(String::new(), |text, line| text + line + "\n");
    let server = Server::start([Reply::Say(200, without)]).await;
    Stand::new(&url(&server)).await.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    let asked = server.take();
    assert_eq!(
        asked[1].text(),
        "ALTER TABLE `things` ADD COLUMN IF NOT EXISTS `x` Nullable(Float64), ADD COLUMN IF NOT EXISTS `list` Nullable(String)"
    );
    assert!(is_insert(&asked[2]));
    let server = Server::start([say(200, COLUMNS)]).await;
    Stand::new(&url(&server)).await.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    assert_eq!(server.take().len(), 2, "a table that has all is left as it is");
}

#[tokio::test]
async fn a_table_that_would_lose_rows_is_refused() {
    let unsorted = COLUMNS.replace(r#"{"name":"k","sorts":1}"#, r#"{"name":"k","sorts":0}"#);
    let server = Server::start([Reply::Say(200, unsorted)]).await;
    let stand = Stand::new(&url(&server)).await;
    let error = stand.try_sink(&batch("things", 0, &[thing("a", 0, 0)])).await.unwrap_err().to_string();
    assert!(error.ends_with("the table `things` is not ordered by `k`, which tells its rows apart, so some would be lost; rename or drop it"), "{error}");
    assert_eq!(server.take().len(), 1);
}

#[tokio::test]
async fn failures_that_may_pass_are_tried_again() {
    let busy = say(500, "Code: 241. DB::Exception: Memory limit exceeded");
    let server = Server::start([say(503, ""), say(200, COLUMNS), busy, say(429, "")]).await;
    let values = batch("things", 0, &[thing("a", 0, 0)]);
    let stand = Stand::new(&url(&server)).await;
    let error = stand.try_sink(&values).await.unwrap_err().to_string();
    assert!(error.contains("answered 429 Too Many Requests"), "three attempts: {error}");
    stand.sink(&values).await;
    let inserts: Vec<Asked> = server.take().into_iter().filter(is_insert).collect();
    let tokens: Vec<_> = inserts.iter().map(|asked| &asked.query["insert_deduplication_token"]).collect();
    assert_eq!(tokens.len(), 3);
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(inserted(&inserts[2]).len(), 1);
}

#[tokio::test]
async fn silence_is_tried_again() {
    let server = Server::start([say(200, COLUMNS), Reply::Hang]).await;
    let stand = Stand::new(&url(&server)).await;
    stand.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    assert_eq!(server.take().len(), 3, "the columns, silence, the insert");
}

#[tokio::test]
async fn a_refusal_fails_the_batch_without_its_secrets_and_nothing_is_passed_over() {
    let refused = "Code: 516. DB::Exception: web: Authentication failed: password s3cr@t is incorrect";
    let server = Server::start([say(403, refused)]).await;
    let stand = Stand::new(&url(&server)).await;
    let values = batch("things", 0, &["no row".to_owned(), thing("a", 0, 0).to_string()]);
    let error = stand.try_sink(&values).await.unwrap_err().to_string();
    let expected = format!(
        "failed to write rows of things from things-0 to clickhouse://{}/web: answered 403 Forbidden: Code: 516. \
         DB::Exception: web: Authentication failed: password … is incorrect",
        server.address
    );
    assert_eq!(error, expected);
    assert_eq!(server.take().len(), 1, "what is refused is not tried again");
    assert_eq!(stand.letters.kept.take(), [], "the batch comes again, and its letters with it");
    assert_eq!(stand.sink(&values).await.dead, 1);
    assert_eq!(stand.letters.kept.take().len(), 1);
}

#[tokio::test]
async fn a_table_that_was_dropped_is_made_again() {
    let server = Server::start([]).await;
    let stand = Stand::new(&url(&server)).await;
    stand.sink(&batch("things", 0, &[thing("a", 0, 0)])).await;
    server.take();
    server.reply([say(404, "Code: 60. DB::Exception: Unknown table")]);
    stand.sink(&batch("things", 1, &[thing("b", 0, 0)])).await;
    let asked = server.take();
    assert_eq!(asked.len(), 4, "the insert, the columns, the table, the insert");
    assert!(asked[2].text().starts_with("CREATE TABLE IF NOT EXISTS `things`"));
    assert_eq!(inserted(&asked[3])[0]["k"], "b");
}
