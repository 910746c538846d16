-- fail: HOP's slide (5 min) is longer than its size (10 s), so events would fall between windows
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, HOP(ts, INTERVAL '5' MINUTE, INTERVAL '10' SECOND);
