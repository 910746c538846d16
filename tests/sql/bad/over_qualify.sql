-- fail: QUALIFY cannot stand here; expected HAVING or WHERE
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND) QUALIFY c > 1;
