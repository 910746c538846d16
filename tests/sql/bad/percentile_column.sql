-- fail: percentile_column.sql:3:49: found n; expected a fraction from 0 to 1
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, approx_percentile(n, n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
