-- fail: output_twice.sql:3:38: two columns are called "count"; expected AS and another name
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*), count(n) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
