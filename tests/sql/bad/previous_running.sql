-- fail: previous(x) is of the window before, and this view has no windows
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(n) AS total, previous(total) AS before FROM t GROUP BY k;
