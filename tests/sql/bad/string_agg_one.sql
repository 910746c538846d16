-- fail: string_agg_one.sql:3:28: found string_agg(DISTINCT k); expected string_agg(DISTINCT x, ',')
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, string_agg(DISTINCT k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
