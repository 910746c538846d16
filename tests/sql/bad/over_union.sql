-- fail: OVER reads one table, and FROM has several; expected a view for each
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP) WITH (key = 'k'); CREATE VIEW v AS SELECT count(*) OVER (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL '10' MINUTE PRECEDING AND CURRENT ROW) AS c FROM (SELECT k, ts FROM t UNION ALL SELECT k, ts FROM u) AS e;
