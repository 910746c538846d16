-- fail: a condition has to be BOOLEAN, found BIGINT: count(*)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND) HAVING count(*);
