-- fail: percentile_fraction.sql:3:49: found 95; expected a fraction from 0 to 1, such as 0.95
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, approx_percentile(n, 95) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
