-- fail: first_two.sql:3:28: found first(k, n); expected first(x), perhaps with FILTER
CREATE TABLE t (k TEXT, n BIGINT, j JSON, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, first(k, n) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
