-- fail: a view without a window takes every event; expected no "allowed_lateness"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v WITH (allowed_lateness = '5 seconds') AS SELECT k, count(*) AS n FROM t GROUP BY k;
