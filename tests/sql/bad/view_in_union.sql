-- fail: view "u" cannot be one of several in UNION ALL; expected tables, or one view alone
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v AS SELECT sum(n) AS n FROM (SELECT n, ts FROM t UNION ALL SELECT n, window_time FROM u) AS x GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE);
