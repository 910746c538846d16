-- fail: sum(DISTINCT ...) is not supported; expected count(DISTINCT ...)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(DISTINCT n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
