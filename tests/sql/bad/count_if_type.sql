-- fail: count_if_type.sql:3:37: a condition has to be BOOLEAN, found BIGINT: n
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count_if(n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
