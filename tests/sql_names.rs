//! Words of SQL that are also usual names of JSON fields work as columns without quotes.

use weir::sql::{Catalog, SqlFile};

const COLUMNS: [&str; 52] = [
    "type",
    "timestamp",
    "view",
    "action",
    "key",
    "user",
    "start",
    "date",
    "time",
    "day",
    "hour",
    "year",
    "month",
    "minute",
    "second",
    "value",
    "values",
    "index",
    "comment",
    "text",
    "json",
    "window",
    "session",
    "name",
    "status",
    "count",
    "position",
    "first",
    "last",
    "event",
    "source",
    "target",
    "url",
    "page",
    "category",
    "level",
    "data",
    "device",
    "country",
    "language",
    "state",
    "end",
    "id",
    "role",
    "location",
    "version",
    "sum",
    "min",
    "max",
    "interval",
    "row",
    "current",
];

fn errors_with(column: &str) -> Option<String> {
    let text = format!(
        "CREATE TABLE t ({column} TEXT NOT NULL, ts TIMESTAMP, other BIGINT);
         CREATE VIEW v AS
         SELECT {column} AS k, count(DISTINCT {column}) AS n, count(*) FILTER (WHERE {column} = 'x' AND t.{column} <> 'y') AS xs,
                max({column}) AS largest, upper({column}) || 'x' AS upper,
                CASE WHEN {column} = 'a' THEN 1 ELSE 2 END AS c, length({column}) AS l
         FROM t WHERE {column} IN ('x', 'y') OR {column} IS NOT NULL
         GROUP BY {column}, TUMBLE(ts, INTERVAL '10' SECOND);
         CREATE VIEW w AS SELECT count(*) AS n FROM
         (SELECT ts, {column} AS k, {column} FROM t WHERE {column} LIKE 'a%') AS x GROUP BY k, TUMBLE(ts, INTERVAL '10' SECOND);"
    );
    Catalog::parse(&[SqlFile { name: column.to_owned(), text }]).err().map(|errors| errors.render())
}

#[test]
fn keywords_are_columns() {
    let errors: Vec<String> = COLUMNS.iter().filter_map(|column| errors_with(column)).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n\n"));
}
