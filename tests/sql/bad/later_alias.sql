-- fail: later_alias.sql:3:28: column "b" is computed further behind; expected it before its use
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, b + 1 AS a, count(*) AS b FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
