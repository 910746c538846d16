-- fail: count cannot stand in WHERE; expected it in SELECT or HAVING
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k FROM t WHERE count(*) > 1 GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
