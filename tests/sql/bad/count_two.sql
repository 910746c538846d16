-- fail: expected count(*), count(x) or count(DISTINCT x)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(DISTINCT n, k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
