-- fail: of more than 0 ms
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, window_funnel(INTERVAL '0' SECOND, k = 'a') AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
