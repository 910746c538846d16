-- fail: UNION ALL joins 2 columns with 1; expected as many on each side
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT count(*) AS c FROM (SELECT ts, k FROM t UNION ALL SELECT ts FROM u) AS x GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
