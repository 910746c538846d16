-- fail: to_timestamp takes a TEXT or a number of seconds, found JSON: j
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(to_timestamp(j)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
