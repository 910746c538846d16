-- fail: the sessions of view "u" have windows of their own each; expected TUMBLE(window_time, size)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, SESSION(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT sum(n) AS n FROM u GROUP BY window_start, window_end;
