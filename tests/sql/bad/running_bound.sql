-- fail: unknown column "window_start"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, window_start AS since FROM t GROUP BY k;
