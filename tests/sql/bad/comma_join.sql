-- fail: expected one table, (SELECT ... UNION ALL SELECT ...) AS x, or views with JOIN ... ON between them
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT count(*) AS c FROM t, u GROUP BY TUMBLE(ts, INTERVAL '1' SECOND);
