-- fail: "a/b" cannot stand in the API's paths; expected a name of letters, digits, _, - and .
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW "a/b" AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
