-- fail: option "alert" is 'yes'; expected true or false
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v WITH (alert = 'yes') AS SELECT k, 'HIGH' AS severity FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
