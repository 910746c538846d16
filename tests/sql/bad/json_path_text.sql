-- fail: json_path_text.sql:3:46: found '$.a['; expected a JSON path such as '$.items[0].price'
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(json_value(j, '$.a[')) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
