-- fail: column "k" is TEXT in one branch of UNION ALL and BIGINT in another
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k BIGINT, ts TIMESTAMP);
CREATE VIEW v AS SELECT k, count(*) AS c FROM (SELECT k, ts FROM t UNION ALL SELECT k, ts FROM u) AS x GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
