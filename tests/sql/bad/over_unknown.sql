-- fail: unknown column "x"; expected one of k, n, j, ts, window_start, window_end, d
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT n AS d, x FROM t;
