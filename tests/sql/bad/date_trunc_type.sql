-- fail: the second argument of date_trunc has to be TIMESTAMP, found BIGINT: n
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(date_trunc('hour', n)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
