-- fail: table "t" is read twice; expected each table in one branch
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS c FROM (SELECT k, ts FROM t UNION ALL SELECT k, ts FROM t) AS x GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
