-- fail: funnel_type.sql:3:63: a condition has to be BOOLEAN, found TEXT: k
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, window_funnel(INTERVAL '5' SECOND, k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
