-- fail: last_star.sql:3:28: found last(*); expected last(x)
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, last(*) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
