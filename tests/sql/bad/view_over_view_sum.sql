-- fail: sum needs groups; expected GROUP BY window_start, window_end
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT sum(n) AS n FROM u;
