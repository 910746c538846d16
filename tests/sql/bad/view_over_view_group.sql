-- fail: rows of view "u" are not grouped in time; expected window_start and window_end in GROUP BY
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT k, sum(n) AS n FROM u GROUP BY k;
