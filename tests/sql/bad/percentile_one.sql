-- fail: percentile_one.sql:3:28: found approx_percentile(n); expected approx_percentile(x, 0.95)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, approx_percentile(n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
