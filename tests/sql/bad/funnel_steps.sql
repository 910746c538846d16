-- fail: expected window_funnel(INTERVAL '5' MINUTE, first step, second step, ...): at most 32 conditions
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, window_funnel(INTERVAL '5' SECOND) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
