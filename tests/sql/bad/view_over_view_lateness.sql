-- fail: a view over a view follows every revision; expected "allowed_lateness" on "u" alone
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW v WITH (allowed_lateness = '1 second') AS SELECT sum(n) AS n FROM u GROUP BY window_start, window_end;
