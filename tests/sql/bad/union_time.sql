-- fail: ts is not the event time of table "u"; expected its column "at"
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, at TIMESTAMP, ts TIMESTAMP) WITH (event_time = 'at');
CREATE VIEW v AS SELECT count(*) AS c FROM (SELECT k, ts FROM t UNION ALL SELECT k, ts FROM u) AS x GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
