-- fail: ungrouped.sql:3:28: column "n" is neither in GROUP BY nor in an aggregate
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, n, count(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
