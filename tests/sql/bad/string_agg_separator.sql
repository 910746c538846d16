-- fail: string_agg_separator.sql:3:51: found k; expected a text such as ',' to put between the values
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, string_agg(DISTINCT k, k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
