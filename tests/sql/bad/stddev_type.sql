-- fail: stddev_type.sql:3:35: stddev cannot take TEXT; expected BIGINT or DOUBLE
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, stddev(k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
