-- fail: unknown function "cuont"; expected one of count, sum, min, max, avg, count_if
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, cuont(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
