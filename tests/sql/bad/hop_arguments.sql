-- fail: expected HOP(ts, INTERVAL '10' SECOND, INTERVAL '5' MINUTE): event time, slide and size
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, HOP(ts, INTERVAL '5' MINUTE);
