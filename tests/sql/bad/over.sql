-- fail: OVER cannot stand here; expected it in SELECT or QUALIFY of a view without GROUP BY
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, count(*) OVER (PARTITION BY k) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
