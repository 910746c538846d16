-- fail: sum_distinct.sql:3:28: found sum(DISTINCT n); expected sum(x), perhaps with FILTER
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, sum(DISTINCT n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
