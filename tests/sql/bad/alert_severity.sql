-- fail: an alert has a column "severity" of type TEXT, found none
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v WITH (alert = true) AS SELECT k, sum(n) AS total FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
