-- fail: array_agg_json.sql:3:47: array_agg cannot take JSON; expected any type but JSON
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, array_agg(DISTINCT j) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
