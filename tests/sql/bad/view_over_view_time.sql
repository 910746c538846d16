-- fail: window_end is not the event time of the rows of view "u"; expected window_time, the last millisecond of their window
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT sum(n) AS n FROM u GROUP BY TUMBLE(window_end, INTERVAL '1' MINUTE);
