-- fail: each event would be in 86400000 windows of 1 d every 1 ms; expected at most 10000
CREATE TABLE t (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT k, count(*) AS n FROM t GROUP BY k, HOP(ts, INTERVAL '1' MILLISECOND, INTERVAL '1' DAY);
