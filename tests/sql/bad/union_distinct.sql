-- fail: UNION is not supported; expected UNION ALL
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT k, count(*) AS c FROM (SELECT k, ts FROM t UNION SELECT k, ts FROM u) AS x GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
