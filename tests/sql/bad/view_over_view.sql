-- fail: "v" is a view; views over views are not supported, expected one of t
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
CREATE VIEW w AS SELECT k, sum(c) AS s FROM v GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
