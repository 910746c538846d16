-- fail: array_agg_all.sql:3:28: found array_agg(n); expected array_agg(DISTINCT x)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, array_agg(n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
