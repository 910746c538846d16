-- fail: found a span of 0 ms; expected more than 0 ms
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '0' SECOND);
