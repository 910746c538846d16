-- fail: "t" is a table, and joins are of views with TUMBLE or HOP; expected a view over it
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE TABLE u (k TEXT, ts TIMESTAMP);
CREATE VIEW v AS SELECT t.k, count(*) AS c FROM t JOIN u ON t.k = u.k GROUP BY t.k, TUMBLE(ts, INTERVAL '1' SECOND);
