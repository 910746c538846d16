-- fail: window_time.sql:3:63: n is not the event time of table "t"; expected its column "ts"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(n, INTERVAL '1' SECOND);
