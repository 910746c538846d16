-- fail: view "u" has no window, so its rows are never final; expected a table, or a view with a window
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW u AS SELECT k, count(*) AS n FROM t GROUP BY k;
CREATE VIEW v AS SELECT sum(n) AS n FROM u GROUP BY window_start, window_end;
