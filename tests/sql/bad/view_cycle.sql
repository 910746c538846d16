-- fail: view v reads itself, directly or through others
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT sum(n) AS n FROM u GROUP BY window_start, window_end;
CREATE VIEW u AS SELECT sum(n) AS n FROM v GROUP BY window_start, window_end;
