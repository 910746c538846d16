-- fail: joins are not supported; expected one table, or (SELECT ... UNION ALL SELECT ...) AS x
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT t.k, count(*) AS c FROM t JOIN u ON t.k = u.k GROUP BY t.k, TUMBLE(ts, INTERVAL '1' SECOND);
