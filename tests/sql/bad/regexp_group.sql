-- fail: found 2; expected a group of the pattern as a constant, from 0 (all of it) to 1
CREATE TABLE t (k TEXT, n BIGINT, ts TIMESTAMP) WITH (key = 'k');
CREATE VIEW v AS SELECT k, max(regexp_extract(k, '(a)', 2)) AS c FROM t GROUP BY k, TUMBLE(ts, INTERVAL '1' SECOND);
