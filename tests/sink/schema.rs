//! What readers are told of the tables.

use weir::sink::{Reader, Target, schema};

use super::{catalog::catalog, fixture::SQL};

fn told(reader: Reader, view: &str, target: &str) -> String {
    let target = Target::list(target).unwrap().remove(0);
    let statements = schema(&catalog(SQL), reader, &target).unwrap();
    let of_view = statements.into_iter().filter(|statement| statement.view == view);
    of_view.map(|statement| statement.sql).collect::<Vec<_>>().join("\n")
}

#[test]
fn duckdb_has_all_rows_and_those_in_force() {
    insta::assert_snapshot!(told(Reader::DuckDb, "things", "file:///it's/rows"), @r#"
CREATE OR REPLACE VIEW "things_revisions" AS
SELECT * FROM read_parquet('/it''s/rows/view=things/*/*.parquet', hive_partitioning = true, hive_types = {'date': DATE}, union_by_name = true);

CREATE OR REPLACE VIEW "things" AS
SELECT "k", "n", "x", "b", "t", "list", "window_start", "window_end", "revision", "weir_partition", "weir_offset", "date"
FROM (
  SELECT *, row_number() OVER (PARTITION BY "k", "window_start", "window_end" ORDER BY "revision" DESC, "weir_partition" DESC, "weir_offset" DESC) AS weir_rank
  FROM "things_revisions"
) AS ranked
WHERE weir_rank = 1;
"#);
}

#[test]
fn athena_finds_dates_by_rule() {
    insta::assert_snapshot!(told(Reader::Athena, "large", "s3://rows/web"), @r#"
CREATE EXTERNAL TABLE IF NOT EXISTS `large_revisions` (
  `k` string,
  `date_` bigint,
  `window_start` timestamp,
  `window_end` timestamp,
  `revision` bigint,
  `source_record` string,
  `weir_partition` bigint,
  `weir_offset` bigint
)
PARTITIONED BY (`date` date)
STORED AS PARQUET
LOCATION 's3://rows/web/view=large/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.date.type' = 'date',
  'projection.date.format' = 'yyyy-MM-dd',
  'projection.date.range' = '2020-01-01,NOW+1DAYS',
  'storage.location.template' = 's3://rows/web/view=large/date=${date}/'
);

CREATE OR REPLACE VIEW "large" AS
SELECT "k", "date_", "window_start", "window_end", "revision", "source_record", "weir_partition", "weir_offset", "date"
FROM (
  SELECT *, row_number() OVER (PARTITION BY "k", "window_start", "window_end", "source_record" ORDER BY "revision" DESC, "weir_partition" DESC, "weir_offset" DESC) AS weir_rank
  FROM "large_revisions"
) AS ranked
WHERE weir_rank = 1;
"#);
}

#[test]
fn clickhouse_is_told_what_the_sink_runs() {
    let told = told(Reader::ClickHouse, "so_far", "clickhouse://localhost");
    assert!(told.starts_with("CREATE TABLE IF NOT EXISTS `so_far` ("), "{told}");
}

#[test]
fn a_column_of_the_sinks_own_name_is_refused() {
    let sql = SQL
        .replace("count(*) AS n FROM events GROUP BY k;", "count(*) AS weir_offset FROM events GROUP BY k;");
    let target = Target::list("file:///rows").unwrap().remove(0);
    let error = schema(&catalog(&sql), Reader::DuckDb, &target).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to make a table of view so_far: another column is called \"weir_offset\" too, but for capitals perhaps; \
         expected another name behind AS"
    );
}
