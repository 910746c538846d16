-- fail: LIMIT is not supported
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND) LIMIT 5;
