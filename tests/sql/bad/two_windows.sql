-- fail: a view has one window
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND), TUMBLE(ts, INTERVAL '2' SECOND);
