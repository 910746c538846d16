-- fail: found k; expected a JSON path such as
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(json_value(j, k)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
