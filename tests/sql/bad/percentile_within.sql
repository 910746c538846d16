-- fail: expected percentile_approx(x, 0.95)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, percentile_approx(0.5) WITHIN GROUP (ORDER BY n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
