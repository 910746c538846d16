-- fail: percentile_type.sql:3:46: approx_percentile cannot take TEXT; expected BIGINT or DOUBLE
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, approx_percentile(k, 0.5) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
