-- fail: same_name.sql:3:13: the name "T" is taken by same_name.sql:2; expected another
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW T AS SELECT k, count(*) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
