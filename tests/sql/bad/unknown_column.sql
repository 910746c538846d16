-- fail: unknown_column.sql:3:40: unknown column "clik"; expected one of click, ts, k, window_start, window_end, did you mean "click"?
CREATE TABLE t (click BIGINT, ts TIMESTAMP, k TEXT);
CREATE VIEW v AS SELECT k, count(*) + (clik) AS n FROM t WHERE clik > 1 GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
